"""Logs that are kept short."""

from pathlib import Path

import pytest

from local_cloud.hypervisor.vault import rotation
from local_cloud.hypervisor.vault.rotation import KEPT, rotate_if_large


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rotation, "LARGE_BYTES", 4)


def test_a_small_file_and_one_that_is_not_there_are_left_alone(tmp_path: Path) -> None:
    log = tmp_path / "audit.log"
    assert not rotate_if_large(log)
    log.write_text("abc")
    assert not rotate_if_large(log)
    assert log.read_text() == "abc"


def test_a_large_file_is_moved_aside_and_the_oldest_falls_off(tmp_path: Path) -> None:
    log = tmp_path / "audit.log"
    for number in range(KEPT + 2):
        log.write_text(f"file {number}")
        assert rotate_if_large(log)
    assert not log.exists(), "its writer makes the next one"
    aside = {file.name: file.read_text() for file in tmp_path.iterdir()}
    assert aside == {f"audit.log.{age}": f"file {KEPT + 2 - age}" for age in range(1, KEPT + 1)}
