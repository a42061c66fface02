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
    """The status of reading each path by this host's own token, or the name of what went wrong.

    None for all when it has no token.
    """
    if not SETTINGS.exists() or not TOKEN.exists():
        return {"statuses": None}
    settings = json.loads(SETTINGS.read_text())["vault"]
    context = ssl.create_default_context(cafile=settings["certificate"])
    host = settings["address"].removeprefix("https://")
    headers = {"X-Vault-Token": TOKEN.read_text().strip()}
    return {"statuses": {path: _status(host, f"/v1/{path}", context, headers) for path in question["reads"]}}


def guardrail() -> dict[str, Any]:
    """What the guardrail answers this agent: with its certificate, and without one."""
    if not SETTINGS.exists() or not IDENTITY.exists():
        return {"with_certificate": "no certificate", "without_certificate": "not tried"}
    settings = json.loads(SETTINGS.read_text())
    own = ssl.create_default_context(cafile=settings["tenant_ca"])
    own.load_cert_chain(IDENTITY)
    nobody = ssl.create_default_context(cafile=settings["tenant_ca"])
    host = f"{settings['guardrail']}:8443"
    return {
        "with_certificate": _status(host, "/v1/health", own, {}),
        "without_certificate": _status(host, "/v1/health", nobody, {}),
    }


def _status(host: str, path: str, context: ssl.SSLContext, headers: dict[str, str]) -> int | str:
    server = http.client.HTTPSConnection(host, timeout=SECONDS, context=context)
    try:
        server.request("GET", path, headers=headers)
        return server.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        return type(error).__name__
    finally:
        server.close()
