import json
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from components.cloud_init.kernel import SYSCTL
from components.flows import Endpoint, rules_of
from stacks.verification import access_checks, checks, service_checks
from stacks.verification.hosts import Member

MESH = "100.64.0.5"
HOST = Member(
    tenant="acme",
    tier=Endpoint.GUARDRAIL,
    name="acme-guardrail-1",
    address="10.32.0.2",
    mesh_address=MESH,
    host_key="ssh-ed25519 AAAA",
)

UFW = """\
Status: active
Logging: on (low)
Default: deny (incoming), deny (outgoing), disabled (routed)
New profiles: skip

To                         Action      From
--                         ------      ----
"""


def _ufw(rules: list[tuple[str, str, str]]) -> str:
    lines = [
        f"10.32.0.0/24 {port}     ALLOW {way}     Anywhere      # {comment}" for port, way, comment in rules
    ]
    return UFW + "\n".join(lines)


def _rules() -> list[tuple[str, str, str]]:
    return [
        (str(rule.port), "IN" if rule.direction == "inbound" else "OUT", f"{rule.peer.value}: {rule.why}")
        for rule in rules_of(HOST.tier)
    ]


LISTENING = f"""\
tcp LISTEN 0 128 {MESH}:22 0.0.0.0:* users:(("sshd",pid=9,fd=3))
tcp LISTEN 0 128 {MESH}:9443 0.0.0.0:* users:(("python3",pid=8,fd=3))
tcp LISTEN 0 128 10.32.0.2:8443 0.0.0.0:* users:(("python3",pid=7,fd=3))
tcp LISTEN 0 128 {MESH}:40123 0.0.0.0:* users:(("tailscaled",pid=6,fd=3))
udp UNCONN 0 0 0.0.0.0:41641 0.0.0.0:* users:(("tailscaled",pid=6,fd=4))
tcp LISTEN 0 5 127.0.0.1:5000 0.0.0.0:* users:(("x",pid=5,fd=3))
"""


def _certificate(*, begun: timedelta, left: timedelta, name: str = HOST.name) -> str:
    def shown(moment: datetime) -> str:
        return moment.strftime("%b %d %H:%M:%S %Y GMT")

    now = datetime.now(UTC)
    return f"notBefore={shown(now - begun)}\nnotAfter={shown(now + left)}\nsubject=CN = {name}"


def _mesh(**changes: Any) -> str:
    return json.dumps(
        {"BackendState": "Running", "Self": {"TailscaleIPs": [MESH], "Online": True}, **changes}
    )


def _facts(**changes: Any) -> dict[str, Any]:
    rules = "\n".join(f"-w {path} -p wa -k x" for path in checks.AUDITED)
    sshd = "\n".join(f"{key} {value}" for key, value in access_checks.SSHD.items())
    return {
        "cloud_init": {"finished": True, "errors": []},
        "failed_units": "",
        "own_units": "tenantry-host.service loaded active running",
        "ufw": _ufw(_rules()),
        "sshd": f"listenaddress {MESH}:22\n{sshd}",
        "jail": "Currently banned: 0",
        "listening": LISTENING,
        "mesh": _mesh(),
        "metadata_as_nobody": 7,
        "audit_rules": rules,
        "sysctl": {name: str(value) for name, value in SYSCTL.items()},
        "secret_modes": {"/etc/tenantry/pg_service.conf": "600"},
        "certificate": _certificate(begun=timedelta(hours=1), left=timedelta(hours=7)),
        "upgrades": 'APT::Periodic::Unattended-Upgrade "1";',
        "upgrade_timer": "enabled",
        "clock": time.time(),
        "heard": time.time(),
        "disk_used": 0.2,
        **changes,
    }


def test_a_host_that_is_as_it_should_be_passes_every_check() -> None:
    failed = [each for each in checks.of_host(HOST, _facts()) if not each.passed]
    assert not failed, "nothing to object to"


