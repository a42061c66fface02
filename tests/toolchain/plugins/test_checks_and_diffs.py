"""Check and Diff, for every resource of the facts where the rule is general."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from plugin_client import Plugin, token_of
from pulumi.runtime.proto import provider_pb2 as messages

from toolchain.plugins.base.checks import check
from toolchain.plugins.base.diffs import canonical, diff
from toolchain.plugins.base.facts import PropertyType, load
from toolchain.plugins.base.types import Mismatch, convert
from toolchain.plugins.base.values import UNKNOWN, Properties, Secret, decode, is_secret
from toolchain.plugins.digitalocean.provider import DigitalOcean

FACTS = load("digitalocean")
PROVIDER = DigitalOcean(FACTS, "4.84.1")
ALL = sorted(FACTS.resources)


def sample(type_: PropertyType) -> Any:
    """A value of the type."""
    if isinstance(type_, list):
        return [sample(type_[1])] if type_[0] == "list" else {"key": sample(type_[1])}
    if isinstance(type_, dict):
        return {name: sample(inner) for name, inner in type_["object"].items()}
    return {"integer": 3, "number": 1.5, "boolean": True}.get(type_, "x")


def complete(token: str) -> Properties:
    return {name: sample(each.type) for name, each in FACTS.resources[token].inputs.items()}


def failures(token: str, news: Properties) -> dict[str, str]:
    request = messages.CheckRequest(urn=f"urn:pulumi:dev::p::{token}::thing", randomSeed=b"seed")
    return {each.property: each.reason for each in check(PROVIDER.resource(token), request, {}, news)[1]}


def test_every_resource_of_the_facts_has_a_handler() -> None:
    assert sorted(PROVIDER.resources) == ALL


@pytest.mark.parametrize("token", ALL)
def test_an_unknown_input_is_named_with_its_resource(token: str) -> None:
    found = failures(token, {**complete(token), "colour": "red"})
    assert token in found["colour"], "the message says whose input it isn't"


@pytest.mark.parametrize("token", ALL)
def test_each_missing_required_input_is_named(token: str) -> None:
    required = {name for name, each in FACTS.resources[token].inputs.items() if each.required}
    assert required <= failures(token, {}).keys(), "all are reported at once"


@pytest.mark.parametrize("token", ALL)
def test_an_input_of_the_wrong_type_is_named(token: str) -> None:
    for name in FACTS.resources[token].inputs:
        found = failures(token, {**complete(token), name: {"nothing": {"of": "the kind"}}})
        assert any(path.startswith(name) for path in found), f"{name} can't be this object"


@pytest.mark.parametrize("token", ALL)
def test_unknowns_pass_a_check(token: str) -> None:
    news = dict.fromkeys(FACTS.resources[token].inputs, UNKNOWN)
    if "evictionPolicy" in news:
        del news["evictionPolicy"], news["sqlMode"]
    assert not failures(token, news), "a preview can't know better"


@pytest.mark.parametrize("token", ALL)
def test_changes_replace_as_the_facts_say(token: str) -> None:
    resource, state = PROVIDER.resource(token), complete(token)
    for name, each in FACTS.resources[token].inputs.items():
        found = diff(resource, state, state, {**state, name: UNKNOWN})
        assert [change.name for change in found.changes] == [name], "nothing else has changed"
        assert found.replaces == each.replace, f"{name} replaces as the official provider does"


@pytest.mark.parametrize("token", ALL)
def test_the_same_inputs_are_no_difference(token: str) -> None:
    state = complete(token)
    assert not diff(PROVIDER.resource(token), state, state, state).changes


def test_a_digest_of_user_data_equals_its_text() -> None:
    inputs = {"image": "a", "size": "b", "userData": "#cloud-config"}
    resource = PROVIDER.resource(token_of("Droplet"))
    state = {**inputs, "userData": resource.digests["userData"]("#cloud-config")}
    assert not diff(resource, state, inputs, inputs).changes
    changed = diff(resource, state, inputs, {**inputs, "userData": "#!/bin/sh"})
    assert changed.replaces, "other user data needs another droplet"


def test_ipv6_can_be_turned_on_but_not_off() -> None:
    resource = PROVIDER.resource(token_of("Droplet"))
    off, on = {"image": "a", "size": "b", "ipv6": False}, {"image": "a", "size": "b", "ipv6": True}
    assert not diff(resource, off, off, on).replaces
    assert diff(resource, on, on, off).replaces


def test_what_the_api_chose_stays_when_the_program_says_nothing() -> None:
    resource = PROVIDER.resource(token_of("Vpc"))
    state = {"name": "acme", "region": "nyc3", "ipRange": "10.9.0.0/20", "description": ""}
    assert not diff(
        resource, state, {"name": "acme", "region": "nyc3"}, {"name": "acme", "region": "nyc3"}
    ).changes


def test_a_name_that_the_program_gave_makes_the_old_thing_go_first() -> None:
    resource = PROVIDER.resource(token_of("Vpc"))
    named = {"name": "acme", "region": "nyc3", "__defaults": []}
    moved = diff(resource, named, named, {**named, "region": "sfo3"})
    assert moved.deletes_before_replace, "two VPCs can't bear one name"
    automatic = {**named, "__defaults": ["name"]}
    assert not diff(resource, automatic, automatic, {**automatic, "region": "sfo3"}).deletes_before_replace


def test_ignored_changes_are_none() -> None:
    resource = PROVIDER.resource(token_of("Vpc"))
    old, new = {"name": "a", "region": "nyc3"}, {"name": "b", "region": "nyc3"}
    assert not diff(resource, old, old, new, ["name"]).changes


def test_names_are_given_once_and_kept(plugin: Plugin) -> None:
    first = decode(plugin.check("Vpc", {"region": "nyc3"}).inputs)
    assert first["name"].startswith("thing-"), "the logical name"
    assert len(first["name"]) == len("thing-") + 7, "and seven digits"
    again = decode(plugin.check("Vpc", {"region": "nyc3"}, olds={**first, "name": "thing-0000000"}).inputs)
    assert again["name"] == "thing-0000000", "a name that was given stays"


def test_secret_inputs_are_secret_also_if_the_program_forgets(plugin: Plugin) -> None:
    checked = plugin.checked("Certificate", {"privateKey": "not a key", "leafCertificate": "x"})
    assert isinstance(checked["privateKey"], Secret)


def test_a_message_never_quotes_a_value(plugin: Plugin, password: str) -> None:
    response = plugin.check(
        "Droplet", {"image": {"password": password}, "size": "s", "sshKeys": Secret(password)}
    )
    said = " ".join(each.reason for each in response.failures)
    assert said, "both are wrong"
    assert password not in said


@pytest.mark.parametrize(
    ("type", "inputs", "reason"),
    [
        ("Droplet", {"image": "a", "size": "b", "backupPolicy": {"plan": "daily"}}, "needs backups: true"),
        ("Firewall", {"inboundRules": [{"protocol": "tcp"}]}, "portRange is required"),
        ("Project", {"environment": "Testing"}, "Development, Staging, Production"),
    ],
)
def test_what_the_official_provider_refuses_is_refused(type: str, inputs: Properties, reason: str) -> None:
    assert reason in " ".join(failures(token_of(type), inputs).values())


def test_a_volume_never_shrinks(plugin: Plugin) -> None:
    volume = {"name": "v", "region": "nyc3", "size": 10}
    response = plugin.check("Volume", {**volume, "size": 5}, olds=volume)
    assert "it has 10 GiB, 5 are asked for" in response.failures[0].reason


@given(st.integers(min_value=-(2**53), max_value=2**53))
def test_whole_numbers_and_their_digits_are_the_same(number: int) -> None:
    assert convert(str(number), "integer", "p") == number
    assert convert(convert(number, "string", "p"), "integer", "p") == number


@given(st.floats(allow_nan=False).filter(lambda value: not value.is_integer()))
def test_a_fraction_is_no_integer(number: float) -> None:
    with pytest.raises(Mismatch):
        convert(number, "integer", "p")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@given(st.lists(JSON), st.randoms(use_true_random=False))
def test_the_order_of_a_list_makes_no_difference(items: list[Any], random: Any) -> None:
    shuffled = list(items)
    random.shuffle(shuffled)
    assert canonical(shuffled) == canonical(items)


@given(JSON)
def test_a_canonical_form_is_its_own(value: Any) -> None:
    assert canonical(canonical(value)) == canonical(value)


def test_a_secret_inside_makes_the_whole_secret() -> None:
    assert is_secret({"a": [1, {"b": Secret("x")}]})
    assert not is_secret({"a": [1, {"b": "x"}]})
