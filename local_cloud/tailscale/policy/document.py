"""The shape of a policy file, section by section. What the names in it mean is for `reading`.

As with Tailscale, names are taken in any case (`acls`, `ACLs`), and `users`, `ports` and `allow` for what are
now `src`, `dst` and `accept`.
"""

from typing import Any, Literal

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, ValidationError, model_validator

from local_cloud.tailscale.policy.errors import PolicyError


class _Part(BaseModel):
    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, alias_generator=lambda name: name.replace("_", "")
    )

    @model_validator(mode="before")
    @classmethod
    def _in_lower_case(cls, value: Any) -> Any:
        return {name.lower(): part for name, part in value.items()} if isinstance(value, dict) else value


def _renamed(new: str, old: str) -> Any:
    return Field(validation_alias=AliasChoices(new, old))


class Acl(_Part):
    action: Literal["accept"]
    src: list[str] = _renamed("src", "users")
    dst: list[str] = _renamed("dst", "ports")
    proto: str = ""
    src_posture: list[str] = []


class Grant(_Part):
    src: list[str]
    dst: list[str]
    ip: list[str] = []
    app: dict[str, Any] = {}
    via: list[str] = []
    src_posture: list[str] = []


class PolicyTest(_Part):
    src: str = _renamed("src", "user")
    proto: str = ""
    accept: list[str] = Field(default=[], validation_alias=AliasChoices("accept", "allow"))
    deny: list[str] = []
    src_posture_attrs: dict[str, Any] = {}


class AutoApprovers(_Part):
    routes: dict[str, list[str]] = {}
    exit_node: list[str] = []
    services: dict[str, list[str]] = {}


class Ssh(_Part):
    action: Literal["accept", "check"]
    src: list[str]
    dst: list[str]
    users: list[str]
    check_period: str = ""
    accept_env: list[str] = []
    recorder: list[str] = []
    enforce_recorder: bool = False
    src_posture: list[str] = []


class NodeAttribute(_Part):
    target: list[str]
    attr: list[str] = []
    app: dict[str, Any] = {}
    ip_pool: list[str] = []


class Document(_Part):
    acls: list[Acl] | None = None
    grants: list[Grant] | None = None
    groups: dict[str, list[str]] = {}
    hosts: dict[str, str] = {}
    tag_owners: dict[str, list[str]] = {}
    auto_approvers: AutoApprovers = AutoApprovers()
    ssh: list[Ssh] = []
    node_attrs: list[NodeAttribute] = []
    tests: list[PolicyTest] = []
    ssh_tests: list[Any] = []
    postures: dict[str, list[str]] = {}
    default_src_posture: list[str] = []
    ipsets: dict[str, list[str]] = {}
    derp_map: dict[str, Any] | None = None
    attr_config: dict[str, Any] = {}
    disable_ipv4: bool = False
    one_cgnat_route: str = ""
    randomize_client_port: bool = False


def document(value: Any) -> Document:
    """Raises PolicyError that names the first field that is wrong."""
    try:
        return Document.model_validate(value)
    except ValidationError as error:
        raise PolicyError(_first(error)) from error


def policy_tests(value: Any) -> list[PolicyTest]:
    """A list of tests by itself, as `validate` takes it. Raises PolicyError."""
    return document({"tests": value}).tests


def _first(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False)[0]
    place = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in first["loc"]).lstrip(".")
    if first["type"] == "extra_forbidden":
        return f'unknown field "{place}"'
    return f"{place or 'the policy file'}: {first['msg']}"
