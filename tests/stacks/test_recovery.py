from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from stacks.checkpoint import Checkpoint
from stacks.inventory import Thing
from stacks.recovery.plan import Adopt, Delete, Forget, Import, perform, plan
from stacks.resource_types import DATABASE_CLUSTER, DATABASE_USER, DROPLET

VPC = "digitalocean:index/vpc:Vpc"


def _thing(name: str, identity: str = "1", kind: str = DROPLET, **more: Any) -> Thing:
    return Thing(kind=kind, id=identity, name=name, **more)


def _state(*known: Thing, pending: tuple[tuple[str, dict[str, str]], ...] = ()) -> Checkpoint:
    resources = [
        {"urn": f"urn::p::{each.kind}::{each.name}", "custom": True, "type": each.kind, "id": each.id}
        for each in known
    ]
    operations = [
        {
            "type": "creating",
            "resource": {"urn": f"urn:s::p::{kind}::{inputs['name']}", "type": kind, "inputs": inputs},
        }
        for kind, inputs in pending
    ]
    return Checkpoint({"deployment": {"resources": resources, "pending_operations": operations}})


def test_state_and_account_that_agree_need_nothing() -> None:
    droplet = _thing("acme-agent-a-1")
    assert plan(_state(droplet), [droplet]).is_empty, "a healthy stack is left alone"


def test_an_interrupted_create_whose_thing_is_there_is_adopted() -> None:
    droplet = _thing("acme-agent-a-1", "17")
    found = plan(_state(pending=((DROPLET, {"name": droplet.name}),)), [droplet])
    assert [type(step) for step in found.steps] == [Adopt], "one thing, one resource"
    assert list(found.adopted.values()) == ["17"], "by its id"


def test_an_interrupted_create_that_left_nothing_is_forgotten() -> None:
    found = plan(_state(pending=((DROPLET, {"name": "acme-agent-a-1"}),)), [])
    assert [type(step) for step in found.steps] == [Forget], "the next `up` creates it"


def test_of_two_copies_the_older_is_adopted_and_the_younger_deleted() -> None:
    older, younger = _thing("a", "5", created="2026-01-01"), _thing("a", "4", created="2026-01-02")
    found = plan(_state(pending=((DROPLET, {"name": "a"}),)), [younger, older])
    assert found.adopted == {f"urn:s::p::{DROPLET}::a": "5"}, "no second copy survives"
    assert [step.thing.id for step in found.steps if isinstance(step, Delete)] == ["4"], "and it is deleted"


def test_a_thing_that_the_state_has_is_never_adopted_for_a_replacement_of_it() -> None:
    old, new = _thing("a", "1"), _thing("a", "2")
    found = plan(_state(old, pending=((DROPLET, {"name": "a"}),)), [old, new])
    assert list(found.adopted.values()) == ["2"], "the pending create is the new one"


def test_a_user_is_only_adopted_from_its_own_cluster() -> None:
    other = _thing("agents", "c2/user/agents", DATABASE_USER, cluster="c2")
    mine = _thing("agents", "c1/user/agents", DATABASE_USER, cluster="c1")
    found = plan(_state(pending=((DATABASE_USER, {"name": "agents", "clusterId": "c1"}),)), [other, mine])
    assert list(found.adopted.values()) == ["c1/user/agents"], "each cluster has a user of that name"


def test_what_lies_in_a_cluster_is_never_deleted_by_itself() -> None:
    admin = _thing("doadmin", "c1/user/doadmin", DATABASE_USER, cluster="c1")
    assert plan(_state(), [admin]).is_empty, "DigitalOcean makes users of its own"


def test_an_orphan_that_the_program_wants_is_imported() -> None:
    vpc = _thing("acme-network-vpc", "v", VPC)
    (step,) = plan(_state(), [vpc], {(VPC, vpc.name): "urn:wanted"}).steps
    assert isinstance(step, Import), "a network with members can't be made twice"
    assert step.urn == "urn:wanted", "under the program's URN"


def test_a_stray_droplet_is_deleted_even_if_the_program_wants_one_like_it() -> None:
    droplet = _thing("acme-agent-a-1")
    (step,) = plan(_state(), [droplet], {(DROPLET, droplet.name): "urn:wanted"}).steps
    assert isinstance(step, Delete), "its user data can't be read back"


def test_one_wanted_resource_takes_one_orphan() -> None:
    twins = [_thing("db", "1", DATABASE_CLUSTER), _thing("db", "2", DATABASE_CLUSTER)]
    steps = plan(_state(), twins, {(DATABASE_CLUSTER, "db"): "urn:wanted"}).steps
    assert sorted(type(step).__name__ for step in steps) == ["Delete", "Import"], "no second copy"


def test_every_deletion_is_said_before_it_is_done() -> None:
    events: list[str] = []
    steps = plan(_state(), [_thing("a")]).steps
    perform(steps, lambda thing: events.append(f"deleted {thing.name}"), say=events.append)
    assert events[0].startswith("delete Droplet a"), "said first"
    assert events[1] == "deleted a", "then done"


names = st.sampled_from(["a", "b", "c"])
kinds = st.sampled_from([DROPLET, VPC])
things = st.builds(
    lambda kind, name, number: _thing(name, f"{kind}-{name}-{number}", kind), kinds, names, st.integers(0, 3)
)


@given(st.sets(things, max_size=12), st.sets(st.tuples(kinds, names), max_size=6), st.data())
def test_every_thing_ends_in_the_state_or_deleted_exactly_once(
    account: set[Thing], creating: set[tuple[str, str]], data: st.DataObject
) -> None:
    known = data.draw(st.sets(st.sampled_from(sorted(account, key=str)), max_size=6)) if account else set()
    state = _state(*known, pending=tuple((kind, {"name": name}) for kind, name in creating))
    found = plan(state, sorted(account, key=str))
    adopted = [step.thing for step in found.steps if isinstance(step, Adopt)]
    deleted = [step.thing for step in found.steps if isinstance(step, Delete)]
    assert set(adopted) | set(deleted) | known == account, "nothing is overlooked"
    assert len(adopted) + len(deleted) + len(known) == len(account), "nothing is both"
    assert len({(thing.kind, thing.name) for thing in adopted}) == len(adopted), "no second copy is adopted"
