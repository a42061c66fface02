"""What is taken for a secret, and what isn't. Everything that looks like a key is made here, at run time."""

import base64
import secrets
import string
import subprocess
import sys
import time
from uuid import uuid4

import pytest
from hardened import hardened, mesh_key, public_key

from components import bootstrap, mesh
from components.flows import Endpoint
from policies.cloud_config import cloud_config
from policies.detection import secrets_in

LETTERS = string.ascii_letters + string.digits


def made(prefix: str, length: int, alphabet: str = LETTERS) -> str:
    return prefix + "".join(secrets.choice(alphabet) for _ in range(length))


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (mesh_key(), "Tailscale Key"),
        (made("hvs.", 24), "Vault Token"),
        (made("s.", 24), "Vault Token"),
        (f"secret_id={uuid4()}", "UUID (as a vault's secret id)"),
        (made("dop_v1_", 64, "0123456789abcdef"), "DigitalOcean Token"),
        (made("AVNS_", 19), "DigitalOcean Database Password"),
        (made("sk-ant-api03-", 60), "Anthropic Key"),
        (made("sk-proj-", 60), "OpenAI Key"),
        (made("AIza", 35), "Google API Key"),
        (made("AKIA", 16, string.ascii_uppercase), "AWS Access Key"),
        (made("ghp_", 36), "GitHub Token"),
        (made("root:$6$", 60), "Password Hash"),
        ("-----BEGIN " + "RSA PRIVATE KEY-----", "Private Key"),
        (f"postgres://doadmin:{made('', 12)}@10.32.0.3:25060/tenant", "Basic Auth Credentials"),
        (f"db_password: {made('p', 9)}", "Secret Keyword"),
        (f"export API_KEY={made('k', 9)}", "Secret Keyword"),
        (secrets.token_hex(24), "Hex High Entropy String"),
        (secrets.token_urlsafe(48), "Base64 High Entropy String"),
        (base64.b64encode(secrets.token_bytes(48)).decode(), "Base64 High Entropy String"),
    ],
    ids=lambda value: value if " " in value and value.istitle() else "a text",
)
def test_a_secret_is_found_by_its_kind(text: str, kind: str) -> None:
    assert kind in secrets_in(f"first line\n    {text}\nlast line")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a plain text, and /usr/lib/python3/dist-packages/cryptography",
        "CapabilityBoundingSet=CAP_NET_ADMIN CAP_NET_RAW",
        "lock_passwd: true",
        "sudo: ALL=(ALL) NOPASSWD:ALL",
        "password=$PASSWORD",
        f"{public_key()} somebody@somewhere",
        "comment=" + b"guardrail: every model call, every way out".hex(),
    ],
    ids=lambda _: "a text",
)
def test_what_only_looks_like_one_is_none(text: str) -> None:
    assert secrets_in(text) == ()


def test_what_our_components_write_holds_none() -> None:
    commands = (bootstrap._SCRIPT + bootstrap.bootstrap_sql("tenant"), mesh._PIN)
    for text in commands:
        assert secrets_in(text) == (), "a command of ours is taken for a secret"


def test_no_line_is_forgiven_because_it_says_so() -> None:
    assert secrets_in(f"key = '{secrets.token_hex(24)}'  # pragma: allowlist secret")


def test_a_secret_in_hexadecimal_is_read() -> None:
    assert "Tailscale Key" in secrets_in(f"comment={mesh_key().encode().hex()}")


def test_a_private_key_isnt_taken_for_a_public_one() -> None:
    body = base64.b64encode(b"\0\0\0\x0bopenssh-key" + secrets.token_bytes(60)).decode()
    assert secrets_in(f"ssh-ed25519 {body}"), "it has to say of itself what it is"


def test_a_name_is_no_secret_but_hides_none() -> None:
    name = f"x7k2p9q4w1z8v5b3n6m0-agent-{made('a', 19, string.ascii_lowercase + string.digits)}-1"
    assert secrets_in(f"--hostname={name}-1f0c93ab", [name]) == ()
    assert secrets_in(f"--hostname={name} {secrets.token_hex(24)}", [name])


def test_only_kinds_are_named() -> None:
    token = secrets.token_hex(24)
    assert token not in str(secrets_in(f"password: '{token}'"))


def test_only_the_key_to_the_mesh_is_left_out_of_user_data() -> None:
    key = mesh_key()
    document = cloud_config(hardened(key=key))
    assert document
    assert document.key == key
    assert key not in "\n".join(document.everything_else())


def test_detect_secrets_isnt_imported_before_it_is_needed() -> None:
    program = "import sys, policies.rules; sys.exit('detect_secrets' in sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True)


def test_a_host_like_the_one_before_costs_milliseconds() -> None:
    texts = [hardened(tier=Endpoint.AGENT, agent=f"writer-{number}") for number in range(6)]
    secrets_in(texts[0].replace("tskey", ""))
    began = time.process_time()
    for text in texts[1:]:
        document = cloud_config(text)
        assert document
        assert secrets_in("\n".join(document.everything_else())) == ()
    each = (time.process_time() - began) / len(texts[1:])
    assert each < 0.05, f"{each * 1000:.1f} ms; it should be about 3"
