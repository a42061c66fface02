"""What a command that `exec` runs finds in its environment."""

import json
import secrets
from pathlib import Path

import pytest

from local_cloud.commands.inside import operator_environment
from local_cloud.errors import CloudIsDownError
from local_cloud.lifecycle.state import Supervisor


@pytest.fixture
def supervisor(tmp_path: Path) -> Supervisor:
    manifest = tmp_path / "toolchain.json"
    manifest.write_text(json.dumps({"environment": {"PULUMI_HOME": "/home"}}))
    return Supervisor(
        pid=1, started=1, boot="b", port=8299, started_at="now", toolchain_manifest=str(manifest)
    )


@pytest.fixture
def kept(tmp_path: Path) -> dict[str, str]:
    """Secrets that the supervisor has made, by the names of their files."""
    made = {name: secrets.token_hex(8) for name in ("token", "tailscale-api-key")}
    for name, secret in made.items():
        (tmp_path / name).write_text(f"{secret}\n")
    return made


def test_both_apis_are_named_with_what_lets_in(
    tmp_path: Path, supervisor: Supervisor, kept: dict[str, str]
) -> None:
    environment = operator_environment(tmp_path, supervisor)
    assert environment["DIGITALOCEAN_API_URL"] == "http://127.0.0.1:8299", "where the supervisor listens"
    assert environment["DIGITALOCEAN_TOKEN"] == kept["token"], "the default account's"
    assert environment["TAILSCALE_BASE_URL"] == "http://127.0.0.1:8299", "the same port"
    assert environment["TAILSCALE_API_KEY"] == kept["tailscale-api-key"], "the tailnet's first key"
    assert environment["TAILSCALE_TAILNET"] == "-", "the tailnet that the key belongs to"
    assert environment["PULUMI_HOME"] == "/home", "the toolchain's own variables"


@pytest.mark.usefixtures("kept")
def test_the_vault_is_named_once_it_has_been_set_up(tmp_path: Path, supervisor: Supervisor) -> None:
    assert not [name for name in operator_environment(tmp_path, supervisor) if name.startswith("VAULT_")], (
        "there is none yet"
    )
    token = secrets.token_hex(8)
    (tmp_path / "vault").mkdir()
    for name, content in {
        "address": "https://100.64.0.2:8200",
        "ca.crt": "",
        "operator-token": token,
    }.items():
        (tmp_path / "vault" / name).write_text(content)
    environment = operator_environment(tmp_path, supervisor)
    assert environment["VAULT_ADDR"] == "https://100.64.0.2:8200", "its mesh address"
    assert environment["VAULT_CACERT"] == str(tmp_path / "vault/ca.crt"), "how to know it"
    assert environment["VAULT_TOKEN"] == token, "the operator's, not root's"


@pytest.mark.usefixtures("kept")
@pytest.mark.parametrize("name", ["token", "tailscale-api-key"])
def test_a_cloud_that_has_made_no_key_yet_says_what_to_run(
    tmp_path: Path, supervisor: Supervisor, name: str
) -> None:
    (tmp_path / name).unlink()
    with pytest.raises(CloudIsDownError, match=f"there is no {name} in .*local_cloud up"):
        operator_environment(tmp_path, supervisor)
