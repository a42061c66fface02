from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from stacks.platform_spec import (
    MeshSpec,
    PlatformSpec,
    load_platform_spec,
    parse_platform_spec,
    refuse_unlisted,
)
from stacks.spec_errors import UNSAID, SpecError

REPO = Path(__file__).parents[2]


def refused(**changes: Any) -> str:
    with pytest.raises(SpecError) as caught:
        parse_platform_spec({"tenants": ["acme"], **changes})
    return str(caught.value)


def test_a_platform_on_tailscales_own_servers_needs_only_its_tenants() -> None:
    spec = parse_platform_spec({"tenants": ["acme"]})
    assert spec.mesh.login_server is None, "Tailscale's own"
    assert [str(block) for block in spec.mesh.coordination] == ["192.200.0.0/24"]
    assert spec.mesh.peers == (), "no direct paths unless somebody says between which addresses"


def test_a_platform_without_tenants_is_one_that_waits_for_its_first() -> None:
    assert parse_platform_spec({"tenants": []}).tenants == ()


def test_the_spec_that_comes_with_the_repo_lists_the_tenants_that_come_with_it() -> None:
    spec = load_platform_spec(REPO / "Pulumi.platform.yaml")
    assert spec.tenants == ("acme", "globex")


@pytest.mark.parametrize(
    ("changes", "field", "got", "fix"),
    [
        ({"tenants": ["Acme!"]}, "tenants[0]", "'Acme!'", "lower-case letters"),
        ({"tenants": ["acme", "platform"]}, "tenants[1]", "'platform'", "reserved"),
        ({"tenants": ["acme", "vault"]}, "tenants[1]", "'vault'", "reserved"),
        ({"tenants": ["acme-agent"]}, "tenants[0]", "'acme-agent'", "leave it out"),
        ({"tenants": ["acme", "globex", "acme"]}, "tenants", "'acme' 2 times", "once"),
        ({"tenants": "acme"}, "tenants", "'acme'", "write a list"),
        ({"tenant": ["acme"]}, "tenant", UNSAID, "did you mean tenants?"),
        ({"mesh": {"login_server": "http://x"}}, "mesh.login_server", "'http://x'", "https"),
        ({"mesh": {"login_server": "https://x/y"}}, "mesh.login_server", "'https://x/y'", "matches"),
        ({"mesh": {"coordination": []}}, "mesh.coordination", "no range", "at least one"),
        ({"mesh": {"coordination": ["10.0.0.1/24"]}}, "mesh.coordination[0]", "'10.0.0.1/24'", "host bits"),
        ({"mesh": {"peers": ["all"]}}, "mesh.peers[0]", "'all'", "IPv4 range"),
        ({"mesh": {"peer": []}}, "mesh.peer", UNSAID, "did you mean peers?"),
    ],
)
def test_a_mistake_is_refused_with_field_value_and_fix(
    changes: dict[str, Any], field: str, got: str, fix: str
) -> None:
    line = refused(**changes).splitlines()[1]
    assert line.startswith(f"  {field}: got {got}"), "the field's path, then the value"
    assert fix in line, "and what to write instead"


def test_a_missing_list_of_tenants_says_so() -> None:
    with pytest.raises(SpecError, match=r"the platform's spec is refused:\n  tenants: got nothing; add"):
        parse_platform_spec({})


@pytest.mark.parametrize("content", [None, [], "acme", 3])
def test_what_is_no_mapping_is_no_spec(content: object) -> None:
    with pytest.raises(SpecError, match="write a mapping"):
        parse_platform_spec(content)


@given(st.recursive(st.none() | st.integers() | st.text(), st.lists, max_leaves=4))
def test_whatever_is_written_as_tenants_is_a_spec_or_a_clear_refusal(content: object) -> None:
    with suppress(SpecError):
        assert isinstance(parse_platform_spec({"tenants": content}), PlatformSpec)


def test_a_file_without_a_spec_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "Pulumi.platform.yaml"
    path.write_text(yaml.safe_dump({"config": {}}))
    with pytest.raises(SpecError, match="write a mapping"):
        load_platform_spec(path)


def test_tenants_that_the_platform_does_not_list_are_refused_before_anything_with_the_fix() -> None:
    spec = parse_platform_spec({"tenants": ["acme"]})
    refuse_unlisted(spec, ["acme"])
    with pytest.raises(SpecError, match=r"got acme, and not 'globex'; add it.*stacks\.up platform") as caught:
        refuse_unlisted(spec, ["acme", "globex", "initech"])
    assert "'initech'" in str(caught.value), "all of them at once"


@pytest.mark.parametrize("field", ["tenants", "mesh", *(f"mesh.{name}" for name in MeshSpec.model_fields)])
def test_every_field_is_in_the_documentation(field: str) -> None:
    section = (REPO / "docs" / "spec.md").read_text().partition("## The spec of the platform")[2]
    assert f"| `{field}` |" in section, "docs/spec.md lacks this field"
    assert set(PlatformSpec.model_fields) == {"tenants", "mesh"}, "name a new field here and in docs/spec.md"
