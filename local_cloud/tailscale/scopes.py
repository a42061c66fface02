"""What a holder of an API token may do: all, or what the scopes of its OAuth client say."""

from collections.abc import Collection
from dataclasses import dataclass

from local_cloud.tailscale.errors import ForbiddenError

_AREAS = (
    "account_settings",
    "all",
    "api_access_tokens",
    "auth_keys",
    "device_invites",
    "devices:core",
    "devices:posture_attributes",
    "devices:routes",
    "dns",
    "feature_settings",
    "federated_keys",
    "log_streaming",
    "logs:configuration",
    "logs:network",
    "networking_settings",
    "oauth_keys",
    "policy_file",
    "services",
    "users",
    "webhooks",
)
SCOPES = frozenset(scope for area in _AREAS for scope in (area, f"{area}:read"))


def granted(held: Collection[str], wanted: str) -> bool:
    """Whether the scopes include the one that is wanted. Who may write may read."""
    area = wanted.removesuffix(":read")
    reads = wanted.endswith(":read")
    return any(scope in held for scope in ("all", area, wanted)) or (reads and "all:read" in held)


@dataclass(frozen=True, kw_only=True)
class Holder:
    """Whoever showed a token. `tags` are the OAuth client's; `user_id` is empty for one."""

    key_id: str
    scopes: frozenset[str]
    tags: tuple[str, ...]
    user_id: str

    def may(self, scope: str) -> bool:
        return granted(self.scopes, scope)

    def require(self, scope: str) -> None:
        """Raises ForbiddenError."""
        if not self.may(scope):
            raise ForbiddenError
