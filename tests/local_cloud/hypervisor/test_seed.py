"""A fresh disk knows who it is before its first boot, and keeps its user-data to root."""

import json
import os
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from stage import droplet

from local_cloud.hypervisor.machines import seed

SEED = Path("var/lib/cloud/seed/nocloud")
CERTIFICATE = "-----BEGIN CERTIFICATE-----\n"


def test_the_seed_holds_the_user_data_as_given_for_root_alone(tmp_path: Path) -> None:
    seed.plant(droplet(user_data="#cloud-config\n{}\n"), tmp_path, CERTIFICATE)
    assert (tmp_path / SEED / "user-data").read_text() == "#cloud-config\n{}\n", "not a byte is changed"
    for name in ("user-data", "meta-data"):
        assert (tmp_path / SEED / name).stat().st_mode & 0o777 == 0o600, f"{name} may hold secrets"
    assert (tmp_path / SEED).stat().st_mode & 0o777 == 0o700, "nobody else looks in"


def test_a_machine_without_user_data_has_an_empty_one(tmp_path: Path) -> None:
    seed.plant(droplet(), tmp_path, CERTIFICATE)
    assert (tmp_path / SEED / "user-data").read_text() == "", "NoCloud wants the file"


def test_the_machine_has_its_name_its_keys_and_an_identity_of_its_own(tmp_path: Path) -> None:
    identities = set()
    for part in ("one", "two"):
        seed.plant(droplet(ssh_keys=("ssh-ed25519 AAAA me",)), tmp_path / part, CERTIFICATE)
        found = json.loads((tmp_path / part / SEED / "meta-data").read_text())
        assert found["local-hostname"] == "acme-agent-1", "the droplet's name"
        assert found["public-keys"] == ["ssh-ed25519 AAAA me"], "the account's keys, for root"
        machine_id = (tmp_path / part / "etc/machine-id").read_text().strip()
        assert found["instance-id"] == f"1-{machine_id}", "cloud-init sees a rebuilt machine as a new one"
        identities.add(machine_id)
    assert len(identities) == 2, "no two disks share an identity"


def test_cloud_init_leaves_the_network_alone(tmp_path: Path) -> None:
    seed.plant(droplet(), tmp_path, CERTIFICATE)
    written = (tmp_path / "etc/cloud/cloud.cfg.d/99-network.cfg").read_text()
    assert written == "network: {config: disabled}\n", "its addresses are there before it boots"


def test_the_machine_trusts_the_local_cloud_s_authority(tmp_path: Path) -> None:
    seed.plant(droplet(), tmp_path, CERTIFICATE)
    planted = tmp_path / "etc/ssl/certs/local-cloud.pem"
    assert planted.read_text() == CERTIFICATE, "where tailscaled looks for authorities"
    assert planted.stat().st_mode & 0o777 == 0o644, "whoever it runs as"


def test_a_strict_umask_does_not_shut_the_machine_out_of_its_own_directories(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        seed.plant(droplet(), tmp_path / "upper", CERTIFICATE)
    finally:
        os.umask(before)
    for name in ("etc", "var", "var/lib", "var/lib/cloud"):
        assert (tmp_path / "upper" / name).stat().st_mode & 0o777 == 0o755, f"/{name} is everyone's to read"
    assert (tmp_path / "upper/etc/machine-id").stat().st_mode & 0o444 == 0o444, "so is its identity"


@given(st.lists(st.text(max_size=80), max_size=3))
def test_meta_data_carries_any_key_unchanged(keys: list[str]) -> None:
    found = json.loads(seed.meta_data(droplet(ssh_keys=tuple(keys)), "0" * 32))
    assert found["public-keys"] == keys, "whatever a comment holds"
