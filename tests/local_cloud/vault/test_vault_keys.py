"""The vault's keys outlive every crash, or nothing was behind them; against a real OpenBao."""

import json
import stat
from pathlib import Path

import hvac
import pytest
from vault_server import running_vault

from local_cloud.hypervisor.model import HypervisorError
from local_cloud.hypervisor.vault import keys


def test_data_and_keys_outlive_the_server(tmp_path: Path) -> None:
    with running_vault(tmp_path) as vault:
        vault.root.sys.enable_secrets_engine("kv", path="kept", options={"version": "2"})
        vault.root.secrets.kv.v2.create_or_update_secret("note", {"text": "here"}, mount_point="kept")
        operator_token = vault.operator_token
    with running_vault(tmp_path) as vault:
        found = vault.root.read("kept/data/note")
        assert found["data"]["data"] == {"text": "here"}
        assert vault.operator_token == operator_token, "it was renewed, not replaced"


@pytest.mark.parametrize("loss", ["revoked", "deleted", "emptied"])
def test_an_operators_token_that_is_lost_is_made_anew(tmp_path: Path, loss: str) -> None:
    with running_vault(tmp_path) as vault:
        before = vault.operator_token
        if loss == "revoked":
            vault.root.auth.token.revoke(before)
    if loss == "deleted":
        (tmp_path / "operator-token").unlink()
    if loss == "emptied":
        (tmp_path / "operator-token").write_text("")
    with running_vault(tmp_path) as vault:
        assert vault.operator_token != before
        assert vault.operator.auth.token.lookup_self()["data"]["policies"] == ["operator"]


def test_a_crash_between_initialisation_and_writing_the_keys_costs_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def power_failure(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as crashing:
        crashing.setattr(keys, "write_private", power_failure)
        with pytest.raises(KeyboardInterrupt), running_vault(tmp_path):
            pytest.fail("it has no keys to be opened with")
    assert not (tmp_path / "init.json").exists()
    with running_vault(tmp_path) as vault:
        assert vault.root.auth.token.lookup_self()["data"]["policies"] == ["root"]


def test_a_crash_after_the_keys_are_written_keeps_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def power_failure(_: Path) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as crashing:
        crashing.setattr(keys, "_flush", power_failure)
        with pytest.raises(KeyboardInterrupt), running_vault(tmp_path):
            pytest.fail("it was to crash")
    written = json.loads((tmp_path / "init.json").read_text())
    assert (tmp_path / "initialising").exists(), "the mark of before is still there"
    with running_vault(tmp_path) as vault:
        assert vault.root_token == written["root_token"], "the data was kept"


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (None, "is not there"),
        ("{", "does not hold what it should"),
        ('{"unseal_key": "x"}', "does not hold what it should"),
    ],
)
def test_lost_keys_are_one_clear_error_with_the_way_out(
    tmp_path: Path, content: str | None, complaint: str
) -> None:
    with running_vault(tmp_path):
        pass
    file = tmp_path / "init.json"
    file.unlink()
    if content is not None:
        file.write_text(content)
    with (
        pytest.raises(HypervisorError, match=rf"init\.json {complaint}.*local_cloud reset"),
        running_vault(tmp_path),
    ):
        pytest.fail("nobody can open it")


def test_the_key_of_another_vault_is_told_apart(tmp_path: Path) -> None:
    for name in ("mine", "other"):
        with running_vault(tmp_path / name):
            pass
    stranger = (tmp_path / "other/init.json").read_text()
    (tmp_path / "mine/init.json").write_text(stranger)
    with (
        pytest.raises(HypervisorError, match="holds the key of another vault") as refused,
        running_vault(tmp_path / "mine"),
    ):
        pytest.fail("nobody can open it")
    assert json.loads(stranger)["unseal_key"] not in str(refused.value)


def test_the_keys_are_for_root_alone_and_not_in_what_is_printed(tmp_path: Path) -> None:
    with running_vault(tmp_path) as vault:
        for name in ("init.json", "operator-token"):
            assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600
        printed = repr(keys.KeyFile(tmp_path).read())
        assert vault.root_token not in printed
        assert vault.unseal_key not in printed


def test_a_sealed_vault_gives_nothing_until_it_is_unsealed(tmp_path: Path) -> None:
    with running_vault(tmp_path) as vault:
        vault.seal()
        with pytest.raises(hvac.exceptions.VaultDown):
            vault.operator.auth.token.lookup_self()
        vault.unseal()
        assert vault.operator.auth.token.lookup_self()["data"]["policies"] == ["operator"]
