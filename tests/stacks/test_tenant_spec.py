import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from stacks.errors import ProjectError, StacksError
from stacks.spec import CONFIG_KEY, MAX_DROPLETS, TenantSpec, load_spec, load_specs, parse_spec
from stacks.spec_errors import UNSAID, SpecError, suggestion
from tests.recorded_stack import fake_public_key

REPO = Path(__file__).parents[2]
AGENT = {"name": "writer", "kind": "langchain", "model": "anthropic/claude"}
MINIMAL = {"tenant": "acme", "region": "nyc3", "agents": [AGENT]}


def refusal(**changes: Any) -> str:
    with pytest.raises(SpecError) as refused:
        parse_spec({**MINIMAL, **changes})
    return str(refused.value)


def agent_refusal(**changes: Any) -> str:
    return refusal(agents=[{**AGENT, **changes}])


def test_a_spec_needs_little_and_defaults_to_what_is_safe() -> None:
    spec = parse_spec(MINIMAL)
    assert spec.deletion_protection is True, "data is kept unless somebody says otherwise"
    assert spec.ssh_keys == (), "nobody can log in unless somebody says otherwise"
    assert spec.image == "debian-12-x64"
    assert spec.cache.eviction_policy == "noeviction", "no queued job is dropped"
    assert (spec.droplets, spec.addresses) == (1, 5)


@pytest.mark.parametrize("tenant", ["acme", "globex"])
def test_the_specs_that_come_with_the_repo_are_valid(tenant: str) -> None:
    spec = load_specs([REPO / f"Pulumi.{tenant}.yaml"])[tenant]
    assert spec.tenant == tenant


def test_acme_has_two_langchain_agents_and_an_n8n_agent_and_globex_has_one() -> None:
    kinds = [agent.kind for agent in load_spec(REPO / "Pulumi.acme.yaml").agents]
    assert sorted(kinds) == ["langchain", "langchain", "n8n"]
    assert load_spec(REPO / "Pulumi.globex.yaml").droplets == 1


@pytest.mark.parametrize(
    ("changes", "field", "got", "fix"),
    [
        ({"tenant": "Acme!"}, "tenant", "'Acme!'", "lower-case letters"),
        ({"tenant": "acme-guardrail"}, "tenant", "'acme-guardrail'", "leave it out"),
        ({"region": "New York"}, "region", "'New York'", "matches"),
        ({"regoin": "nyc3"}, "regoin", UNSAID, "did you mean region?"),
        ({"ip_range": "10.0.0.0/30"}, "ip_range", "'10.0.0.0/30'", "/16 to /28"),
        ({"ip_range": "10.0.0.1/24"}, "ip_range", "'10.0.0.1/24'", "host bits"),
        ({"ip_range": "8.8.8.0/24"}, "ip_range", "'8.8.8.0/24'", "not a private range"),
        ({"ip_range": "10.245.0.0/24"}, "ip_range", "'10.245.0.0/24'", "reserves"),
        ({"ip_range": 10}, "ip_range", "10", "as a text"),
        ({"agents": 3}, "agents", "3", "write a list"),
        ({"agents": []}, "agents", "0 droplets", f"1 to {MAX_DROPLETS}"),
        ({"agents": [AGENT, AGENT]}, "agents", "'writer' 2 times", "a name of its own"),
        ({"agents": [{**AGENT, "replicas": 51}]}, "agents", "51 droplets", "1 to 50"),
        ({"database": {"version": "12"}}, "database.version", "'12'", "'16', '17' or '18'"),
        ({"database": {"node_count": 0}}, "database.node_count", "0", "greater than or equal to 1"),
        ({"cache": {"eviction_policy": "x"}}, "cache.eviction_policy", "'x'", "choose one of"),
        ({"guardrail": {"siez": "s"}}, "guardrail.siez", UNSAID, "did you mean size?"),
        ({"deletion_protection": "no"}, "deletion_protection", "'no'", "valid boolean"),
        ({"ssh_keys": ["hunter2"]}, "ssh_keys[0]", UNSAID, "OpenSSH"),
    ],
)
def test_a_mistake_is_refused_with_field_value_and_fix(
    changes: dict[str, Any], field: str, got: str, fix: str
) -> None:
    line = refusal(**changes).splitlines()[1]
    assert line.startswith(f"  {field}: got {got}"), "the field's path, then the value"
    assert fix in line, "and what to write instead"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"kind": "autogpt"}, "agents[0].kind"),
        ({"model": "claude"}, "agents[0].model"),
        ({"name": "Writer"}, "agents[0].name"),
        ({"name": "w" * 21}, "agents[0].name"),
        ({"replicas": 0}, "agents[0].replicas"),
        ({"replicas": "2"}, "agents[0].replicas"),
        ({"data_gib": 0}, "agents[0].data_gib"),
        ({"data_gib": 16385}, "agents[0].data_gib"),
        ({"size": "big one"}, "agents[0].size"),
        ({"secret": "x"}, "agents[0].secret"),
    ],
)
def test_a_mistake_in_an_agent_names_the_agent_by_its_place(changes: dict[str, Any], field: str) -> None:
    assert f"  {field}: got " in agent_refusal(**changes)


def test_every_mistake_is_reported_at_once() -> None:
    message = refusal(region="X Y", tenant="A", surplus=1)
    assert len(message.splitlines()) == 4, message


