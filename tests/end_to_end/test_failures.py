"""What goes wrong is said clearly, and leaves nothing that `up` can't finish or `destroy` can't remove."""

import secrets
import signal
from collections.abc import Callable
from dataclasses import replace

import pytest
from platform_driver import Platform, small_spec, stop_after

pytestmark = pytest.mark.end_to_end


@pytest.fixture(scope="module")
def platform(account: Callable[..., Platform]) -> Platform:
    platform = account("failures")
    platform.write("hooli", small_spec("hooli", 40))
    return platform


def _nothing_exists(platform: Platform) -> bool:
    return not platform.things("hooli")


def test_a_wrong_token_is_said_in_digitalocean_s_words(platform: Platform) -> None:
    wrong = replace(platform, token="dop_v1_" + "0" * 64)
    done = wrong.stacks("up", "hooli", check=False)
    assert done.returncode == 1, "nothing came up"
    assert "Unable to authenticate you" in done.stderr, done.stderr
    assert wrong.token not in done.stderr + done.stdout, "a token is never shown"


def test_no_token_is_said(platform: Platform) -> None:
    done = platform.run(
        "env", "-u", "DIGITALOCEAN_TOKEN", "-u", "DIGITALOCEAN_ACCESS_TOKEN", "python", "-m", "stacks.up",
        "hooli", check=False,
    )  # fmt: skip
    assert done.returncode == 1, "nothing came up"
    assert "DIGITALOCEAN_TOKEN" in done.stderr, f"what to set: {done.stderr}"


def test_an_api_that_is_down_is_said_with_its_address(platform: Platform) -> None:
    done = platform.run(
        "env", "DIGITALOCEAN_API_URL=http://127.0.0.1:9", "python", "-m", "stacks.up", "hooli", check=False
    )
    assert done.returncode == 1, "nothing came up"
    assert "127.0.0.1:9" in done.stderr, f"which API: {done.stderr}"


def test_a_vault_that_can_not_be_reached_is_said_before_anything_is_created(platform: Platform) -> None:
    done = platform.run(
        "env", "VAULT_ADDR=https://127.0.0.1:9", "python", "-m", "stacks.up", "hooli", check=False
    )
    assert done.returncode == 1, "nobody could enter the hosts"
    assert "the vault at https://127.0.0.1:9 can't be reached" in done.stderr, done.stderr
    assert _nothing_exists(platform), "before anything was created"


def test_a_tailscale_key_that_is_refused_is_said_and_destroy_removes_the_rest(platform: Platform) -> None:
    wrong = f"tskey-api-{secrets.token_hex(8)}"
    done = platform.run(
        "env", f"TAILSCALE_API_KEY={wrong}", "python", "-m", "stacks.up", "hooli", check=False
    )
    assert done.returncode == 1, "no host could join the mesh"
    assert "TailnetKey hooli-" in done.stderr, f"which resource: {done.stderr}"
    assert wrong not in done.stderr + done.stdout, "a key is never shown"
    platform.stacks("destroy", "hooli")
    assert _nothing_exists(platform), "nothing half-made stays"


def test_a_tenant_that_the_platform_lacks_is_refused_by_name(platform: Platform) -> None:
    platform.write("stranger", small_spec("stranger", 42))
    done = platform.stacks("up", "stranger", check=False)
    assert done.returncode == 2, "refused, not failed"
    assert "'stranger'" in done.stderr, done.stderr
    assert "stacks.up platform" in done.stderr, "the way out"
    platform.stacks("project")
    platform.pulumi("stack", "init", "stranger", "--secrets-provider", "passphrase")
    previewed = platform.pulumi("preview", "--stack", "stranger", check=False)
    assert "'stranger' is not in the stack 'platform'" in previewed.stderr + previewed.stdout, (
        "the program itself refuses it, whoever runs the engine"
    )


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"agents": []}, "agents"),
        ({"sizes": 3}, "sizes"),
        ({"agents": [{"name": "a", "kind": "n8n", "model": "o/m", "replicas": 51}]}, "51"),
        ({"ip_range": "10.61.40.0/29"}, "ip_range"),
    ],
)
def test_an_invalid_spec_creates_nothing(platform: Platform, changes: dict[str, object], said: str) -> None:
    platform.write("hooli", small_spec("hooli", 40, **changes))
    done = platform.stacks("up", "hooli", check=False)
    platform.write("hooli", small_spec("hooli", 40))
    assert done.returncode == 2, "refused, not failed"
    assert said in done.stderr, f"field and value: {done.stderr}"
    assert _nothing_exists(platform), "before anything was created"


@pytest.mark.parametrize(("field", "value"), [("region", "nyc9"), ("image", "debian-1-x64")])
def test_what_digitalocean_lacks_is_refused_before_anything_is_created(
    platform: Platform, field: str, value: str
) -> None:
    platform.write("hooli", small_spec("hooli", 40, **{field: value}))
    done = platform.stacks("up", "hooli", check=False)
    platform.write("hooli", small_spec("hooli", 40))
    assert done.returncode != 0, "it can't come up"
    assert value in done.stderr, f"field and value: {done.stderr}"
    assert _nothing_exists(platform), "nothing was created"


def test_a_full_quota_is_digitalocean_s_own_message_and_destroy_removes_the_rest(
    account: Callable[..., Platform],
) -> None:
    platform = account("quota", droplet_limit=1)
    platform.write("umbrella", small_spec("umbrella", 41))
    done = platform.stacks("up", "umbrella", check=False)
    assert done.returncode == 1, "a second droplet is over the limit"
    assert "limit" in done.stderr, done.stderr
    assert "Droplet umbrella-" in done.stderr, "which resource"
    platform.stacks("destroy", "umbrella")
    assert not platform.things("umbrella"), "nothing half-made stays"


def test_ctrl_c_cancels_in_order_and_the_next_up_finishes(platform: Platform) -> None:
    running = platform.start("python", "-m", "stacks.up", "hooli")
    said = "".join(stop_after(running, 8, signal.SIGINT))
    assert running.returncode == 130, f"interrupted: {said}"
    assert "cancelling" in said, "it says what it does"
    assert not list(platform.state.rglob("locks/**/hooli/*.json")), "the lock is released"
    report = platform.up("hooli")["hooli"]
    assert report["succeeded"], f"without any recovery: {report['message']}"
    platform.stacks("destroy", "hooli")
    assert _nothing_exists(platform), "destroy leaves the account empty"
