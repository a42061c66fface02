"""Secrets taken out of what is shown: of the environment's values, and of what looks like a credential.

The engine masks the secrets that it knows; providers' errors and programs' output are shown as they come.
"""

import os
import re
from collections.abc import Mapping
from pathlib import Path

MASK = "[secret]"
SECRET_VARIABLES = (
    "DIGITALOCEAN_TOKEN",
    "DIGITALOCEAN_ACCESS_TOKEN",
    "PULUMI_CONFIG_PASSPHRASE",
    "TAILSCALE_API_KEY",
    "TAILSCALE_OAUTH_CLIENT_SECRET",
    "VAULT_TOKEN",
)
PATTERNS = (
    re.compile(r"\bdo[opr]_v1_[0-9a-f]{16,}\b"),
    re.compile(r"(?<=://)[^/\s:@]+:[^/\s@]+(?=@)"),
    re.compile(r"(?i)(?<=bearer )[\w.~+/-]{8,}=*"),
    re.compile(r"\bAVNS_[\w-]{8,}"),
    re.compile(r"\btskey-[a-z]+-[\w-]{8,}"),
    re.compile(r"\b(?:hv[sbr]|[sbr])\.[\w-]{20,}"),
    re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL),
)
"""DigitalOcean's tokens and database passwords, user and password in a URL, a bearer token, Tailscale's keys,
Vault's and OpenBao's tokens, a private key.
"""


class Redactor:
    """Masks the secrets that the given environment holds, and everything of PATTERNS."""

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        values = {environment[name] for name in SECRET_VARIABLES if environment.get(name)}
        values |= _passphrase(environment.get("PULUMI_CONFIG_PASSPHRASE_FILE"))
        self._values = sorted((value for value in values if len(value) >= 4), key=len, reverse=True)

    def __call__(self, text: str) -> str:
        for value in self._values:
            text = text.replace(value, MASK)
        for pattern in PATTERNS:
            text = pattern.sub(MASK, text)
        return text


def _passphrase(path: str | None) -> set[str]:
    try:
        return {Path(path).read_text().strip()} if path else set()
    except OSError:
        return set()
