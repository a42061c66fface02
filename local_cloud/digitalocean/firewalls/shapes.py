"""Bodies of firewall calls, checked for form and brought to the form in which rules are kept."""

from ipaddress import ip_network
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, Field, field_validator, model_validator

from local_cloud.digitalocean.policies import parse_ports


def _network(text: str) -> str:
    ip_network(text, strict=False)
    return text


Address = Annotated[str, AfterValidator(_network)]


class Ends(BaseModel):
    """A rule's sources or destinations."""

    addresses: list[Address] | None = None
    droplet_ids: list[int] | None = None
    tags: list[str] | None = None
    load_balancer_uids: list[str] | None = None
    kubernetes_ids: list[str] | None = None

    @model_validator(mode="after")
    def _reach_something(self) -> "Ends":
        if self.load_balancer_uids or self.kubernetes_ids:
            raise ValueError("there are no load balancers and no Kubernetes clusters in the local cloud")
        if not (self.addresses or self.droplet_ids or self.tags):
            raise ValueError("give addresses, droplet_ids or tags")
        return self

    def kept(self) -> dict[str, Any]:
        return {name: value for name, value in self.model_dump().items() if value}


class _RuleForm(BaseModel):
    protocol: Literal["tcp", "udp", "icmp"]
    ports: str | None = None

    @field_validator("ports", mode="before")
    @classmethod
    def _as_text(cls, ports: Any) -> Any:
        return str(ports) if isinstance(ports, int) else ports

    @model_validator(mode="after")
    def _has_ports(self) -> "_RuleForm":
        if self.protocol != "icmp" and not self.ports:
            raise ValueError(f"a {self.protocol} rule needs ports: a port, a range, or all")
        parse_ports(self.ports or "")
        return self

    def _kept_ports(self) -> str:
        """Every port, and icmp, which has none, are "0" in answers."""
        every = self.protocol == "icmp" or parse_ports(self.ports or "") is None
        return "0" if every or self.ports is None else self.ports


class InboundRule(_RuleForm):
    sources: Ends

    def kept(self) -> dict[str, Any]:
        return {"protocol": self.protocol, "ports": self._kept_ports(), "sources": self.sources.kept()}


class OutboundRule(_RuleForm):
    destinations: Ends

    def kept(self) -> dict[str, Any]:
        destinations = self.destinations.kept()
        return {"protocol": self.protocol, "ports": self._kept_ports(), "destinations": destinations}


class RuleLists(BaseModel):
    inbound_rules: list[InboundRule] | None = None
    outbound_rules: list[OutboundRule] | None = None

    def inbound(self) -> list[dict[str, Any]]:
        return [rule.kept() for rule in self.inbound_rules or ()]

    def outbound(self) -> list[dict[str, Any]]:
        return [rule.kept() for rule in self.outbound_rules or ()]


class FirewallBody(RuleLists):
    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9.-]*$", max_length=255)
    droplet_ids: list[int] | None = None
    tags: list[str] | None = None


class DropletIds(BaseModel):
    droplet_ids: list[int] = Field(min_length=1)


class Tags(BaseModel):
    tags: list[str] = Field(min_length=1)
