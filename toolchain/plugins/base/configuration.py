"""The settings of a provider (`digitalocean:token`, …) against the facts."""

import json
from typing import Any

from toolchain.plugins.base.checks import Failure, convert_all
from toolchain.plugins.base.facts import PackageFacts
from toolchain.plugins.base.values import Properties, Secret, is_secret

OF_THE_ENGINE = frozenset({"version", "pluginDownloadURL", "__internal", "__defaults"})


def check_settings(facts: PackageFacts, given: Properties) -> tuple[Properties, list[Failure]]:
    """The settings in their types, secrets marked as such, and what is wrong with them."""
    own = {name: _unpacked(value, facts, name) for name, value in given.items() if name not in OF_THE_ENGINE}
    settings, failures = convert_all(own, facts.config, f"the provider {facts.name}")
    sensitive = {name for name, each in facts.config.items() if each.secret} | {"token"}
    marked = {
        name: Secret(value)
        if name in sensitive and isinstance(value, str) and not is_secret(value)
        else value
        for name, value in settings.items()
    }
    return {**{name: given[name] for name in given if name in OF_THE_ENGINE}, **marked}, failures


def _unpacked(value: Any, facts: PackageFacts, name: str) -> Any:
    """Lists and objects in settings come as JSON in a string."""
    known = facts.config.get(name)
    if isinstance(value, str) and known and not isinstance(known.type, str):
        try:
            return json.loads(value)
        except json.JSONDecodeError:
            return value
    return value
