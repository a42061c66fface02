"""One document has them all; the older routes show a part of it each."""

from ipaddress import ip_address
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from local_cloud.tailscale import documents
from local_cloud.tailscale.calls import Call
from local_cloud.tailscale.errors import BadRequestError

DOCUMENT = "dns"


def _is_an_address(text: str) -> str:
    ip_address(text)
    return text


Address = Annotated[str, AfterValidator(_is_an_address)]


class _Part(BaseModel):
    model_config = ConfigDict(populate_by_name=True)


class Resolver(_Part):
    address: Address
    use_with_exit_node: bool = Field(default=False, alias="useWithExitNode")


class Preferences(_Part):
    override_local_dns: bool = Field(default=False, alias="overrideLocalDNS")
    magic_dns: bool = Field(default=False, alias="magicDNS")


class Configuration(_Part):
    nameservers: list[Resolver] = []
    split_dns: dict[str, list[Resolver]] = Field(default={}, alias="splitDNS")
    search_paths: list[str] = Field(default=[], alias="searchPaths")
    preferences: Preferences = Preferences()


def configuration(call: Call) -> Configuration:
    return documents.stored(call, DOCUMENT, Configuration)


def store(call: Call, wanted: Configuration) -> None:
    """MagicDNS ends with the last nameserver, as with Tailscale."""
    if not wanted.nameservers:
        wanted.preferences.magic_dns = False
    documents.store(call, DOCUMENT, wanted)


def set_magic_dns(call: Call, *, on: bool) -> Configuration:
    """Raises BadRequestError without a nameserver."""
    known = configuration(call)
    if on and not known.nameservers:
        raise BadRequestError("magicDNS: needs at least one nameserver: set nameservers first")
    known.preferences.magic_dns = on
    store(call, known)
    return known


def set_split_dns(
    call: Call, wanted: dict[str, list[Address] | None], *, whole: bool
) -> dict[str, list[str]]:
    """`whole` replaces all domains, or else only those that are named; None takes one away."""
    known = configuration(call)
    domains = {} if whole else dict(known.split_dns)
    for domain, servers in wanted.items():
        domains.pop(domain, None)
        if servers:
            domains[domain] = [Resolver(address=server) for server in servers]
    known.split_dns = domains
    store(call, known)
    return split_dns(known)


def split_dns(known: Configuration) -> dict[str, list[str]]:
    return {domain: addresses(servers) for domain, servers in known.split_dns.items()}


def addresses(resolvers: list[Resolver]) -> list[str]:
    return [resolver.address for resolver in resolvers]
