"""The types that rules speak of are those that there are: a renamed one would escape its rules unseen."""

import pulumi_command
import pulumi_digitalocean
import pulumi_tailscale
import pytest
from test_mutations import recorded, surroundings

from components import tokens
from policies import resource_types

TYPES = {name: value for name, value in vars(resource_types).items() if name.isupper()}
SDKS = {
    "digitalocean": [pulumi_digitalocean],
    "tailscale": [pulumi_tailscale],
    "command": [pulumi_command.local, pulumi_command.remote],
}


def of_provider(provider: str) -> set[str]:
    """The types that a provider's SDK has."""
    found = (getattr(value, "pulumi_type", "") for sdk in SDKS[provider] for value in vars(sdk).values())
    return {str(each) for each in found if each}


@pytest.mark.parametrize("provider", SDKS)
def test_a_providers_types_are_its_sdks(provider: str) -> None:
    named = {value for value in TYPES.values() if value.startswith(f"{provider}:")}
    assert named, "rules speak of it"
    assert named <= of_provider(provider), named - of_provider(provider)


def test_our_components_types_are_their_tokens() -> None:
    ours = {name: value for name, value in TYPES.items() if value.startswith("tenantry:")}
    for name, value in ours.items():
        assert getattr(tokens, name) == value, f"{name} has another token now"


def test_the_vaults_types_are_those_that_the_platform_registers() -> None:
    with surroundings():
        registered = {each.type for each in recorded(None, "platform").resources}
    assert {value for value in TYPES.values() if value.startswith("pulumi-python:")} <= registered
