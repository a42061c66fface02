"""The provider: its settings, its resources, its functions."""

import os
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from toolchain.plugins.base.errors import NotConfigured
from toolchain.plugins.base.facts import PackageFacts
from toolchain.plugins.base.provider import Provider, text
from toolchain.plugins.base.resource import Resource
from toolchain.plugins.base.values import Properties, is_unknown
from toolchain.plugins.tailscale import devices, dns, keys, policy, tailnet
from toolchain.plugins.tailscale.api import Api, Settings
from toolchain.plugins.tailscale.authorization import Credentials
from toolchain.plugins.tailscale.functions import Functions
from toolchain.plugins.tailscale.kinds import TailscaleResource

DEFAULT_BASE_URL = "https://api.tailscale.com"
OWN_TAILNET = "-"
RESOURCES: tuple[type[TailscaleResource], ...] = (
    devices.DeviceAuthorization,
    devices.DeviceKey,
    devices.DeviceSubnetRoutes,
    devices.DeviceTags,
    dns.DnsConfiguration,
    dns.DnsNameservers,
    dns.DnsPreferences,
    dns.DnsSearchPaths,
    dns.DnsSplitNameservers,
    keys.OauthClient,
    keys.TailnetKey,
    policy.Acl,
    tailnet.Contacts,
    tailnet.TailnetSettings,
    tailnet.Webhook,
)
VARIABLES: Mapping[str, tuple[str, ...]] = {
    "apiKey": ("TAILSCALE_API_KEY",),
    "baseUrl": ("TAILSCALE_BASE_URL",),
    "identityToken": ("TAILSCALE_IDENTITY_TOKEN", "IDENTITY_TOKEN"),
    "oauthClientId": ("TAILSCALE_OAUTH_CLIENT_ID", "OAUTH_CLIENT_ID"),
    "oauthClientSecret": ("TAILSCALE_OAUTH_CLIENT_SECRET", "OAUTH_CLIENT_SECRET"),
    "tailnet": ("TAILSCALE_TAILNET",),
}


class Tailscale(Provider):
    """The stand-in for the official plugin `tailscale`."""

    def __init__(self, facts: PackageFacts, version: str) -> None:
        super().__init__(facts, version)
        self._api = Api(self.waiter)
        self._resources = {each.token: each(facts.resources[each.token], self._api) for each in RESOURCES}
        self._functions = Functions(self._api)

    @property
    def resources(self) -> Mapping[str, Resource]:
        return self._resources

    def configure(self, settings: Properties) -> None:
        if not is_unknown(settings):  # a preview may not know them yet, and then makes no call
            self._api.configure(connection_settings(settings, os.environ))

    def close(self) -> None:
        self._api.close()

    def invoke(self, token: str, arguments: Properties) -> Properties:
        return self._functions.call(token, arguments)


def connection_settings(given: Mapping[str, Any], environment: Mapping[str, str]) -> Settings:
    """How to reach the API, from `tailscale:*` settings and the environment. Raises NotConfigured."""

    def setting(name: str) -> str | None:
        found = (environment.get(variable) for variable in VARIABLES[name])
        return text(given, name) or next(filter(None, found), None)

    base_url = setting("baseUrl") or DEFAULT_BASE_URL
    if urlsplit(base_url).scheme not in ("http", "https"):
        raise NotConfigured(f"tailscale:baseUrl is {base_url}; it must begin with https://")
    elsewhere = text(given, "identityTokenEnvironmentVariableName")
    credentials = Credentials(
        api_key=setting("apiKey"),
        client_id=setting("oauthClientId"),
        client_secret=setting("oauthClientSecret"),
        identity_token=setting("identityToken") or (environment.get(elsewhere) if elsewhere else None),
        scopes=tuple(given.get("scopes") or ()),
    )
    _check(credentials)
    return Settings(
        base_url=base_url.rstrip("/"),
        credentials=credentials,
        tailnet=setting("tailnet") or OWN_TAILNET,
        user_agent=text(given, "userAgent"),
    )


def _check(credentials: Credentials) -> None:
    """Raises NotConfigured unless they are those of exactly one way in."""
    client = (credentials.client_id, credentials.client_secret, credentials.identity_token)
    if credentials.api_key:
        if any(client):
            raise NotConfigured(
                "tailscale:apiKey (TAILSCALE_API_KEY) conflicts with oauthClientId, oauthClientSecret and "
                "identityToken: give the one or the others"
            )
        return
    if not any(client):
        raise NotConfigured(
            "no Tailscale credentials: set TAILSCALE_API_KEY in the environment, or run "
            "`pulumi config set --secret tailscale:apiKey`; or give oauthClientId and oauthClientSecret"
        )
    if not credentials.client_id:
        raise NotConfigured("tailscale:oauthClientId (TAILSCALE_OAUTH_CLIENT_ID) is missing")
    if not (credentials.client_secret or credentials.identity_token):
        raise NotConfigured(
            "tailscale:oauthClientId needs oauthClientSecret (TAILSCALE_OAUTH_CLIENT_SECRET) or identityToken"
        )
