"""Somebody has root on an agent of acme's: what there is to be had from there, and what is not."""

import json
import re

import pytest
from platform_driver import Platform

pytestmark = pytest.mark.end_to_end

AGENT = "acme-agent-writer-1"


def _root(platform: Platform, script: str, *, check: bool = False) -> tuple[int, str]:
    done = platform.cloud.console(AGENT, "bash", "-c", script, check=check)
    return done.returncode, done.stdout + done.stderr


def _connects(platform: Platform, address: str, port: int) -> bool:
    code, _ = _root(platform, f"timeout 3 bash -c 'exec 3<>/dev/tcp/{address}/{port}'")
    return code == 0


def test_nothing_of_globex_is_reached(deployed: Platform) -> None:
    devices = [device.address for device in deployed.devices("globex")]
    private = [host.private_address for host in deployed.inventory.hosts("globex")]
    assert len(devices) == len(private) == 2, "an agent and a guardrail"
    for address in (*devices, *private):
        assert not _connects(deployed, str(address), 22), f"{address} is another tenant's"
        assert not _connects(deployed, str(address), 8443), f"{address} is another tenant's"


def test_even_without_its_own_firewall_no_model_api_is_reached(deployed: Platform) -> None:
    _root(deployed, "ufw disable", check=True)
    try:
        assert not _connects(deployed, "1.1.1.1", 443), "the cloud firewall is outside the host"
        assert not _connects(deployed, "1.1.1.1", 53), "nor a resolver, which is a tunnel"
        code, _ = _root(deployed, "curl --silent --max-time 3 https://api.openai.com")
        assert code != 0, "nor by name: a host has no DNS"
    finally:
        _root(deployed, "ufw --force enable", check=True)


def test_no_key_of_the_vault_is_to_be_had(deployed: Platform) -> None:
    (vault,) = (
        each
        for each in deployed.tailscale("GET", "/tailnet/-/devices")["devices"]
        if "tag:vault" in (each.get("tags") or ())
    )
    assert not _connects(deployed, vault["addresses"][0], 8200), "the tailnet has no such flow"
    code, _ = _root(deployed, "test -e /var/lib/tenantry/identity/vault-token")
    assert code != 0, "an agent keeps no token"


def test_the_guardrail_gives_an_agent_no_key_but_its_own_volume_s(deployed: Platform) -> None:
    ask = (
        "curl --silent --output /dev/null --write-out '%{http_code} ' --cacert /etc/tenantry/tenant-ca.crt "
        "--cert /var/lib/tenantry/identity/identity.pem https://guardrail.acme.tenantry.internal:8443"
    )
    _, said = _root(
        deployed, f"{ask}/v1/tenants/acme/keys/data/providers/anthropic; {ask}/v1/keys; {ask}/v1/health"
    )
    assert said.split() == ["404", "404", "200"], "it is no proxy of the vault's"


def test_the_metadata_has_nothing_that_helps(deployed: Platform) -> None:
    _, said = _root(deployed, "curl --silent http://169.254.169.254/metadata/v1/user-data", check=True)
    state = json.loads(deployed.pulumi("stack", "export", "--stack", "acme").stdout)
    (key,) = (r["id"] for r in state["deployment"]["resources"] if r["urn"].endswith(f"::{AGENT}-mesh-key"))
    assert deployed.tailscale("GET", f"/tailnet/-/keys/{key}")["invalid"], "its key to the mesh is spent"
    words = set(re.findall(r"(?i)\b(?:password|secret|token)\s*[:=]\s*\S+", said))
    assert not words, "and nothing else in it is a credential"


def test_no_other_agent_s_files_are_reached(deployed: Platform) -> None:
    others = [host for host in deployed.inventory.hosts("acme") if host.name != AGENT]
    for host in others:
        assert not _connects(deployed, str(host.private_address), 22), f"{host.name} is another host"
    _, mounts = _root(deployed, "findmnt --noheadings --list --output SOURCE,TARGET; ls /var/lib", check=True)
    assert not [host.name for host in others if host.name in mounts], "nothing of theirs is here"
