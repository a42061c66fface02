"""Who may call: API keys, OAuth clients, their scopes and their tags."""

import secrets

import httpx
import pytest
from running_tailnet import RunningTailnet

KEYS = "/tailnet/-/keys"
ORDER = {"capabilities": {"devices": {"create": {"tags": ["tag:a"]}}}}


def test_a_key_is_taken_as_bearer_and_as_the_name_of_a_user(tailnet: RunningTailnet) -> None:
    bearer = {"Authorization": f"Bearer {tailnet.api_key}"}
    assert tailnet.client(headers=bearer).get("/tailnet/-/devices").status_code == 200
    assert tailnet.client(auth=(tailnet.api_key, "")).get("/tailnet/-/devices").status_code == 200


@pytest.mark.parametrize("path", ["/tailnet/-/devices", "/tailnet/-/acl", "/nowhere"])
@pytest.mark.parametrize("scheme", ["", "Bearer", "Bearer tskey-api-x", "Basic !", "Digest x"])
def test_whoever_has_no_key_learns_nothing(tailnet: RunningTailnet, path: str, scheme: str) -> None:
    answer = tailnet.client(headers={"Authorization": scheme}).get(path)
    assert (answer.status_code, answer.json()) == (401, {"message": "API token invalid"})


def test_a_revoked_api_key_stays_out_even_after_a_restart(start_tailnet: object) -> None:
    assert callable(start_tailnet)
    tailnet = start_tailnet()
    (own,) = tailnet.http.get(KEYS).json()["keys"]
    assert own["keyType"] == "api"
    assert tailnet.http.delete(f"{KEYS}/{own['id']}").status_code == 200
    assert tailnet.http.get(KEYS).status_code == 401
    tailnet.stop()
    assert start_tailnet().http.get(KEYS).status_code == 401


def test_the_tailnet_goes_by_its_name_and_by_a_dash(http: httpx.Client) -> None:
    for name in ("-", "local.tailnet"):
        assert http.get(f"/tailnet/{name}/devices").status_code == 200
    answer = http.get("/tailnet/example.com/devices")
    assert (answer.status_code, answer.json()) == (404, {"message": "tailnet not found"})


@pytest.mark.parametrize("way", ["form", "basic"])
def test_an_oauth_client_gets_a_token_of_an_hour(
    tailnet: RunningTailnet, http: httpx.Client, way: str
) -> None:
    made = http.post(KEYS, json={"keyType": "client", "scopes": ["devices:core:read"]}).json()
    assert made["key"].startswith(f"tskey-client-{made['id']}-")
    shown = (made["id"], made["key"])
    form = {"grant_type": "client_credentials"}
    caller = tailnet.client()
    if way == "form":
        answer = caller.post("/oauth/token", data={**form, "client_id": shown[0], "client_secret": shown[1]})
    else:
        answer = caller.post("/oauth/token", data=form, auth=shown)
    token = answer.json()
    assert (token["token_type"], token["expires_in"], token["scope"]) == ("Bearer", 3600, "devices:core:read")
    caller.headers["Authorization"] = f"Bearer {token['access_token']}"
    assert caller.get("/tailnet/-/devices").status_code == 200
    assert caller.get("/tailnet/-/acl").status_code == 403
    assert caller.get("/tailnet/-/acl").json() == {
        "message": "calling actor does not have enough permissions to perform this function"
    }


def test_wrong_credentials_of_a_client_are_refused_alike(tailnet: RunningTailnet, http: httpx.Client) -> None:
    made = http.post(KEYS, json={"keyType": "client", "scopes": ["dns"]}).json()
    (api,) = [key for key in http.get(KEYS).json()["keys"] if key["keyType"] == "api"]
    wrong = secrets.token_hex(8)
    answers = [
        tailnet.client().post("/oauth/token", data={"client_id": name, "client_secret": secret})
        for name, secret in ((made["id"], wrong), ("k1CNTRL", wrong), (api["id"], tailnet.api_key), ("", ""))
    ]
    assert {(answer.status_code, answer.text) for answer in answers} == {
        (401, '{"message":"invalid OAuth client credentials"}')
    }


def test_a_token_can_have_a_part_of_what_its_client_has(tailnet: RunningTailnet, http: httpx.Client) -> None:
    made = http.post(KEYS, json={"keyType": "client", "scopes": ["dns", "webhooks:read"]}).json()
    form = {"client_id": made["id"], "client_secret": made["key"]}
    narrow = tailnet.client().post("/oauth/token", data={**form, "scope": "dns:read"}).json()
    caller = tailnet.client(headers={"Authorization": f"Bearer {narrow['access_token']}"})
    assert caller.get("/tailnet/-/dns/nameservers").status_code == 200
    assert caller.post("/tailnet/-/dns/nameservers", json={"dns": []}).status_code == 403
    assert caller.get("/tailnet/-/webhooks").status_code == 403
    assert tailnet.client().post("/oauth/token", data={**form, "scope": "webhooks"}).status_code == 403
    assert tailnet.client().post("/oauth/token", data={**form, "tags": "tag:a"}).status_code == 400


