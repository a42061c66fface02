"""What a host's own credentials do: at the tenant's database and cache, at the vault, at the guardrail."""

import http.client
import json
import os
import ssl
from pathlib import Path
from typing import Any

from stacks.verification.on_host.commands import run

SERVICE_FILE = "/etc/tenantry/pg_service.conf"
CACHE_FILE = "/etc/tenantry/cache.env"
SETTINGS = Path("/etc/tenantry/host.json")
IDENTITY = Path("/var/lib/tenantry/identity/identity.pem")
TOKEN = IDENTITY.with_name("vault-token")
SECONDS = 10

NEAREST = """\
\\set ON_ERROR_STOP on
SET client_min_messages = warning;
BEGIN;
CREATE TABLE memory.tenantry_probe (id int PRIMARY KEY, embedding vector(3));
INSERT INTO memory.tenantry_probe
  SELECT n, ARRAY[sin(n), cos(n), n / 5000.0]::vector FROM generate_series(1, 5000) AS n;
CREATE INDEX ON memory.tenantry_probe USING hnsw (embedding vector_l2_ops) WITH (m = 4);
ANALYZE memory.tenantry_probe;
EXPLAIN SELECT id FROM memory.tenantry_probe ORDER BY embedding <-> '[0.8414,0.5403,0.0002]' LIMIT 1;
SELECT 'nearest=' || id FROM
  (SELECT id FROM memory.tenantry_probe ORDER BY embedding <-> '[0.8414,0.5403,0.0002]' LIMIT 1) AS found;
ROLLBACK;
"""
"""Of 5000 points on a helix the first is the nearest; the index is used because it is cheaper, not by
force.
"""


def database() -> dict[str, Any]:
    """A nearest-neighbour query by this host's own credentials, in a transaction that is rolled back."""
    if not Path(SERVICE_FILE).exists():
        return {"code": -1, "out": "", "err": f"no {SERVICE_FILE}"}
    environment = os.environ | {"PGSERVICEFILE": SERVICE_FILE, "PGSERVICE": "tenant"}
    return run("psql", "--no-psqlrc", "-qAt", "-f", "-", input=NEAREST, env=environment)


def cache() -> dict[str, Any]:
    """PING over TLS. The password goes by the environment, where redis-cli looks for it."""
    try:
        lines = Path(CACHE_FILE).read_text().splitlines()
    except OSError:
        return {"code": -1, "out": "", "err": f"no {CACHE_FILE}"}
    known = dict(line.split("=", 1) for line in lines if "=" in line)
    command = ["redis-cli", "--tls", "--cacert", known["CACHE_CA"], "-h", known["CACHE_HOST"]]
    command += [
        "--sni",
        known["CACHE_HOST"],
        "-p",
        known["CACHE_PORT"],
        "--user",
        known["CACHE_USER"],
        "PING",
    ]
    return run(*command, env=os.environ | {"REDISCLI_AUTH": known["REDISCLI_AUTH"]})


def vault(question: dict[str, Any]) -> dict[str, Any]:
    """The status of reading each path by this host's own token; None for all when it has no token."""
    if not SETTINGS.exists() or not TOKEN.exists():
        return {"statuses": None}
    settings = json.loads(SETTINGS.read_text())["vault"]
    context = ssl.create_default_context(cafile=settings["certificate"])
    server = http.client.HTTPSConnection(
        settings["address"].removeprefix("https://"), timeout=SECONDS, context=context
    )
    statuses = {}
    for path in question["reads"]:
        server.request("GET", f"/v1/{path}", headers={"X-Vault-Token": TOKEN.read_text().strip()})
        answer = server.getresponse()
        answer.read()
        statuses[path] = answer.status
    server.close()
    return {"statuses": statuses}


def guardrail() -> dict[str, Any]:
    """What the guardrail answers this agent: with its certificate, and without one."""
    if not SETTINGS.exists() or not IDENTITY.exists():
        return {"with_certificate": "no certificate", "without_certificate": "not tried"}
    settings = json.loads(SETTINGS.read_text())
    own = ssl.create_default_context(cafile=settings["tenant_ca"])
    own.load_cert_chain(IDENTITY)
    nobody = ssl.create_default_context(cafile=settings["tenant_ca"])
    return {
        "with_certificate": _health(settings["guardrail"], own),
        "without_certificate": _health(settings["guardrail"], nobody),
    }


def _health(host: str, context: ssl.SSLContext) -> int | str:
    server = http.client.HTTPSConnection(host, 8443, timeout=SECONDS, context=context)
    try:
        server.request("GET", "/v1/health")
        return server.getresponse().status
    except OSError as error:
        return type(error).__name__
    finally:
        server.close()
