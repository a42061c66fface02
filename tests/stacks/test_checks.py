from typing import Any

import pytest

from components.cloud_init.kernel import SYSCTL
from components.flows import Endpoint, rules_of
from stacks.verification import checks
from stacks.verification.hosts import Member

HOST = Member(tenant="acme", tier=Endpoint.GUARDRAIL, name="acme-guardrail-1", address="10.32.0.2")

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


def _facts(**changes: Any) -> dict[str, Any]:
    rules = "\n".join(f"-w {path} -p wa -k x" for path in checks.AUDITED)
    return {
        "cloud_init": {"finished": True, "errors": []},
        "failed_units": "",
        "ufw": _ufw(_rules()),
        "sshd": "\n".join(f"{key} {value}" for key, value in checks.SSHD.items()),
        "fail2ban": "active",
        "listening": "tcp LISTEN 0 128 0.0.0.0:22 0.0.0.0:*\ntcp LISTEN 0 5 127.0.0.1:5000 0.0.0.0:*",
        "audit_rules": rules,
        "sysctl": {name: str(value) for name, value in SYSCTL.items()},
        "secret_modes": {"/etc/tenantry/pg_service.conf": "0o600"},
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
        ({"sshd": "permitrootlogin yes"}, "sshd", "permitrootlogin is 'yes'"),
        ({"fail2ban": "failed"}, "fail2ban", "'failed'"),
        ({"listening": "udp UNCONN 0 0 0.0.0.0:68 0.0.0.0:*"}, "listens", "68/udp"),
        ({"listening": "tcp LISTEN 0 5 [::]:8080 [::]:*"}, "listens", "8080/tcp"),
        ({"audit_rules": ""}, "audit", "/etc/shadow"),
        ({"sysctl": {}}, "kernel", "rp_filter is None"),
        ({"secret_modes": {"/etc/tenantry/cache.env": "0o644"}}, "credentials", "0o644"),
    ],
)
def test_what_is_wrong_fails_its_own_check_alone(changes: dict[str, Any], check: str, detail: str) -> None:
    failed = [each for each in checks.of_host(HOST, _facts(**changes)) if not each.passed]
    assert len(failed) == 1, f"one thing is wrong, {failed} is objected to"
    assert check in failed[0].check, "the right check says so"
    assert detail in failed[0].detail, "and what it found"


def test_a_public_interface_is_objected_to() -> None:
    host = Member(tenant="acme", tier=HOST.tier, name=HOST.name, address=HOST.address, is_public=True)
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
    objections = checks.nearest_neighbour(answer)
    assert bool(objections) == (objection is not None), "and nothing else is objected to"
    assert objection is None or objection in objections[0], "the objection says what is wrong"


def test_a_cache_answers_pong() -> None:
    assert not checks.pong({"code": 0, "out": "PONG", "err": ""}), "as it should"
    assert checks.pong({"code": 1, "out": "", "err": "certificate verify failed"}), "anything else is wrong"