def test_reading_everything_is_not_writing_anything(tailnet: RunningTailnet) -> None:
    reader = tailnet.as_client("all:read")
    for path in ("devices", "acl", "keys", "dns/configuration", "settings", "webhooks"):
        assert reader.get(f"/tailnet/-/{path}").status_code == 200, path
    for method, path in (
        ("POST", "/tailnet/-/acl"),
        ("POST", "/tailnet/-/keys"),
        ("POST", "/tailnet/-/dns/preferences"),
        ("PATCH", "/tailnet/-/settings"),
        ("DELETE", "/device/1"),
        ("POST", "/device/1/routes"),
    ):
        body = {"magicDNS": True, "httpsEnabled": True, **ORDER}
        answer = reader.request(method, path, json=None if method == "DELETE" else body)
        assert answer.status_code == 403, path
    assert reader.post("/tailnet/-/acl/validate", json={}).status_code == 200, "to validate is to read"


def test_a_client_makes_keys_with_its_own_tags_or_those_that_they_own(
    tailnet: RunningTailnet, tagged: httpx.Client
) -> None:
    caller = tailnet.as_client("auth_keys", tags=("tag:a",))

    def asked(*tags: str) -> tuple[int, str]:
        answer = caller.post(KEYS, json={"capabilities": {"devices": {"create": {"tags": tags}}}})
        return answer.status_code, answer.json().get("message", "")

    assert asked("tag:a")[0] == 200
    assert asked("tag:c")[0] == 200, "tag:a owns tag:c"
    assert asked("tag:b") == (400, "requested tags [tag:b] are invalid or not permitted")
    assert asked() == (400, "tailnet-owned auth key must have tags set")
    assert tagged.get(f"{KEYS}?all=true").status_code == 200


def test_a_client_is_as_mighty_as_whoever_makes_it_at_most(
    tailnet: RunningTailnet, tagged: httpx.Client
) -> None:
    caller = tailnet.as_client("oauth_keys", "dns:read")

    def asked(*scopes: str, tags: tuple[str, ...] = ()) -> int:
        return caller.post(KEYS, json={"keyType": "client", "scopes": scopes, "tags": tags}).status_code

    assert asked("dns:read") == 200
    assert asked("dns") == 403
    assert asked("all") == 403
    assert tagged.post(KEYS, json={"keyType": "client", "scopes": []}).status_code == 400
    assert tagged.post(KEYS, json={"keyType": "client", "scopes": ["root"]}).status_code == 400
    without_tags = tagged.post(KEYS, json={"keyType": "client", "scopes": ["auth_keys"]})
    assert without_tags.status_code == 400
    assert "tags" in without_tags.json()["message"]


def test_a_client_can_be_changed_and_its_tokens_end_with_it(
    tailnet: RunningTailnet, http: httpx.Client
) -> None:
    caller = tailnet.as_client("dns")
    (client,) = [key for key in http.get(f"{KEYS}?all=true").json()["keys"] if key["keyType"] == "client"]
    changed = http.put(f"{KEYS}/{client['id']}", json={"scopes": ["webhooks"], "description": "hooks"})
    assert (changed.json()["scopes"], changed.json()["description"]) == (["webhooks"], "hooks")
    assert caller.get("/tailnet/-/dns/nameservers").status_code == 200, "a token keeps what it was given"
    assert http.delete(f"{KEYS}/{client['id']}").status_code == 200
    assert caller.get("/tailnet/-/dns/nameservers").status_code == 401
    assert http.put(f"{KEYS}/{client['id']}", json={"scopes": ["dns"]}).status_code == 400, "it is revoked"


def test_whoever_lists_keys_sees_the_kinds_that_its_scopes_cover(
    tailnet: RunningTailnet, tagged: httpx.Client
) -> None:
    tagged.post(KEYS, json=ORDER)
    caller = tailnet.as_client("auth_keys:read", "oauth_keys:read")

    def kinds(client: httpx.Client, query: str = "") -> list[str]:
        return sorted({key["keyType"] for key in client.get(KEYS + query).json()["keys"]})

    assert kinds(tagged) == ["api", "auth", "client"]
    assert kinds(caller, "?all=true") == ["api", "auth", "client"], (
        "a client's tokens are seen with the client"
    )
    assert kinds(caller) == ["client"], "without `all`, a client sees the clients"
    assert kinds(tailnet.as_client("auth_keys:read"), "?all=true") == ["auth"]
    (operator,) = [key for key in tagged.get(KEYS).json()["keys"] if key["keyType"] == "api"]
    assert caller.get(f"{KEYS}/{operator['id']}").status_code == 403
