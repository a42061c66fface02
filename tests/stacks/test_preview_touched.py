"""Which stacks a change touches: rather one too many than one too few."""

import grimp
import pytest
from hypothesis import given
from hypothesis import strategies as some

from stacks.previewing.touched import PLATFORM_ONLY, Side, Touched, touched

SPECS = ("acme", "globex", "platform")
ALL = ("platform", "acme", "globex")
LEDGER = "ranges: {acme: 10.32.0.0/24, globex: 10.32.1.0/24}"
PLATFORM = "config: {'tenantry:spec': {tenants: [acme, globex], mesh: {peers: []}}}"
SIDE = Side.of(LEDGER, PLATFORM)


def _touched(*changed: str, after: Side = SIDE, specs: tuple[str, ...] = SPECS) -> Touched:
    return touched(changed, specs, SIDE, after)


@pytest.mark.parametrize(
    ("path", "stacks"),
    [
        ("Pulumi.acme.yaml", ("acme",)),
        ("stacks/program.py", ALL),
        ("components/host.py", ALL),
        ("components/cloud_init/sshd.py", ALL),
        ("policies/network.py", ALL),
        ("agent_runtime/server.py", ALL),
        ("Pulumi.yaml", ALL),
        ("requirements.lock", ALL),
        ("policies-config.json", ALL),
        ("components/tailnet_policy.py", ("platform",)),
        ("stacks/platform_program.py", ("platform",)),
        ("stacks/platform_outputs.py", ALL),
        ("docs/spec.md", ()),
        ("README.md", ()),
        ("tests/stacks/test_up.py", ()),
        ("local_cloud/settings.py", ()),
        ("toolchain/steps.py", ()),
        ("requirements-bootstrap.lock", ()),
        ("control_plane/app.py", ALL),
        ("odd", ALL),
    ],
)
def test_a_changed_file_touches_the_stacks_that_read_it(path: str, stacks: tuple[str, ...]) -> None:
    assert _touched(path).stacks == stacks


CODE = some.sampled_from(("stacks", "components", "policies", "agent_runtime"))
NAMES = some.lists(some.text("abcdefgh_.-", min_size=1, max_size=8), min_size=1, max_size=4)


@given(folder=CODE, names=NAMES, others=some.lists(some.sampled_from(("docs/a.md", "Makefile"))))
def test_no_changed_file_of_the_code_is_without_stacks(
    folder: str, names: list[str], others: list[str]
) -> None:
    path = "/".join((folder, *names))
    assert _touched(*others, path).stacks, "what isn't known to be harmless is looked at"
    assert touched([path], ("acme",), SIDE, SIDE).stacks == ("acme",), "also where there is no platform yet"


@pytest.mark.parametrize("path", sorted(PLATFORM_ONLY))
def test_what_only_the_platform_reads_exists_and_still_touches_something(path: str) -> None:
    assert _touched(path).stacks == ("platform",)


def test_no_tenant_s_program_imports_what_is_said_to_be_the_platform_s_alone() -> None:
    graph = grimp.build_graph("stacks", "components", "policies", cache_dir=None)
    read = {"stacks.program"} | graph.find_upstream_modules("stacks.program")
    named = {path.removesuffix(".py").replace("/", ".") for path in PLATFORM_ONLY}
    assert named <= graph.modules, "a module that was renamed is said by its old name"
    assert not named & read, "a change of it would not be previewed for tenants"


def test_a_deleted_spec_is_told_and_not_previewed() -> None:
    found = _touched("Pulumi.initech.yaml")
    assert found == Touched(removed=("initech",))


def test_only_tenants_whose_range_changed_are_touched_by_the_ledger() -> None:
    after = Side.of("ranges: {acme: 10.32.0.0/24, globex: 10.32.9.0/24, initech: 10.32.2.0/24}", PLATFORM)
    assert _touched("addresses.yaml", after=after).stacks == ("globex",)
    specs = (*SPECS, "initech")
    assert _touched("addresses.yaml", after=after, specs=specs).stacks == ("globex", "initech")


@pytest.mark.parametrize("text", [None, "ranges: [", "[]", "ranges: 3"])
def test_a_ledger_that_can_t_be_read_touches_everything(text: str | None) -> None:
    assert _touched("addresses.yaml", after=Side.of(text, PLATFORM)).stacks == ALL


def test_a_tenant_that_is_listed_or_not_any_more_is_touched_with_the_platform() -> None:
    after = Side.of(LEDGER, "config: {'tenantry:spec': {tenants: [acme, initech], mesh: {peers: []}}}")
    specs = (*SPECS, "initech")
    found = _touched("Pulumi.platform.yaml", after=after, specs=specs)
    assert found.stacks == ("platform", "globex", "initech")


def test_a_platform_s_spec_that_can_t_be_read_touches_everything() -> None:
    for text in ("config: {", "note: 2026-13-01", "[" * 3000):
        assert _touched("Pulumi.platform.yaml", after=Side.of(LEDGER, text)).stacks == ALL


def test_a_key_that_is_no_text_is_the_platform_s_own_matter() -> None:
    after = Side.of(LEDGER, "config: {'tenantry:spec': {tenants: [acme, globex], on: 1, 2: x}}")
    assert _touched("Pulumi.platform.yaml", after=after).stacks == ("platform",)
