"""What the Tailscale stand-in is told and checks: settings and inputs."""

import secrets
from typing import Any

import grpc
import pytest
from plugin_client import Plugin
from tailscale_fake import FakeTailnet

from toolchain.plugins.base.errors import NotConfigured
from toolchain.plugins.base.facts import load
from toolchain.plugins.base.values import UNKNOWN
from toolchain.plugins.tailscale import policy
from toolchain.plugins.tailscale.provider import RESOURCES, connection_settings

FACTS = load("tailscale")


def test_settings_come_from_the_program_first_then_the_environment() -> None:
    environment = {
        "TAILSCALE_API_KEY": "there",  # pragma: allowlist secret
        "TAILSCALE_BASE_URL": "http://127.0.0.1:1/",
    }
    found = connection_settings({}, environment)
    assert (found.base_url, found.tailnet) == ("http://127.0.0.1:1", "-"), "the credentials' own tailnet"
    found = connection_settings({"apiKey": "here"}, environment)  # pragma: allowlist secret
    assert found.credentials.api_key == "here"  # pragma: allowlist secret
    named = connection_settings({}, {**environment, "TAILSCALE_TAILNET": "local.tailnet"})
    assert named.tailnet == "local.tailnet"
    assert connection_settings({}, {"TAILSCALE_API_KEY": "k"}).base_url == "https://api.tailscale.com"


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({}, "set TAILSCALE_API_KEY in the environment"),
        ({"apiKey": "a", "oauthClientId": "b"}, "conflicts with oauthClientId"),
        ({"oauthClientSecret": "a"}, "oauthClientId .* is missing"),
        ({"oauthClientId": "a"}, "needs oauthClientSecret"),
        ({"apiKey": "a", "baseUrl": "localhost:1"}, "must begin with https"),
    ],
)
def test_credentials_that_can_not_be_are_named(given: dict[str, str], reason: str) -> None:
    with pytest.raises(NotConfigured, match=reason):
        connection_settings(given, {})


def test_settings_never_show_their_secrets() -> None:
    given = {
        "oauthClientId": "id",
        "oauthClientSecret": "hidden",  # pragma: allowlist secret
        "identityToken": "hidden",
    }
    assert "hidden" not in repr(connection_settings(given, {}))
    assert "hidden" not in repr(connection_settings({"apiKey": "hidden"}, {}))  # pragma: allowlist secret


def test_a_key_is_not_sent_over_plain_http(unconfigured_tailscale: Plugin) -> None:
    with pytest.raises(grpc.RpcError, match="use https in tailscale:baseUrl"):
        unconfigured_tailscale.configure(apiKey="k", baseUrl="http://192.0.2.1")


def test_an_oauth_client_fetches_one_token_for_many_calls(
    unconfigured_tailscale: Plugin, tailnet: FakeTailnet
) -> None:
    unconfigured_tailscale.configure(
        oauthClientId="c",
        oauthClientSecret=tailnet.client_secret,
        scopes='["auth_keys"]',
        baseUrl=tailnet.url,
    )
    for _ in range(2):
        unconfigured_tailscale.make("TailnetKey", {"tags": ["tag:a"]})
    (asked,) = tailnet.requests("POST", "/api/v2/oauth/token")
    assert "scope=auth_keys" in asked


def test_a_refused_oauth_client_is_reported_without_its_secret(
    unconfigured_tailscale: Plugin, tailnet: FakeTailnet
) -> None:
    wrong = secrets.token_hex(8)
    unconfigured_tailscale.configure(oauthClientId="c", oauthClientSecret=wrong, baseUrl=tailnet.url)
    with pytest.raises(
        grpc.RpcError, match=r"401 .* API token invalid; check the API key or the OAuth"
    ) as caught:
        unconfigured_tailscale.make("TailnetKey", {})
    assert wrong not in caught.value.details()


