"""What is kept and shown, with nothing real behind it: DNS, settings, webhooks."""

from typing import Any

import httpx
import pytest
from running_tailnet import RunningTailnet

DNS = "/tailnet/-/dns"
SETTINGS = "/tailnet/-/settings"
HOOKS = "/tailnet/-/webhooks"
HOOK = {"endpointUrl": "https://example.com/hook", "subscriptions": ["nodeCreated", "policyUpdate"]}


def test_nameservers_and_magic_dns_depend_on_each_other(http: httpx.Client) -> None:
    assert http.get(f"{DNS}/nameservers").json() == {"dns": []}
    assert http.post(f"{DNS}/preferences", json={"magicDNS": True}).status_code == 400
    assert http.post(f"{DNS}/nameservers", json={"dns": ["9.9.9.9"]}).json() == {
        "dns": ["9.9.9.9"],
        "magicDNS": False,
    }
    assert http.post(f"{DNS}/preferences", json={"magicDNS": True}).json() == {"magicDNS": True}
    assert http.get(f"{DNS}/preferences").json() == {"magicDNS": True}
    assert http.post(f"{DNS}/nameservers", json={"dns": []}).json() == {"dns": [], "magicDNS": False}
    assert http.post(f"{DNS}/nameservers", json={"dns": ["nowhere"]}).status_code == 400


def test_search_paths_are_kept(http: httpx.Client) -> None:
    http.post(f"{DNS}/searchpaths", json={"searchPaths": ["a.example.com"]})
    assert http.get(f"{DNS}/searchpaths").json() == {"searchPaths": ["a.example.com"]}


def test_split_dns_is_changed_in_part_or_whole(http: httpx.Client) -> None:
    assert http.put(f"{DNS}/split-dns", json={"a.com": ["1.1.1.1"], "b.com": ["1.1.1.2"]}).status_code == 200
    changed = http.patch(f"{DNS}/split-dns", json={"b.com": None, "c.com": ["1.1.1.3"]}).json()
    assert changed == {"a.com": ["1.1.1.1"], "c.com": ["1.1.1.3"]}
    assert http.put(f"{DNS}/split-dns", json={}).json() == {}
    assert http.get(f"{DNS}/split-dns").json() == {}


def test_the_whole_configuration_is_the_sum_of_its_parts(http: httpx.Client) -> None:
    wanted: dict[str, Any] = {
        "nameservers": [{"address": "9.9.9.9", "useWithExitNode": True}],
        "splitDNS": {"a.com": [{"address": "1.1.1.1", "useWithExitNode": False}]},
        "searchPaths": ["b.com"],
        "preferences": {"overrideLocalDNS": True, "magicDNS": True},
    }
    assert http.post(f"{DNS}/configuration", json=wanted).json() == wanted
    assert http.get(f"{DNS}/configuration").json() == wanted
    assert http.get(f"{DNS}/nameservers").json() == {"dns": ["9.9.9.9"]}
    assert http.get(f"{DNS}/split-dns").json() == {"a.com": ["1.1.1.1"]}


def test_settings_have_tailscales_defaults_and_are_changed_one_by_one(http: httpx.Client) -> None:
    known = http.get(SETTINGS).json()
    assert (known["devicesKeyDurationDays"], known["devicesApprovalOn"]) == (180, False)
    changed = http.patch(SETTINGS, json={"devicesKeyDurationDays": 5, "aclsExternallyManagedOn": True}).json()
    assert changed == {**known, "devicesKeyDurationDays": 5, "aclsExternallyManagedOn": True}
    assert http.patch(SETTINGS, json={"devicesKeyDurationDays": 0}).status_code == 400
    assert http.get(SETTINGS).json() == changed


@pytest.mark.parametrize("name", ["devicesApprovalOn", "usersApprovalOn", "networkFlowLoggingOn"])
def test_a_setting_that_nothing_would_enforce_is_refused(http: httpx.Client, name: str) -> None:
    assert http.patch(SETTINGS, json={name: True}).status_code == 501
    assert http.get(SETTINGS).json()[name] is False


def test_settings_go_by_several_scopes(tailnet: RunningTailnet) -> None:
    caller = tailnet.as_client("policy_file")
    assert set(caller.get(SETTINGS).json()) == {"aclsExternallyManagedOn", "aclsExternalLink"}
    assert caller.patch(SETTINGS, json={"aclsExternallyManagedOn": True}).status_code == 200
    assert caller.patch(SETTINGS, json={"devicesAutoUpdatesOn": True}).status_code == 403
    assert tailnet.as_client("dns").get(SETTINGS).status_code == 403


def test_a_webhook_shows_its_secret_once_and_when_it_is_rotated(http: httpx.Client) -> None:
    made = http.post(HOOKS, json=HOOK).json()
    path = f"/webhooks/{made['endpointId']}"
    shown = {name: value for name, value in made.items() if name != "secret"}
    assert made["secret"]
    assert http.get(path).json() == shown
    assert http.get(HOOKS).json() == {"webhooks": [shown]}
    rotated = http.post(f"{path}/rotate").json()
    assert rotated["secret"] != made["secret"]
    assert http.patch(path, json={"subscriptions": ["nodeDeleted"]}).json()["subscriptions"] == [
        "nodeDeleted"
    ]
    assert http.post(f"{path}/test").status_code == 501, "no event is ever sent"
    assert http.delete(path).status_code == 200
    assert http.get(path).status_code == 404


@pytest.mark.parametrize(
    "change", [{"endpointUrl": "nowhere"}, {"subscriptions": ["everything"]}, {"providerType": "pager"}]
)
def test_a_wrong_webhook_is_refused(http: httpx.Client, change: dict[str, Any]) -> None:
    assert http.post(HOOKS, json={**HOOK, **change}).status_code == 400
    assert http.get(HOOKS).json() == {"webhooks": []}
