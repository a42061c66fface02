"""The zero-trust rules with every run of the engine: where the pack is, and its settings.

By the environment and not by flags: so `pulumi up` typed by hand in an operator's shell is judged too, and
the program can see whether it is (`refuse_without_pack`). The settings are those of policies-config.json, and
the address ranges of addresses.yaml, which a tenant's must stay apart from.
"""

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from stacks.addressing import LEDGER, Ledger
from stacks.errors import PolicyError, ProjectError
from stacks.spec import spec_in

NAME = "tenantry"
"""The pack's name, by which the engine says that it was run."""

PACK = Path(__file__).resolve().parents[1] / "policies" / "tenantry-policies"
"""A program, as a language host may not be able to start a directory."""

CONFIG = "policies-config.json"
PACK_VARIABLE = "PULUMI_OPTION_POLICY_PACK"
CONFIG_VARIABLE = "PULUMI_OPTION_POLICY_PACK_CONFIG"
"""How the engine takes its flags `--policy-pack` and `--policy-pack-config` from the environment."""

RANGES_RULE = "vpc-ranges-apart"


def environment(folder: Path) -> dict[str, str]:
    """What makes the engine judge every preview and update in a project's folder by the rules."""
    return {PACK_VARIABLE: str(PACK), CONFIG_VARIABLE: str(folder / CONFIG)}


def write_config(specs: Path, folder: Path) -> None:
    """Puts the rules' settings where the engine is told that they are. Raises PolicyError, ProjectError."""
    settings = read_config(specs / CONFIG)
    given = settings.get(RANGES_RULE, {})
    settings[RANGES_RULE] = {**given, "ranges": {**given.get("ranges", {}), **_ranges(specs)}}
    path = folder / CONFIG
    temporary = path.with_suffix(f".{os.getpid()}.tmp")
    temporary.write_text(json.dumps(settings, indent=2) + "\n")
    temporary.replace(path)


def _ranges(specs: Path) -> dict[str, str]:
    """Every tenant's range: the ledger's, and those that specs write out."""
    ranges = {tenant: str(block) for tenant, block in Ledger.read(LEDGER).ranges.items()}
    for path in sorted(specs.glob("Pulumi.*.yaml")):
        with suppress(ProjectError):  # the stack's own run refuses it
            spec = spec_in(path)
            if isinstance(spec, dict) and isinstance(spec.get("ip_range"), str):
                ranges[path.name.split(".")[1]] = spec["ip_range"]
    return ranges


def read_config(path: Path) -> dict[str, Any]:
    """The settings by rule; none when there is no such file.

    Raises PolicyError for one that can't be read, or that would switch a rule off.
    """
    if not path.exists():
        return {}
    try:
        content = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        msg = f"can't read {path}: {error}; it should be JSON: {{RULE: {{SETTING: VALUE}}}}"
        raise PolicyError(msg) from error
    if not isinstance(content, dict):
        msg = f"{path} holds a {type(content).__name__}, not an object: write {{RULE: {{SETTING: VALUE}}}}"
        raise PolicyError(msg)
    for rule, settings in content.items():
        if not isinstance(settings, dict) or "enforcementLevel" in settings:
            msg = (
                f"{path} would change how {rule!r} is enforced: every rule is mandatory; write settings alone"
            )
            raise PolicyError(msg)
    if content:
        _refuse_unknown(path, content)
    return content


def _refuse_unknown(path: Path, content: Mapping[str, Any]) -> None:
    """The engine's word for a rule that isn't there is "invalid enforcement level"."""
    from policies.rules import RULES  # noqa: PLC0415 - the policy SDK takes a third of a second to import

    known = {rule.name: rule.settings for rule in RULES}
    for name, settings in content.items():
        if name not in known:
            msg = f"{path} has settings for {name!r}, and there is no such rule: see docs/policies.md"
            raise PolicyError(msg)
        if unknown := sorted(settings.keys() - known[name].keys()):
            there = ", ".join(sorted(known[name])) or "none"
            msg = f"{path}: the rule {name!r} has no setting {unknown[0]!r}; it has: {there}"
            raise PolicyError(msg)


def refuse_without_pack(environ: Mapping[str, str]) -> None:
    """Raises PolicyError when the engine that runs the program wasn't told to judge it."""
    packs = [Path(path).resolve() for path in environ.get(PACK_VARIABLE, "").split(",") if path]
    if PACK in packs or PACK.parent in packs:
        return
    msg = (
        f"the zero-trust rules would not be run, so nothing is declared: set {PACK_VARIABLE}={PACK}, "
        "or use `python -m stacks.up`"
    )
    raise PolicyError(msg)
