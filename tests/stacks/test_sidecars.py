from pathlib import Path

import pytest

from stacks.recovery.sidecars import torn

GOOD = '{"user.content_type":"text/plain; charset=utf-8","md5":"Rn2xiDT2ycaIKfVhL5XuDg=="}\n'


def _write(folder: Path, path: str, content: str) -> Path:
    file = folder / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(content)
    return file


@pytest.mark.parametrize(
    "path",
    [
        "stacks/tenantry/acme.json.attrs",
        "stacks/tenantry/acme.json.bak.attrs",
        "history/tenantry/acme/acme-1.history.json.attrs",
        "backups/tenantry/acme/acme.1.json.attrs",
        "locks/organization/tenantry/acme/l.json.attrs",
    ],
)
@pytest.mark.parametrize("content", ["", GOOD[:20], "[]"])
def test_half_a_line_is_found_wherever_the_backend_writes_it(tmp_path: Path, path: str, content: str) -> None:
    file = _write(tmp_path, path, content)
    assert list(torn(tmp_path, "tenantry", "acme")) == [file], "one torn file fails every command"


def test_what_can_be_read_stays(tmp_path: Path) -> None:
    _write(tmp_path, "stacks/tenantry/acme.json.attrs", GOOD)
    assert not list(torn(tmp_path, "tenantry", "acme")), "as the backend wrote it"


def test_the_state_itself_is_never_taken_for_attributes(tmp_path: Path) -> None:
    _write(tmp_path, "stacks/tenantry/acme.json", "")
    assert not list(torn(tmp_path, "tenantry", "acme")), "a broken state is for a person to look at"


def test_another_tenant_s_files_are_its_own(tmp_path: Path) -> None:
    _write(tmp_path, "stacks/tenantry/acme-corp.json.attrs", "")
    assert not list(torn(tmp_path, "tenantry", "acme")), "its update may be running"


def test_a_new_backend_has_nothing(tmp_path: Path) -> None:
    assert not list(torn(tmp_path, "tenantry", "acme")), "no folders yet"