@pytest.mark.parametrize(
    ("changes", "check", "detail"),
    [
        ({"cloud_init": {"finished": False, "errors": [], "stage": "running"}}, "cloud-init", "running"),
        ({"cloud_init": {"finished": True, "errors": ["runcmd"]}}, "cloud-init", "runcmd"),
        ({"failed_units": "x.service loaded failed failed X"}, "failed units", "x.service"),
        ({"ufw": "Status: inactive"}, "UFW", "isn't active"),
        ({"ufw": _ufw(_rules()[1:])}, "UFW", "missing rule"),
        ({"ufw": _ufw([*_rules(), ("22/tcp", "IN", "mine")])}, "UFW", "that the table lacks: 22/tcp"),
        ({"ufw": _ufw(_rules()) + "\nAnywhere    ALLOW IN    Anywhere"}, "UFW", "understood"),
        ({"sshd": f"listenaddress {MESH}:22\npermitrootlogin yes"}, "sshd", "permitrootlogin is 'yes'"),
        ({"sshd": _facts()["sshd"] + "\nlistenaddress 10.32.0.2:22"}, "sshd", "10.32.0.2"),
        ({"jail": ""}, "fail2ban", "no jail"),
        ({"listening": LISTENING + "udp UNCONN 0 0 0.0.0.0:68 0.0.0.0:*"}, "listens", "68/udp"),
        ({"listening": LISTENING + "tcp LISTEN 0 5 [::]:8080 [::]:*"}, "listens", "8080/tcp"),
        (
            {"listening": LISTENING.replace("tcp LISTEN 0 128 10.32.0.2:8443", "tcp LISTEN 0 1 127.0.0.1:1")},
            "listens",
            "nothing listens on 10.32.0.2:8443",
        ),
        ({"listening": LISTENING.replace(f"{MESH}:40123", "10.32.0.2:40123")}, "listens", "40123"),
        ({"mesh": ""}, "mesh", "does not answer"),
        ({"mesh": _mesh(BackendState="NeedsLogin")}, "mesh", "NeedsLogin"),
        ({"mesh": _mesh(Self={"TailscaleIPs": ["100.64.0.9"], "Online": True})}, "mesh", "100.64.0.9"),
        ({"mesh": _mesh(Self={"TailscaleIPs": [MESH], "Online": False})}, "mesh", "not connected"),
        ({"metadata_as_nobody": 0}, "metadata", "any user"),
        ({"certificate": ""}, "certificate", "no certificate"),
        (
            {"certificate": _certificate(begun=timedelta(hours=8), left=timedelta(hours=1))},
            "certificate",
            "11%",
        ),
        (
            {"certificate": _certificate(begun=timedelta(hours=9), left=-timedelta(hours=1))},
            "certificate",
            "%",
        ),
        (
            {
                "certificate": _certificate(
                    begun=timedelta(0), left=timedelta(hours=8), name="globex-guardrail-1"
                )
            },
            "certificate",
            "another's",
        ),
        ({"upgrades": ""}, "upgrades", "not configured"),
        ({"upgrade_timer": "masked"}, "upgrades", "'masked'"),
        ({"clock": time.time() - 60}, "clock", "differs"),
        ({"disk_used": 0.95}, "disk", "95%"),
        ({"own_units": ""}, "units", "no unit of Tenantry's"),
        ({"audit_rules": ""}, "audit", "/etc/shadow"),
        ({"sysctl": {}}, "kernel", "rp_filter is None"),
        ({"secret_modes": {"/etc/tenantry/cache.env": "644"}}, "credentials", "644"),
    ],
)
def test_what_is_wrong_fails_its_own_check_alone(changes: dict[str, Any], check: str, detail: str) -> None:
    failed = [each for each in checks.of_host(HOST, _facts(**changes)) if not each.passed]
    assert len(failed) == 1, f"one thing is wrong, {failed} is objected to"
    assert check in failed[0].check, "the right check says so"
    assert detail in failed[0].detail, "and what it found"


def test_a_rule_for_several_ranges_is_one_of_the_table() -> None:
    rules = _rules()
    several = _facts(ufw=_ufw([*rules, rules[-1]]))
    assert not [each for each in checks.of_host(HOST, several) if not each.passed], "relays are many"


def test_a_public_interface_is_objected_to() -> None:
    host = replace(HOST, is_public=True)
    failed = [each.check for each in checks.of_host(host, _facts()) if not each.passed]
    assert failed == ["no public interface"], "no exposed ports"


PLAN = """\
Limit  (cost=1)
  ->  Index Scan using tenantry_probe_embedding_idx on tenantry_probe  (cost=1)
nearest=1
"""


@pytest.mark.parametrize(
    ("answer", "objection"),
    [
        ({"code": 0, "out": PLAN, "err": ""}, None),
        ({"code": 0, "out": PLAN.replace("Index Scan using", "Seq Scan"), "err": ""}, "HNSW"),
        (
            {"code": 0, "out": PLAN.replace("nearest=1", "nearest=2"), "err": ""},
            "first",
        ),
        ({"code": 3, "out": "", "err": "permission denied"}, "permission denied"),
    ],
)
def test_a_query_must_find_the_nearest_by_the_index(answer: dict[str, Any], objection: str | None) -> None:
    objections = service_checks.nearest_neighbour(answer)
    assert bool(objections) == (objection is not None), "and nothing else is objected to"
    assert objection is None or objection in objections[0], "the objection says what is wrong"


def test_a_cache_answers_pong() -> None:
    assert not service_checks.pong({"code": 0, "out": "PONG", "err": ""}), "as it should"
    assert service_checks.pong({"code": 1, "out": "", "err": "certificate verify failed"}), (
        "anything else is wrong"
    )


def test_an_agent_is_known_by_its_certificate_alone() -> None:
    right = {"with_certificate": 200, "without_certificate": "SSLError"}
    assert not service_checks.mutual_tls(right), "as it should"
    assert service_checks.mutual_tls({**right, "with_certificate": 403}), "its own certificate must do"
    assert service_checks.mutual_tls({**right, "without_certificate": 200}), "and nobody is let in without"


@pytest.mark.parametrize(
    ("statuses", "objection"),
    [
        ({"own": 200, "other": 403}, None),
        ({"own": 404, "other": 403}, None),
        ({"own": 403, "other": 403}, "own ends with 403"),
        ({"own": 200, "other": 404}, "other ends with 404"),
        (None, "no token"),
    ],
)
def test_a_guardrail_reads_its_own_tenant_s_keys_alone(
    statuses: dict[str, int] | None, objection: str | None
) -> None:
    objections = service_checks.vault_rights({"statuses": statuses}, frozenset({"own"}))
    assert bool(objections) == (objection is not None), "and nothing else is objected to"
    assert objection is None or objection in objections[0], "the objection says what is wrong"
