"""Rules of hosts: what a droplet is made of, who may reach it as root, and who watches it."""

import re
from collections.abc import Iterator, Mapping, MutableMapping
from typing import Any, cast

from policies.reading import UNKNOWN, Resource
from policies.resource_types import DROPLET, HARDENED_HOST
from policies.rule import (
    TEXTS,
    Config,
    Finding,
    ResourceRule,
    Rule,
    Setting,
    Severity,
    Theme,
    cis,
    nist,
    soc2,
)

IMAGES = ["debian-12-x64"]
SIZES = [
    r"s-\d+vcpu-\d+[mg]b(-\d+gb)?(-(amd|intel))?",
    r"c2?-\d+(vcpu-\d+gb)?(-intel)?",
    r"(g|gd|m|m3|m6|so|so1_5)-\d+vcpu-\d+gb(-intel)?",
]
"""DigitalOcean's shared and dedicated processors; none of its GPUs, which cost thousands a month."""


def _unlisted(droplet: Resource, key: str, allowed: Any) -> Iterator[Finding]:
    value = droplet.get(key)
    if value is UNKNOWN:
        yield f"`{key}` isn't known before the update: write it out"
    elif not any(_matches(str(each), value) for each in allowed):
        yield f"`{key}` is none of those allowed"


def _matches(pattern: str, value: Any) -> bool:
    try:
        return isinstance(value, str) and bool(re.fullmatch(pattern, value))
    except re.error:
        return False


def _image(droplet: Resource, config: Config) -> Iterator[Finding]:
    return _unlisted(droplet, "image", map(re.escape, map(str, config["images"])))


IMAGE_ALLOWED = ResourceRule(
    name="droplet-image-allowed",
    theme=Theme.HOSTS,
    title="A droplet is made from an image that is allowed.",
    why="Hardening is measured on one distribution. Another image has other accounts, services and defaults.",
    severity=Severity.HIGH,
    controls=(nist(5), soc2("CC6.8")),
    remediation="Take an image of the rule's setting `images`, or add this one there once it is measured.",
    unknowns="refused: it is decided in the code",
    settings={"images": Setting(schema=TEXTS, default=IMAGES, description="Slugs of images.")},
    types=(DROPLET,),
    check=_image,
)


def _size(droplet: Resource, config: Config) -> Iterator[Finding]:
    return _unlisted(droplet, "size", config["sizes"])


SIZE_ALLOWED = ResourceRule(
    name="droplet-size-allowed",
    theme=Theme.HOSTS,
    title="A droplet has a size that is allowed.",
    why="One word decides what a droplet costs: from four dollars a month to some ten thousand.",
    severity=Severity.MEDIUM,
    controls=(soc2("CC5.2"),),
    remediation="Take a size that the rule's setting `sizes` allows, or add this one there.",
    unknowns="refused: it is decided in the code",
    settings={
        "sizes": Setting(
            schema=TEXTS,
            default=SIZES,
            description="Slugs of sizes, or regular expressions that match a whole slug.",
        )
    },
    types=(DROPLET,),
    check=_size,
)


def _account_keys(droplet: Resource, _config: Config) -> Iterator[Finding]:
    keys = droplet.get("sshKeys")
    if keys is UNKNOWN:
        yield "`sshKeys` isn't known before the update: leave it out"
    elif keys:
        yield "`sshKeys` are the account's, and would be root's on it: leave them out"
    agent = droplet.get("dropletAgent")
    if agent is UNKNOWN:
        yield "`dropletAgent` isn't known before the update: write it out"
    elif agent is not False:
        yield "`dropletAgent` isn't false, so the control panel's console lets people in as root"


NO_ACCOUNT_KEYS = ResourceRule(
    name="droplet-without-account-keys",
    theme=Theme.HOSTS,
    title="A droplet has no key of DigitalOcean's account, and no agent of its web console.",
    why="Both make root of whoever has the account, past the mesh, the vault's certificates and the audit.",
    severity=Severity.CRITICAL,
    controls=(nist(3), soc2("CC6.1")),
    remediation="Leave `sshKeys` out and set `dropletAgent: false`; operators come by the vault's SSH CA.",
    unknowns="refused: both are decided in the code",
    types=(DROPLET,),
    check=_account_keys,
)


def _component(droplet: Resource, _config: Config) -> Iterator[Finding]:
    if droplet.ancestors[-1:] != (HARDENED_HOST,):
        yield "it isn't made by the component HardenedHost"
    if not droplet.has("userData") or droplet.get("userData") in (None, ""):
        yield "`userData` isn't given, so nothing hardens it"


IS_HARDENED_HOST = ResourceRule(
    name="droplet-is-a-hardened-host",
    theme=Theme.HOSTS,
    title="A droplet is made by the component HardenedHost, with user-data.",
    why="A droplet on its own is a stock image with sshd open to root and no place in the mesh.",
    severity=Severity.HIGH,
    controls=(nist(5), soc2("CC6.8")),
    remediation="Declare a components.host.HardenedHost instead of a droplet.",
    unknowns="accepted when `userData` is given: `user-data-is-the-hardened-one` judges it at the update",
    types=(DROPLET,),
    check=_component,
)


def _monitoring(droplet: Resource, _config: Config) -> Iterator[Finding]:
    value = droplet.get("monitoring")
    if value is UNKNOWN:
        yield "`monitoring` isn't known before the update: write it out"
    elif value is not True:
        yield "`monitoring` is off"


def _monitored(droplet: Resource) -> Mapping[str, Any] | None:
    """The very properties that the SDK handed out, changed: a copy would lose which of them are secret."""
    if droplet.get("monitoring") is True:
        return None
    cast("MutableMapping[str, Any]", droplet.props)["monitoring"] = True
    return droplet.props


MONITORING = ResourceRule(
    name="droplet-monitoring",
    theme=Theme.HOSTS,
    title="A droplet is monitored.",
    why="A host that mines or that is flooded shows it in its load and its traffic first.",
    severity=Severity.LOW,
    controls=(cis("4.2"), nist(7), soc2("CC7.2")),
    remediation="Set `monitoring: true`.",
    unknowns="refused, or set to true where the pack mends: it is decided in the code",
    types=(DROPLET,),
    check=_monitoring,
    mend=_monitored,
)

RULES: tuple[Rule, ...] = (
    IMAGE_ALLOWED,
    SIZE_ALLOWED,
    NO_ACCOUNT_KEYS,
    IS_HARDENED_HOST,
    MONITORING,
)
