"""Every secret of a run, looked for everywhere that it has no business to be, and found nowhere."""

import base64
import json
import os
import re
import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest
from platform_driver import Platform
from secret_search import ProcessList, found_in_files, found_in_text, in_state

pytestmark = pytest.mark.end_to_end

TENANTS = ("acme", "globex")
OWN_PLACES = ("etc/tenantry", "var/lib/tenantry", "var/lib/tailscale", "etc/ssh")
"""Where a host keeps what is its own; who may read it is checked by `stacks.verify`."""
ONE_TIME = re.compile(rb"\b(?:hv[sb]|s|b)\.[A-Za-z0-9_-]{24,}")
"""A token of the vault's, wrapped or not: those that worked once are known to nobody any more."""


@pytest.fixture(scope="module")
def customers_key(deployed: Platform, watched: ProcessList) -> str:
    """Written as a customer would, with the one documented command."""
    del watched
    key = f"sk-test-{secrets.token_hex(24)}"
    done = deployed.run("sh", "-c", "python -m stacks.keys set acme anthropic", stdin=f"{key}\n")
    assert key not in done.stdout + done.stderr, "the command says that it is there, not what it is"
    return key


@pytest.fixture(scope="module")
def known(deployed: Platform, customers_key: str) -> set[str]:
    """Every secret that this run has made, by its value."""
    state_dir = deployed.cloud.state_dir
    vault = json.loads((state_dir / "vault" / "init.json").read_text())
    found = {customers_key, deployed.token, deployed.cloud.token, *_texts(vault)}
    found |= {
        (state_dir / name).read_text().strip() for name in ("tailscale-api-key", "vault/operator-token")
    }
    for stack in ("platform", *TENANTS):
        exported = deployed.pulumi("stack", "export", "--stack", stack, "--show-secrets").stdout
        found |= in_state(json.loads(exported))
    for host in _hosts(deployed):
        for path in ("identity.pem", "vault-token"):
            command = f"cat /var/lib/tenantry/identity/{path} 2>/dev/null || true"
            found |= set(_lines(deployed.cloud.console(host, "sh", "-c", command).stdout))
    return {secret for secret in found if len(secret) >= 12}


def _texts(value: object) -> Iterator[str]:
    match value:
        case str():
            yield value
        case dict():
            for each in value.values():
                yield from _texts(each)
        case list():
            for each in value:
                yield from _texts(each)


def _lines(text: str) -> Iterator[str]:
    """A token, or what is secret of a PEM file: the private key's lines."""
    private = re.search(r"-----BEGIN [A-Z ]*PRIVATE KEY-----\n(.*?)-----END", text, re.DOTALL)
    yield from (private[1] if private else "" if "CERTIFICATE" in text else text).split()


def _hosts(platform: Platform) -> list[str]:
    return [host.name for tenant in TENANTS for host in platform.inventory.hosts(tenant)]


def test_there_is_something_to_look_for(known: set[str]) -> None:
    assert len(known) > 25, "mesh keys, passwords, tokens, private keys, a customer's key"


def test_no_secret_was_ever_an_argument(known: set[str], watched: ProcessList) -> None:
    watched.stop()
    assert len(watched.seen) > 100, "the process list was watched from the first `up` on"
    assert found_in_text(known, b"\0".join(watched.seen)) == [], (
        "argv is readable by everybody on the machine"
    )
    assert not ONE_TIME.search(b"\0".join(watched.seen)), "nor one that worked once"


def test_no_secret_is_in_the_state_in_plaintext(deployed: Platform, known: set[str]) -> None:
    assert found_in_files(known, deployed.state, deployed.folder / "project") == [], (
        "the engine encrypts them"
    )


def test_no_secret_is_in_the_logs_of_what_is_behind_the_hosts(deployed: Platform, known: set[str]) -> None:
    state_dir = deployed.cloud.state_dir
    walk = os.walk(state_dir)  # which doesn't mind that files come and go
    logs = [Path(folder, name) for folder, _, names in walk for name in names if "log" in name]
    assert logs, "the supervisor's, the vault's, the consoles'"
    assert found_in_files(known, *logs) == [], "a log is read by more people than a key"


@pytest.mark.parametrize("tenant", TENANTS)
def test_no_secret_is_on_a_host_s_disk_but_in_its_own_place(
    deployed: Platform, known: set[str], tenant: str
) -> None:
    for host in deployed.inventory.hosts(tenant):
        layers = [
            path for path in (deployed.cloud.state_dir / "machines" / host.id).iterdir() if path.is_dir()
        ]
        own = [layer / place for layer in layers for place in OWN_PLACES]
        assert found_in_files(known, *layers, but=own) == [], f"{host.name}: cloud-init, /var/log, /tmp, …"


@pytest.mark.parametrize("tenant", TENANTS)
def test_no_secret_is_in_a_host_s_journal_or_memory_file_systems(
    deployed: Platform, known: set[str], tenant: str
) -> None:
    read = "journalctl --no-pager --output=export --all; find /run /dev/shm /tmp -xdev -type f -exec cat {} +"
    for host in deployed.inventory.hosts(tenant):
        said = deployed.cloud.console(host.name, "sh", "-c", f"({read}) 2>/dev/null | base64 -w0").stdout
        text = base64.b64decode(said)
        assert len(text) > 10_000, "there is a journal"
        assert found_in_text(known, text) == [], host.name
        assert not ONE_TIME.search(text), f"{host.name}: nor a token that worked once"


def test_the_customer_s_key_reaches_the_vault_and_the_guardrail_s_token_reads_it(
    deployed: Platform, customers_key: str
) -> None:
    read = (
        "import json, ssl, urllib.request as u; s = json.load(open('/etc/tenantry/host.json'))['vault']; "
        "t = open('/var/lib/tenantry/identity/vault-token').read().strip(); "
        "path = '/v1/tenants/acme/keys/data/providers/anthropic'; "
        "r = u.Request(s['address'] + path, headers={'X-Vault-Token': t}); "
        "c = ssl.create_default_context(cafile=s['certificate']); "
        "print(json.load(u.urlopen(r, context=c))['data']['data']['key'])"
    )
    done = deployed.cloud.console("acme-guardrail-1", "python3", "-c", read)
    assert done.stdout.strip() == customers_key, "the one identity that may"


def test_the_operator_who_writes_a_key_can_t_read_it(deployed: Platform, customers_key: str) -> None:
    del customers_key
    script = (
        "import hvac, os; v = hvac.Client(verify=os.environ['VAULT_CACERT'])\n"
        "try:\n    v.secrets.kv.v2.read_secret('providers/anthropic', mount_point='tenants/acme/keys', "
        "raise_on_deleted_version=False)\nexcept hvac.exceptions.Forbidden:\n    print('forbidden')"
    )
    assert deployed.run("python", "-c", script).stdout.strip() == "forbidden", "write alone"


def test_nothing_of_this_is_left_in_the_clone(known: set[str]) -> None:
    clone = Path(__file__).parents[2]
    assert found_in_files(known, *(clone / name for name in ("stacks", "components", "tests", "docs"))) == []
