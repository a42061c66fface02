from pathlib import Path

import pytest
import yaml

from stacks.errors import ProjectError
from stacks.project import Project

SPEC = {"config": {"tenantry:spec": {"tenant": "acme"}}}


@pytest.fixture
def project(tmp_path: Path) -> Project:
    clone = tmp_path / "clone"
    clone.mkdir()
    (clone / "Pulumi.yaml").write_text("name: tenantry\nruntime: python\nmain: stacks/__main__.py\n")
    (clone / "Pulumi.acme.yaml").write_text(yaml.safe_dump(SPEC))
    return Project(clone=clone, specs=clone, folder=tmp_path / "work")


def test_the_program_is_the_clone_s(project: Project) -> None:
    project.sync(("acme",))
    definition = yaml.safe_load((project.folder / "Pulumi.yaml").read_text())
    assert definition["main"] == str(project.clone / "stacks/__main__.py"), "there is one program"
    assert definition["name"] == "tenantry", "the name is part of every URN"


def test_a_salt_survives_every_sync(project: Project) -> None:
    project.sync(("acme",))
    path = project.stack_file("acme")
    path.write_text("encryptionsalt: v1:abc\n" + path.read_text())
    project.sync(("acme",))
    assert yaml.safe_load(path.read_text()) == {"encryptionsalt": "v1:abc", **SPEC}, (
        "without its salt a state can't be read"
    )


def test_a_changed_spec_is_carried_over(project: Project) -> None:
    project.sync(("acme",))
    changed = {"config": {"tenantry:spec": {"tenant": "acme", "region": "ams3"}}}
    (project.clone / "Pulumi.acme.yaml").write_text(yaml.safe_dump(changed))
    project.sync(("acme",))
    assert yaml.safe_load(project.stack_file("acme").read_text()) == changed, "specs are edited in one place"


def test_the_clone_s_own_salt_is_for_another_machine(project: Project) -> None:
    (project.clone / "Pulumi.acme.yaml").write_text(yaml.safe_dump({"encryptionsalt": "v1:real"} | SPEC))
    project.sync(("acme",))
    content = yaml.safe_load(project.stack_file("acme").read_text())
    assert "encryptionsalt" not in content, "the passphrase here isn't the one of the real cloud"


def test_the_clone_stays_as_it_is(project: Project) -> None:
    before = {path: path.read_bytes() for path in project.clone.rglob("*")}
    project.sync(("acme",))
    assert {path: path.read_bytes() for path in project.clone.rglob("*")} == before, "`git status` is clean"


def test_a_tenant_without_a_spec_is_refused_with_those_that_have_one(project: Project) -> None:
    with pytest.raises(ProjectError, match=r"'globex'.*acme"):
        project.sync(("globex",))


def test_a_file_that_is_no_mapping_is_refused_by_name(project: Project) -> None:
    (project.clone / "Pulumi.acme.yaml").write_text("- acme\n")
    with pytest.raises(ProjectError, match=r"Pulumi\.acme\.yaml holds a list"):
        project.sync(("acme",))


def test_the_copies_are_for_their_owner_alone(project: Project) -> None:
    project.sync(("acme",))
    assert project.stack_file("acme").stat().st_mode & 0o077 == 0, "a spec may come to hold secrets"


def test_the_tenants_are_those_with_a_spec(project: Project) -> None:
    assert project.tenants == ("acme",), "Pulumi.yaml itself is no tenant"
