"""Rules of a droplet's user-data: what a host is from its first boot on, and what DigitalOcean gets to read.

A new host's user-data isn't known at a preview, as the key to the mesh in it isn't made yet. An update judges
it before the droplet is made; of hosts that are there already a preview judges it too.
"""

import re
from collections.abc import Iterator

from policies.cloud_config import KEY_FILE, CloudConfig, cloud_config
from policies.detection import secrets_in
from policies.hardening import sshd_options, weaknesses
from policies.reading import UNKNOWN, Resource
from policies.resource_types import DROPLET, HARDENED_HOST
from policies.rule import Config, Finding, ResourceRule, Rule, Severity, Theme, cis, nist, soc2

_LATER = "accepted when `userData` is given: the update judges it before the droplet is made"

_A_KEY = frozenset({"Tailscale Key", "Base64 High Entropy String", "Hex High Entropy String"})
"""What the key to the mesh looks like, whoever made it."""

_PUBLIC_KEY = re.compile(
    r"(ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp\d+|sk-\S+@openssh\.com) [A-Za-z0-9+/=]{40,}( .*)?"
)
_PRINCIPALS = re.compile(r"(/etc/ssh/[a-z]+)/%u")


def _document(droplet: Resource) -> CloudConfig | None:
    text = droplet.get("userData")
    return cloud_config(text) if isinstance(text, str) else None


def _secrets(droplet: Resource, _config: Config) -> Iterator[Finding]:
    text = droplet.get("userData")
    if text is None or text is UNKNOWN:
        return
    document = _document(droplet)
    texts = document.everything_else() if document else [str(text)]
    names = [droplet.name] if droplet.name.startswith(f"{droplet.stack}-") else []
    for kind in secrets_in("\n".join(texts), (*names, f"tenant-{droplet.stack}")):
        yield f"`userData` has what looks like a secret ({kind})"
    key = (document.key if document else None) or ""
    if not re.fullmatch(r"[A-Za-z0-9_-]*", key) or not _A_KEY.issuperset(secrets_in(key)):
        yield f"`userData` has in {KEY_FILE} something else than a key to the mesh"


NO_SECRET = ResourceRule(
    name="user-data-holds-no-secret",
    theme=Theme.HOSTS,
    title="A droplet's user-data holds no secret but its one-time key to the mesh.",
    why=(
        "User-data is read by DigitalOcean, by everybody with the account's token, and by the host's root as "
        "long as it lives. What works once and for an hour may pass that way, and nothing else."
    ),
    severity=Severity.CRITICAL,
    controls=(nist(3), soc2("CC6.1")),
    remediation=(
        "Bring it to the host over the mesh when it is there (components/delivery.py), and make a new one: "
        "this one was written down."
    ),
    unknowns=_LATER,
    types=(DROPLET,),
    check=_secrets,
)


def _hardened(droplet: Resource, _config: Config) -> Iterator[Finding]:
    text = droplet.get("userData")
    if text is UNKNOWN:
        return
    document = _document(droplet)
    if document is None:
        yield "`userData` is no `#cloud-config` that can be read"
        return
    yield from (f"`userData` {weakness}" for weakness in weaknesses(document))


HARDENED = ResourceRule(
    name="user-data-is-the-hardened-one",
    theme=Theme.HOSTS,
    title="A droplet's user-data hardens it before it can be reached.",
    why=(
        "A host is never mended by hand: what its first boot doesn't do is never done. So sshd without root "
        "and passwords on the mesh's address alone, a firewall that drops, fail2ban, audit rules, security "
        "fixes and kernel settings are all in it, and the key to the mesh is gone once it is used."
    ),
    severity=Severity.HIGH,
    controls=(cis("2.6"), nist(5), soc2("CC6.8")),
    remediation="Take the user-data that components.host.HardenedHost composes, and change its parts there.",
    unknowns=_LATER,
    types=(DROPLET,),
    check=_hardened,
)


def _knows_operator(host: Resource, _config: Config) -> Iterator[Finding]:
    if host.type == HARDENED_HOST:
        authority = host.get("ssh_ca")
        if authority is UNKNOWN:
            yield "`ssh_ca` isn't known before the update: write it out"
        elif not isinstance(authority, str) or not _PUBLIC_KEY.fullmatch(authority.strip()):
            yield "`ssh_ca` is no public key, so no operator's certificate is let in"
    elif host.get("userData") is not UNKNOWN:
        document = _document(host)
        yield from _trusted(document, host) if document else ("`userData` names no SSH CA",)


def _trusted(document: CloudConfig, droplet: Resource) -> Iterator[Finding]:
    found = sshd_options(document)
    authority = document.text(found.get("trustedusercakeys", ""))
    if not _PUBLIC_KEY.fullmatch(authority.strip()):
        yield "`userData` has sshd trust no CA, or not just one (`TrustedUserCAKeys`)"
    if not (folder := _PRINCIPALS.fullmatch(found.get("authorizedprincipalsfile", ""))):
        yield "`userData` doesn't say whose certificates are let in (`AuthorizedPrincipalsFile`)"
        return
    principals = {line for _, text in document.texts(folder[1]) for line in text.splitlines()}
    if principals != {f"tenant-{droplet.stack}"}:
        yield "`userData` lets in certificates that aren't for this tenant (`AuthorizedPrincipalsFile`)"


KNOWS_OPERATOR = ResourceRule(
    name="host-knows-the-operator",
    theme=Theme.HOSTS,
    title="A host lets in by SSH who has the vault's certificate for its tenant, and knows whose that is.",
    why=(
        "Keys that lie on hosts are never taken back. The vault's SSH CA gives each operator an hour, for "
        "one tenant: a host without it can't be operated, or is operated by something that lasts."
    ),
    severity=Severity.HIGH,
    controls=(cis("2.7"), nist(3), nist(6), soc2("CC6.1")),
    remediation="Give the host the public key of the vault's SSH CA (`ssh_ca`), and its tenant's principal.",
    unknowns=f"`ssh_ca` is refused: it is decided in the code. The droplet is {_LATER}",
    types=(HARDENED_HOST, DROPLET),
    check=_knows_operator,
)

RULES: tuple[Rule, ...] = (NO_SECRET, HARDENED, KNOWS_OPERATOR)