def test_a_missing_field_says_so() -> None:
    with pytest.raises(SpecError, match=r"region: got nothing; add this field"):
        parse_spec({"tenant": "acme", "agents": [AGENT]})


@pytest.mark.parametrize("where", ["token", "ssh_keys"])
def test_what_may_be_a_secret_in_the_wrong_place_is_not_repeated(where: str) -> None:
    value = "dop_v1_" + "0" * 12
    message = refusal(**{where: [value] if where == "ssh_keys" else value})
    assert value not in message, "an error message ends in logs"


def test_a_token_in_the_place_of_a_word_is_not_repeated() -> None:
    message = refusal(region="dop_v1_" + "0" * 32)
    assert "region: got '[secret]'" in message
    assert "0000" not in message, "an error message ends in logs"


@pytest.mark.parametrize("content", [None, [], "text", 7])
def test_what_is_no_mapping_is_refused(content: object) -> None:
    with pytest.raises(SpecError, match="write a mapping"):
        parse_spec(content)


def test_a_spec_cannot_be_changed() -> None:
    spec = parse_spec(MINIMAL)
    with pytest.raises(ValidationError, match="frozen"):
        spec.region = "fra1"


@given(counts=st.lists(st.integers(1, 60), min_size=1, max_size=8))
def test_exactly_one_to_fifty_droplets_are_accepted_however_they_are_spread(counts: list[int]) -> None:
    agents = [{**AGENT, "name": f"a{index}", "replicas": count} for index, count in enumerate(counts)]
    if sum(counts) <= MAX_DROPLETS:
        assert parse_spec({**MINIMAL, "agents": agents}).droplets == sum(counts)
    else:
        assert f"{sum(counts)} droplets" in refusal(agents=agents)


@given(
    content=st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=8),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
        max_leaves=8,
    )
)
def test_whatever_is_written_is_a_spec_or_a_clear_refusal(content: object) -> None:
    fields = TenantSpec.model_fields
    for wrapped in (content, dict.fromkeys(fields, content)):
        with pytest.raises(SpecError) as refused:
            parse_spec(wrapped)
        assert refused.value.problems, "a refusal names what is wrong"


@pytest.mark.parametrize("comment", ["", " somebody", "  5a4981aa-9653-4bd1-bef5-d6bff52042e4\n"])
def test_public_keys_are_taken_without_their_comments(comment: str) -> None:
    kind, blob, *_ = fake_public_key().split()
    assert parse_spec({**MINIMAL, "ssh_keys": [f"{kind}  {blob}{comment}"]}).ssh_keys == (f"{kind} {blob}",)


def write(folder: Path, tenant: str, **changes: Any) -> Path:
    path = folder / f"Pulumi.{tenant}.yaml"
    path.write_text(yaml.safe_dump({"config": {CONFIG_KEY: {**MINIMAL, "tenant": tenant, **changes}}}))
    return path


def test_a_file_whose_name_is_another_tenants_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path, "acme").rename(tmp_path / "Pulumi.globex.yaml")
    with pytest.raises(SpecError, match=r"name the file Pulumi\.acme\.yaml"):
        load_spec(path)


def test_a_file_that_is_no_yaml_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "Pulumi.acme.yaml"
    for content, reason in (
        (b"config: [hunter2", "line 1, column 17: expected"),
        (b"\xff", "'utf-8' codec can't decode"),
        (b"\0", "unacceptable character"),
    ):
        path.write_bytes(content)
        with pytest.raises(ProjectError, match=re.escape(f"can't read {path}: {reason}")) as caught:
            load_spec(path)
        assert "hunter2" not in str(caught.value), "what is there may be a secret"
        assert "\n" not in str(caught.value), "one line"
    path.write_text("[]")
    with pytest.raises(SpecError, match="write a mapping"):
        load_spec(path)


def test_two_specs_that_ask_for_overlapping_ranges_are_refused_before_anything_is_created(
    tmp_path: Path,
) -> None:
    paths = [
        write(tmp_path, "one", ip_range="10.40.0.0/23"),
        write(tmp_path, "two", ip_range="10.40.1.0/24"),
    ]
    with pytest.raises(
        SpecError, match=r"ip_range: got 10\.40\.1\.0/24; overlaps 10\.40\.0\.0/23, which is one's"
    ):
        load_specs(paths, ledger=tmp_path / "addresses.yaml")


def test_a_spec_error_is_an_expected_failure_of_stacks() -> None:
    assert issubclass(SpecError, StacksError), "commands print its message, not a traceback"


def test_a_suggestion_lists_everything_when_nothing_is_close() -> None:
    assert suggestion("zzz", ["nyc3", "fra1"], kind="region") == "no such region; there are fra1, nyc3"
    assert "none" in suggestion("x", [], kind="image")


def every_field(model: type[BaseModel], prefix: str = "") -> list[str]:
    found = []
    for name, field in model.model_fields.items():
        found.append(f"{prefix}{name}")
        inner = [field.annotation, *getattr(field.annotation, "__args__", ())]
        models = [item for item in inner if isinstance(item, type) and issubclass(item, BaseModel)]
        found += [path for item in models for path in every_field(item, f"{prefix}{name}.")]
    return found


@pytest.mark.parametrize("field", every_field(TenantSpec))
def test_every_field_is_in_the_documentation(field: str) -> None:
    assert f"| `{field}` |" in (REPO / "docs" / "spec.md").read_text(), "docs/spec.md lacks this field"
