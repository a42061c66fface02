"""The vault as the operator of a running local cloud has it: through the mesh, by what `exec` sets."""

import json

import httpx
import pytest
from real_cloud import LocalCloud

pytestmark = pytest.mark.end_to_end

LOOK_UP = "import hvac; print(*hvac.Client().auth.token.lookup_self()['data']['policies'])"
OPENED = """
import socket, sys
try:
    socket.create_connection((sys.argv[1], 8200), timeout=2)
except OSError as error:
    sys.exit(type(error).__name__)
"""


def _control(cloud: LocalCloud, deed: str) -> int:
    headers = {"Authorization": f"Bearer {cloud.token}"}
    return httpx.post(f"{cloud.url}/_local/vault/{deed}", headers=headers, timeout=30).status_code


def test_the_operator_is_let_in_by_what_exec_gives(cloud: LocalCloud) -> None:
    assert cloud.exec("python", "-c", LOOK_UP).stdout.split() == ["operator"]


def test_it_has_an_address_of_the_mesh_and_answers_at_no_other(cloud: LocalCloud) -> None:
    assert (cloud.state_dir / "vault/address").read_text().startswith("https://100.")
    refused = cloud.exec("python", "-c", OPENED, "198.18.255.20", check=False)
    assert refused.returncode == 1, "its public address is for the mesh's own packets"


def test_exec_gives_neither_the_root_token_nor_the_unseal_key(cloud: LocalCloud) -> None:
    keys = json.loads((cloud.state_dir / "vault/init.json").read_text())
    environment = cloud.exec("env").stdout
    assert "VAULT_TOKEN=" in environment
    assert not [name for name, value in keys.items() if value in environment]


def test_it_is_sealed_and_unsealed_by_the_control_routes(cloud: LocalCloud) -> None:
    try:
        assert _control(cloud, "seal") == 204
        refused = cloud.exec("python", "-c", LOOK_UP, check=False)
        assert "Vault is sealed" in refused.stderr
    finally:
        assert _control(cloud, "unseal") == 204
    assert cloud.exec("python", "-c", LOOK_UP).stdout.split() == ["operator"]
