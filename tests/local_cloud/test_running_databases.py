"""Database clusters through the API, on real engines: a change takes effect, what dies comes back."""

import base64
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest
from real_cloud import LocalCloud, eventually

from local_cloud.lifecycle.state import Supervisor

pytestmark = pytest.mark.end_to_end

SHOW = """
import json, psycopg, sys
given = json.load(sys.stdin)
with psycopg.connect(**given["login"], sslmode="verify-full", connect_timeout=5) as session:
    print(json.dumps([session.execute(f"SHOW {name}").fetchone()[0] for name in given["names"]]))
"""
INFO = """
import json, ssl, sys, valkey
given = json.load(sys.stdin)
login = given["login"]
client = valkey.Valkey(
    host=login["hostaddr"], port=login["port"], username=login["user"], password=login["password"],
    ssl=True, ssl_ca_certs=login["sslrootcert"], socket_timeout=5,
)
print(json.dumps([client.info()[name] for name in given["names"]]))
"""


class Cluster:
    """A cluster of the local cloud, online, asked from its own network as a tenant asks it."""

    def __init__(self, cloud: LocalCloud, directory: Path, engine: str) -> None:
        self.cloud = cloud
        self._api = httpx.Client(
            base_url=cloud.url, headers={"Authorization": f"Bearer {cloud.token}"}, timeout=120
        )
        order = {"name": f"joints-{engine}", "engine": engine, "region": "nyc3", "num_nodes": 1}
        answer = self._api.post("/v2/databases", json={**order, "size": "db-s-1vcpu-1gb"})
        assert answer.status_code == 201, answer.text
        self.id = answer.json()["database"]["id"]
        self.wait_until_online()
        connection = self.described()["private_connection"]
        authority = directory / f"{engine}.pem"
        authority.write_bytes(base64.b64decode(self.get("/ca")["ca"]["certificate"]))
        self._login = {
            "host": connection["host"],
            "hostaddr": cloud.exec("getent", "hosts", connection["host"]).stdout.split()[0],
            "port": connection["port"],
            "user": connection["user"],
            "password": connection["password"],
            "sslrootcert": str(authority),
        }
        if engine == "pg":
            self._login["dbname"] = connection["database"]

    def get(self, path: str = "") -> dict[str, Any]:
        found: dict[str, Any] = self._api.get(f"/v2/databases/{self.id}{path}").raise_for_status().json()
        return found

    def described(self) -> dict[str, Any]:
        described: dict[str, Any] = self.get()["database"]
        return described

    def send(self, method: str, path: str, body: dict[str, Any]) -> httpx.Response:
        return self._api.request(method, f"/v2/databases/{self.id}{path}", json=body)

    def wait_until_online(self) -> None:
        eventually(lambda: bool(self.described()["status"] == "online"), "the cluster's start", 120)

    def resize(self, size: str) -> None:
        self.send("PUT", "/resize", {"size": size, "num_nodes": 1}).raise_for_status()
        self.wait_until_online()

    def asked(self, program: str, *names: str) -> list[Any] | None:
        """What the engine says to a client; None when it doesn't answer."""
        network = Supervisor.running(self.cloud.state_dir).root / f"run/netns/db-{self.id}"
        result = subprocess.run(
            ["nsenter", f"--net={network}", sys.executable, "-c", program],
            input=json.dumps({"login": self._login, "names": names}),
            capture_output=True,
            text=True,
            check=False,
        )
        return list(json.loads(result.stdout)) if result.returncode == 0 else None

    def kill_minus_9(self, program: str) -> None:
        """The server's first process, found by the control group that is its own."""
        group = f"local-cloud-*/database-{self.id}-*/inside/cgroup.procs"
        groups = [file for place in (group, f"*/{group}") for file in Path("/sys/fs/cgroup").glob(place)]
        pids = {int(pid) for group in groups for pid in group.read_text().split()}
        server = next(pid for pid in sorted(pids) if Path(f"/proc/{pid}/comm").read_text().strip() == program)
        subprocess.run(["kill", "-KILL", str(server)], check=True)

    def delete(self) -> None:
        self._api.delete(f"/v2/databases/{self.id}")
        self._api.close()


def test_postgresql_is_changed_while_it_runs_and_heals_by_itself(cloud: LocalCloud, tmp_path: Path) -> None:
    pg = Cluster(cloud, tmp_path, "pg")
    try:
        assert pg.asked(SHOW, "work_mem", "max_connections") == ["4MB", "25"]
        config = {"work_mem": 8, "autovacuum_naptime": 30, "temp_file_limit": 1 << 20, "timezone": "UTC"}
        assert pg.send("PATCH", "/config", {"config": config}).status_code == 200
        assert pg.asked(SHOW, "work_mem", "autovacuum_naptime", "temp_file_limit", "timezone") == [
            "8MB",
            "30s",
            "1GB",
            "UTC",
        ]
        assert pg.send("PATCH", "/config", {"config": {"max_locks_per_transaction": 128}}).status_code == 200
        assert pg.asked(SHOW, "max_locks_per_transaction", "work_mem") == ["128", "8MB"], "also by a restart"
        refused = pg.send("PATCH", "/config", {"config": {"work_mem": 0}})
        assert refused.status_code == 500
        assert "work_mem" in refused.json()["message"], "it says which setting can't be"
        assert pg.asked(SHOW, "work_mem") == ["8MB"], "what the server does not take changes nothing"
        pg.resize("db-s-1vcpu-2gb")
        assert pg.asked(SHOW, "max_connections", "shared_buffers", "work_mem") == ["50", "128MB", "8MB"]
        pg.kill_minus_9("postgres")
        eventually(lambda: pg.asked(SHOW, "work_mem") == ["8MB"], "its new start")
        log = cloud.state_dir / "supervisor.log"
        eventually(lambda: f"database cluster {pg.id} runs again" in log.read_text(), "its keeper's word")
        assert f"database cluster {pg.id} has ended by itself" in log.read_text()
    finally:
        pg.delete()


def test_valkey_is_changed_while_it_runs_and_heals_by_itself(cloud: LocalCloud, tmp_path: Path) -> None:
    cache = Cluster(cloud, tmp_path, "valkey")
    names = ("maxmemory_policy", "maxmemory", "process_id")
    try:
        before = cache.asked(INFO, "run_id", *names)
        assert before is not None
        assert before[1:3] == ["noeviction", 716 << 20]
        answer = cache.send("PUT", "/eviction_policy", {"eviction_policy": "allkeys_lru"})
        assert answer.status_code == 204, answer.text
        cache.resize("db-s-1vcpu-2gb")
        after = cache.asked(INFO, "run_id", *names)
        assert after == [before[0], "allkeys-lru", 1433 << 20, before[3]], "without a restart"
        config = {"valkey_maxmemory_policy": "volatile-lfu", "valkey_number_of_databases": 4}
        assert cache.send("PATCH", "/config", {"config": config}).status_code == 200
        assert cache.asked(INFO, "maxmemory_policy") == ["volatile-lfu"]
        assert cache.get("/eviction_policy")["eviction_policy"] == "volatile_lfu", "it is one setting"
        cache.kill_minus_9("valkey-server")
        eventually(lambda: cache.asked(INFO, "maxmemory_policy") == ["volatile-lfu"], "its new start")
    finally:
        cache.delete()