def test_an_api_that_is_not_there_is_named(unconfigured_tailscale: Plugin, monkeypatch: Any) -> None:
    monkeypatch.setattr("toolchain.plugins.base.waiting.Waiter.pause", lambda *_: None)
    unconfigured_tailscale.configure(apiKey="k", baseUrl="http://127.0.0.1:9")
    with pytest.raises(grpc.RpcError, match=r"127\.0\.0\.1:9.* nothing answers there .*TAILSCALE_BASE_URL"):
        unconfigured_tailscale.make("DnsPreferences", {"magicDns": True})


def test_a_preview_may_not_know_the_settings_yet(unconfigured_tailscale: Plugin) -> None:
    unconfigured_tailscale.configure(apiKey=UNKNOWN)
    assert not unconfigured_tailscale.check("Acl", {"acl": "{}"}).failures, "nothing can be validated then"


def test_a_resource_that_is_not_there_is_refused_by_name(tailscale: Plugin) -> None:
    with pytest.raises(grpc.RpcError, match=r"service:Service.* has no such resource; install the official"):
        tailscale.check("Service", {"ports": ["tcp:443"]})


def test_every_resource_is_in_the_facts_and_every_replacing_input_in_its_resource() -> None:
    for each in RESOURCES:
        assert each.replacing <= FACTS.resources[each.token].inputs.keys(), each.token


@pytest.mark.parametrize(
    ("type", "inputs", "property", "reason"),
    [
        ("TailnetKey", {"reusabel": True}, "reusabel", 'did you mean "reusable"?'),
        ("TailnetKey", {"description": "x" * 51}, "description", "51 characters; 50 is the most"),
        ("TailnetKey", {"recreateIfInvalid": "yes"}, "recreateIfInvalid", 'neither "always" nor "never"'),
        ("TailnetKey", {"tags": "tag:a"}, "tags", "expected a list, got a string"),
        ("Acl", {}, "acl", 'needs the input "acl"'),
        ("Acl", {"acl": "{"}, "acl", "not valid HuJSON"),
        ("DeviceTags", {"tags": []}, "deviceId", "needs the input"),
        ("DnsNameservers", {"nameservers": []}, "nameservers", "there must be one at least"),
        ("DnsConfiguration", {"splitDns": [{"domain": "a"}]}, "splitDns", "there must be one at least"),
        (
            "TailnetSettings",
            {"usersRoleAllowedToJoinExternalTailnet": "all"},
            "usersRoleAllowedToJoinExternalTailnet",
            "none of none, admin, member",
        ),
        ("TailnetSettings", {"aclsExternalLink": "wiki"}, "aclsExternalLink", "no address"),
        (
            "Webhook",
            {"endpointUrl": "https://a", "subscriptions": [], "providerType": "irc"},
            "providerType",
            "none of slack",
        ),
        ("OauthClient", {"scopes": [], "description": "x" * 51}, "description", "50 is the most"),
    ],
)
def test_wrong_inputs_are_named(
    tailscale: Plugin, type: str, inputs: dict[str, Any], property: str, reason: str
) -> None:
    found = {each.property: each.reason for each in tailscale.check(type, inputs).failures}
    assert reason in found[property]


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ('{"a": 1}', '{\n\t"a":1,\n}', True),
        ('{"a": [1, 2]}', '{"a": [1, 2, /* end */ ]}', False),
        ('{"a": 1, /* end */ }', '{"a": 1 /* end */ }', True),
        ('{"a": 1} // x', '{"a": 1}// x  ', True),
        ('{"a": "b c"}', '{"a": "b  c"}', False),
        ('{"a": "// no comment"}', '{"a": "// no  comment"}', False),
        ('{"a": 1, "b": 2}', '{"b": 2, "a": 1}', False),
        ('{"a": "\\" ,"}', '{"a":"\\" ,"}', True),
    ],
)
def test_two_policies_are_the_same_if_formatting_makes_them_so(one: str, other: str, *, same: bool) -> None:
    assert (policy.tokens(one) == policy.tokens(other)) == same
