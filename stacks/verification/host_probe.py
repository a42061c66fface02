"""Runs inside a host, through its console: answers questions about it, listens, and tries connections.

It reads one question a line from standard input and prints one answer a line, both JSON. It needs Python's
standard library alone, prints no secret, and ends with its input, or by itself after LIFETIME.
"""

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

LIFETIME = 900
"""Seconds after which the probe ends whatever happens, so that no listener of its is left behind."""

EVERYWHERE = "0.0.0.0"  # noqa: S104 - a listener that none can reach proves nothing
BANNER = b"tenantry-probe\n"
RESULT = Path("/run/cloud-init/result.json")
SERVICE_FILE = "/etc/tenantry/pg_service.conf"
CACHE_FILE = "/etc/tenantry/cache.env"

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


def run(*command: str, **options: Any) -> dict[str, Any]:
    """A command's exit code and what it said."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, **options)
    except (OSError, subprocess.TimeoutExpired) as error:
        return {"code": -1, "out": "", "err": f"{type(error).__name__}: {command[0]}"}
    return {"code": done.returncode, "out": done.stdout.strip(), "err": done.stderr.strip()[-500:]}


def cloud_init(seconds: float) -> dict[str, Any]:
    """Wait for the first boot to end."""
    deadline = time.monotonic() + seconds
    while not RESULT.exists():
        if time.monotonic() > deadline:
            stage = run("cloud-init", "status", "--long")["out"]
            return {"finished": False, "errors": [], "stage": stage}
        time.sleep(0.1)
    with suppress(OSError, ValueError, KeyError):
        return {"finished": True, "errors": json.loads(RESULT.read_text())["v1"]["errors"]}
    return {"finished": False, "errors": [], "stage": f"{RESULT} can't be read"}


def kernel_setting(name: str) -> str | None:
    """A sysctl as it is now."""
    try:
        return Path("/proc/sys", *name.split(".")).read_text().strip()
    except OSError:
        return None


def facts(question: dict[str, Any]) -> dict[str, Any]:
    """What the host's checks are made from."""
    booted = cloud_init(question["boot_seconds"])
    return {
        "cloud_init": booted,
        "failed_units": run("systemctl", "list-units", "--failed", "--plain", "--no-legend")["out"],
        "ufw": run("ufw", "status", "verbose")["out"],
        "sshd": run("sshd", "-T")["out"],
        "fail2ban": run("systemctl", "is-active", "fail2ban.service")["out"],
        "listening": run("ss", "-H", "-t", "-u", "-l", "-n")["out"],
        "audit_rules": "\n".join(
            path.read_text() for path in sorted(Path("/etc/audit/rules.d").glob("*.rules"))
        ),
        "sysctl": {name: kernel_setting(name) for name in question["sysctl"]},
        "secret_modes": {
            str(path): oct(path.stat().st_mode & 0o777)
            for path in (Path(SERVICE_FILE), Path(CACHE_FILE))
            if path.exists()
        },
        "container": run("systemd-detect-virt", "--container")["out"],
    }


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


class Datagrams(asyncio.DatagramProtocol):
    """Answers every datagram with the banner."""

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, address: Any) -> None:
        del data
        self.transport.sendto(BANNER, address)


class Answer(asyncio.DatagramProtocol):
    """Keeps the first datagram that comes, or the error."""

    def __init__(self) -> None:
        self.came: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    def datagram_received(self, data: bytes, address: Any) -> None:
        del address
        if not self.came.done():
            self.came.set_result(data)

    def error_received(self, exc: Exception) -> None:
        if not self.came.done():
            self.came.set_exception(exc)


async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Say the banner to whoever connects."""
    del reader
    with suppress(OSError):
        writer.write(BANNER)
        await writer.drain()
    writer.close()


async def listen(question: dict[str, Any]) -> dict[str, Any]:
    """Listen on every port that is free; one that isn't has a real listener already."""
    bound, taken = [], []
    for protocol, port in question["ports"]:
        try:
            if protocol == "tcp":
                await asyncio.start_server(greet, EVERYWHERE, port)
            else:
                loop = asyncio.get_running_loop()
                await loop.create_datagram_endpoint(Datagrams, local_addr=(EVERYWHERE, port))
            bound.append([protocol, port])
        except OSError:
            taken.append([protocol, port])
    return {"bound": bound, "taken": taken}


async def over_tcp(address: str, port: int) -> str:
    """`answered` when bytes came, `open` when a connection was made."""
    reader, writer = await asyncio.open_connection(address, port)
    try:
        came = await asyncio.wait_for(reader.read(len(BANNER)), 1)
    except (TimeoutError, OSError):
        came = b""
    finally:
        writer.close()
    return "answered" if came else "open"


async def over_udp(address: str, port: int) -> str:
    """`answered` when a datagram came back."""
    loop = asyncio.get_running_loop()
    transport, protocol = await loop.create_datagram_endpoint(Answer, remote_addr=(address, port))
    try:
        transport.sendto(BANNER)
        await protocol.came
    finally:
        transport.close()
    return "answered"


async def attempt(target: list[Any]) -> str:
    """How one connection ended: answered, open, refused, silent, or unreachable."""
    protocol, address, port, seconds = target
    try:
        async with asyncio.timeout(seconds):
            return await (over_tcp if protocol == "tcp" else over_udp)(address, port)
    except TimeoutError:
        return "silent"
    except ConnectionRefusedError:
        return "refused"
    except OSError:
        return "unreachable"


async def connect(question: dict[str, Any]) -> dict[str, Any]:
    """All attempts at once."""
    return {"results": await asyncio.gather(*(attempt(target) for target in question["targets"]))}


async def answer(question: dict[str, Any]) -> dict[str, Any]:
    """What a question asks to do."""
    match question["do"]:
        case "facts":
            return await asyncio.to_thread(facts, question)
        case "database":
            return await asyncio.to_thread(database)
        case "cache":
            return await asyncio.to_thread(cache)
        case "listen":
            return await listen(question)
        case "connect":
            return await connect(question)
    return {"error": f"unknown question {question['do']!r}"}


async def main() -> None:
    """Answer until the input ends."""
    signal.alarm(LIFETIME)
    while line := await asyncio.to_thread(sys.stdin.buffer.readline):
        reply = json.dumps(await answer(json.loads(line)))
        sys.stdout.write(re.sub(r"(?i)password=\S+", "password=[secret]", reply) + "\n")
        sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    asyncio.run(main())
