"""Secrets in a text, found by detect-secrets: known forms of keys, and strings of high entropy.

Its detectors are asked themselves, not its scanner, which forgives a line that says `pragma: allowlist`, and
identifiers: Vault's secret ids look like those. Deliberately without its detector of public addresses.
Texts of hosts differ in few lines, so what was said of a line is remembered.
"""

import base64
import binascii
import re
from collections.abc import Iterable, Iterator
from functools import cache, lru_cache
from typing import Any

_SHORTEST = 20
"""Characters below which a random string can't be told from a word."""

_WHOLE_LIMIT, _RUN_LIMIT = 4.5, 3.3
"""Bits a character: for a string with separators in it, where paths reach 4.2, and for a run of letters and
digits, where no word comes near.
"""

_STRING = re.compile(rf"[A-Za-z0-9+/_-]{{{_SHORTEST},}}")
_RUN = re.compile(rf"[A-Za-z0-9]{{{_SHORTEST},}}")
_HEX = re.compile(r"[0-9a-fA-F]{16,}")
_PUBLIC_KEY = re.compile(r"((?:sk-)?(?:ssh|ecdsa)-[a-z0-9@.-]+) (AAAA[A-Za-z0-9+/]+={0,2})(?![A-Za-z0-9+/=])")
_NO_PASSWORD = r"^(- )?lock_passwd: (true|false)$|NOPASSWD:ALL$"  # noqa: S105 (it says that there is none)

_ALSO_KNOWN = {
    "Tailscale Key": re.compile(r"\btskey-[a-z]+-[A-Za-z0-9-]{10,}"),
    "Vault Token": re.compile(r"\bhv[sbr]\.[A-Za-z0-9_-]{20,}|\b[sbr]\.[A-Za-z0-9]{24}\b"),
    "UUID (as a vault's secret id)": re.compile(
        r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", re.IGNORECASE
    ),
    "DigitalOcean Token": re.compile(r"\bdo[oprt]_v1_[0-9a-f]{32,}"),
    "DigitalOcean Database Password": re.compile(r"\bAVNS_[A-Za-z0-9_-]{10,}"),
    "Anthropic Key": re.compile(r"\bsk-ant-[A-Za-z0-9_-]{10,}"),
    "OpenAI Key": re.compile(r"\bsk-(proj|svcacct|admin)-[A-Za-z0-9_-]{10,}"),
    "Password Hash": re.compile(r"\$(1|2[abxy]|5|6|7|y|gy)\$[./A-Za-z0-9$,=]{8,}"),
    "Google API Key": re.compile(r"\bAIza[A-Za-z0-9_-]{30,}"),
}
"""Forms of our own providers' keys that detect-secrets lacks."""


def secrets_in(text: str, names: Iterable[str] = ()) -> tuple[str, ...]:
    """What kinds of secrets the text seems to hold, for instance `Private Key`; never the secrets.

    `names` are no secrets, wherever they stand as whole words: what customers call things may look random.
    detect-secrets is imported at the first call: it takes longer than all other rules together.
    """
    for name in sorted(names, key=len, reverse=True):
        text = re.sub(rf"(?<![A-Za-z0-9]){re.escape(name)}(?![A-Za-z0-9])", "", text)
    found: set[str] = set()
    for line in {line.strip() for line in text.splitlines()}:
        found.update(_kinds_in(line))
    return tuple(sorted(found))


@lru_cache(maxsize=16384)
def _kinds_in(line: str) -> tuple[str, ...]:
    detectors = _detectors()
    return tuple({*detectors.known_forms(line), *detectors.named(line), *detectors.random(line)})


@cache
def _detectors() -> "_Detectors":
    return _Detectors()


class _Detectors:
    """detect-secrets' own, made once."""

    def __init__(self) -> None:
        from detect_secrets.core.plugins.util import (  # noqa: PLC0415 - see `secrets_in`
            get_mapping_from_secret_type_to_class,
        )
        from detect_secrets.filters import heuristic  # noqa: PLC0415
        from detect_secrets.plugins import high_entropy_strings, ip_public, keyword  # noqa: PLC0415
        from detect_secrets.plugins.base import RegexBasedDetector  # noqa: PLC0415

        kinds: Iterable[Any] = get_mapping_from_secret_type_to_class().values()
        self._known: list[RegexBasedDetector] = [
            kind()
            for kind in kinds
            if issubclass(kind, RegexBasedDetector) and kind is not ip_public.IPPublicDetector
        ]
        self._keyword = keyword.KeywordDetector(keyword_exclude=_NO_PASSWORD)
        self._hex = high_entropy_strings.HexHighEntropyString()
        self._base64 = high_entropy_strings.Base64HighEntropyString(limit=_WHOLE_LIMIT)
        self._heuristic: Any = heuristic

    def known_forms(self, line: str) -> Iterator[str]:
        for detector in self._known:
            if next(iter(detector.analyze_string(line)), None) is not None:
                yield str(detector.secret_type)
        for kind, form in _ALSO_KNOWN.items():
            if form.search(line):
                yield kind

    def named(self, line: str) -> Iterator[str]:
        """What is assigned to a name that sounds like a secret's: in YAML and shell, without quotes."""
        for secret in self._keyword.analyze_line(filename="user-data.yaml", line=line):
            if not self._refers(str(secret.secret_value), line):
                yield str(self._keyword.secret_type)

    def _refers(self, value: str, line: str) -> bool:
        """A variable, a call or a placeholder, not the secret itself."""
        said = self._heuristic
        return bool(
            said.is_prefixed_with_dollar_sign(value)
            or said.is_templated_secret(value)
            or said.is_indirect_reference(line)
            or said.is_not_alphanumeric_string(value)
        )

    def random(self, line: str) -> Iterator[str]:
        line = _PUBLIC_KEY.sub(_without_public_key, line)
        for digits in _HEX.findall(line):
            if readable := _readable(digits):
                yield from _kinds_in(readable)
                line = line.replace(digits, "")
            elif (
                len(digits) >= _SHORTEST
                and _mixed(digits)
                and self._hex.calculate_shannon_entropy(digits) > self._hex.entropy_limit
            ):
                yield str(self._hex.secret_type)
        entropy = self._base64.calculate_shannon_entropy
        if any(entropy(each) > self._base64.entropy_limit for each in _STRING.findall(line)) or any(
            _mixed(each) and entropy(each) > _RUN_LIMIT for each in _RUN.findall(line)
        ):
            yield str(self._base64.secret_type)


def _mixed(text: str) -> bool:
    """Letters, and more than one digit."""
    digits = sum(each.isdigit() for each in text)
    return 1 < digits < len(text)


def _readable(digits: str) -> str:
    """The text that hexadecimal digits stand for (UFW writes its comments so); nothing when it is none."""
    try:
        text = binascii.unhexlify(digits).decode("ascii")
    except ValueError:
        return ""
    return text if text.isprintable() else ""


def _without_public_key(match: re.Match[str]) -> str:
    """Nothing in the place of an SSH public key, if it says of itself that it is one."""
    kind = match[1].encode()
    try:
        content = base64.b64decode(match[2], validate=True)
    except ValueError:
        return match[0]
    return "" if content[4 : 4 + len(kind)] == kind and content[3] == len(kind) else match[0]
