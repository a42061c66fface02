"""A real PostgreSQL: TLS only, pgvector, an administrator who is no superuser, and no password in sight."""

import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest
from isolation import isolated
from stage import cluster, databases, eventually

from local_cloud.hypervisor import namespaces
from local_cloud.hypervisor.databases import Databases
from local_cloud.hypervisor.model import DatabaseCluster, HypervisorError

SECRET = "s3cr3t-of-a-user"  # pragma: allowlist secret


class Client:
    """Connects from the cluster's network, checking its certificate as a tenant does."""

    def __init__(self, clusters: Databases, of: DatabaseCluster, directory: Path) -> None:
        self._cluster = of
        self._ca = directory / "ca.pem"
        self._ca.write_text(clusters.ca_certificate(of.id))

    def connect(self, **changes: Any) -> psycopg.Connection:
        parameters: dict[str, Any] = {
            "hostaddr": str(self._cluster.interfaces[0].address.ip),
            "host": self._cluster.hostnames[0],
            "port": self._cluster.port,
            "user": "doadmin",
            "password": self._cluster.admin_password,
            "dbname": "defaultdb",
            "sslmode": "verify-full",
            "sslrootcert": str(self._ca),
            "autocommit": True,
            **changes,
        }
        with namespaces.entered(f"db-{self._cluster.id}"):
            return psycopg.connect(**parameters)

    def refusal(self, statement: Any, **parameters: Any) -> str:
        with self.connect(**parameters) as session, pytest.raises(psycopg.Error) as refused:
            session.execute(statement)
        return refused.value.diag.message_primary or ""


@isolated
def test_nearest_neighbours_are_found_by_an_hnsw_index(tmp_path: Path) -> None:
    pg = cluster("pg")
    with databases(tmp_path) as clusters:
        clusters.create_cluster(pg)
        with Client(clusters, pg, tmp_path).connect() as session:
            session.execute("CREATE EXTENSION vector")
            session.execute("CREATE TABLE memory (id int, embedding vector(3))")
            session.execute(
                "INSERT INTO memory SELECT i, ARRAY[i, i % 7, i % 11]::vector FROM generate_series(1, 2000) i"
            )
            session.execute("CREATE INDEX ON memory USING hnsw (embedding vector_l2_ops)")
            session.execute("ANALYZE memory")
            found = session.execute("SELECT id FROM memory ORDER BY embedding <-> '[700, 0, 7]' LIMIT 1")
            assert found.fetchone() == (700,), "the nearest is found"
            plan = session.execute(
                "EXPLAIN SELECT id FROM memory ORDER BY embedding <-> '[700, 0, 7]' LIMIT 1"
            ).fetchall()
            assert "memory_embedding_idx" in str(plan), f"by the index: {plan}"


@isolated
def test_only_tls_and_only_roles_of_the_tenant_get_in(tmp_path: Path) -> None:
    pg = cluster("pg")
    with databases(tmp_path) as clusters:
        clusters.create_cluster(pg)
        client = Client(clusters, pg, tmp_path)
        with client.connect() as session:
            used = session.execute("SELECT version FROM pg_stat_ssl WHERE pid = pg_backend_pid()").fetchone()
        assert used == ("TLSv1.3",), "a connection is encrypted"
        for refused, said in (
            ({"sslmode": "disable"}, "no encryption"),
            ({"user": "postgres"}, "rejects connection"),
            ({"password": "wrong"}, "password authentication failed"),  # pragma: allowlist secret
            ({"host": "another.db.ondigitalocean.com"}, "does not match host name"),
            (
                {"ssl_min_protocol_version": "TLSv1", "ssl_max_protocol_version": "TLSv1.1"},
                "SSL error|protocol",
            ),
        ):
            with pytest.raises(psycopg.OperationalError, match=said):
                client.connect(**refused)


@isolated
def test_the_administrator_is_no_superuser_and_users_have_least_rights(tmp_path: Path) -> None:
    pg = cluster("pg")
    as_agents = {"user": "agents", "password": SECRET, "dbname": "memory"}
    with databases(tmp_path) as clusters:
        clusters.create_cluster(pg)
        client = Client(clusters, pg, tmp_path)
        for forbidden in (
            "CREATE ROLE another SUPERUSER",
            "ALTER SYSTEM SET log_statement = 'all'",
            "COPY (SELECT 1) TO PROGRAM 'id'",
            "SELECT pg_read_file('/run/conf/server.key')",
            "SET ROLE postgres",
            "CREATE EXTENSION file_fdw",
        ):
            assert "permission denied" in client.refusal(forbidden), f"{forbidden} is for superusers"
        for _ in range(2):
            clusters.create_user(pg.id, "agents", SECRET)
            clusters.create_database(pg.id, "memory")
        refused = client.refusal("CREATE TABLE mine (i int)", **as_agents)
        assert refused == "permission denied for schema public", "a new user may log in, and no more"
        with client.connect(dbname="memory") as session:
            session.execute("CREATE SCHEMA work; GRANT ALL ON SCHEMA work TO agents; CREATE EXTENSION vector")
        with client.connect(**as_agents) as session:
            session.execute("CREATE TABLE work.note (v vector(2)); INSERT INTO work.note VALUES ('[1,2]')")
        clusters.delete_user(pg.id, "agents")
        clusters.delete_user(pg.id, "agents")
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            client.connect(**as_agents)
        with client.connect(dbname="memory") as session:
            assert session.execute("SELECT v FROM work.note").fetchone() == ("[1,2]",), (
                "what was theirs is kept"
            )
        clusters.delete_database(pg.id, "memory")
        with pytest.raises(psycopg.OperationalError, match='"memory" does not exist'):
            client.connect(dbname="memory")


@isolated
def test_no_password_is_in_a_file_a_log_or_a_command_line(tmp_path: Path) -> None:
    pg = cluster("pg")
    with databases(tmp_path) as clusters:
        clusters.create_cluster(pg)
        clusters.create_user(pg.id, "agents", SECRET)
        client = Client(clusters, pg, tmp_path)
        assert client.refusal(f"ALTER ROLE nobody PASSWORD '{SECRET}'"), "a statement that fails"
        commands = [line for _, line in _processes()]
        for password in (SECRET, pg.admin_password):
            found = subprocess.run(
                ["grep", "-rl", password, str(tmp_path)], capture_output=True, text=True, check=False
            )
            assert found.stdout == "", "no file of the cluster holds a password"
            assert not any(password in command for command in commands), "no command line does"
        key = tmp_path / "databases" / pg.id / "conf/server.key"
        assert key.stat().st_mode & 0o777 == 0o600, "the key of the certificate is its server's alone"
        servers = [user for user, command in _processes() if command.startswith("/run/postgresql-server/")]
        assert servers, "the server runs"
        assert "0" not in servers, "and not as root"


def _processes() -> list[tuple[str, str]]:
    listed = subprocess.run(["ps", "axo", "uid=,args="], capture_output=True, text=True, check=True)
    lines = (line.split(maxsplit=1) for line in listed.stdout.splitlines())
    return [(user, command) for user, command in lines]


@isolated
def test_data_survives_a_stop_and_a_crash_and_is_gone_after_delete(tmp_path: Path) -> None:
    pg = cluster("pg")
    with databases(tmp_path) as clusters:
        clusters.create_cluster(pg)
        clusters.create_cluster(pg)
        client = Client(clusters, pg, tmp_path)
        certificate = clusters.ca_certificate(pg.id)
        with client.connect() as session:
            session.execute("CREATE TABLE note (t text); INSERT INTO note VALUES ('kept')")
        for stop in (_kill_the_server, clusters.close):
            stop()
            eventually(lambda: not clusters.is_running(pg.id), "stopped")
            clusters.create_cluster(pg)
            with client.connect() as session:
                assert session.execute("SELECT t FROM note").fetchone() == ("kept",), "its data is there"
        assert clusters.ca_certificate(pg.id) == certificate, "clients can go on trusting the same authority"
        clusters.delete_cluster(pg.id)
        clusters.delete_cluster(pg.id)
        assert not (tmp_path / "databases" / pg.id).exists(), "delete removes the data"
        with pytest.raises(HypervisorError, match="does not run: create it first"):
            clusters.create_database(pg.id, "memory")


def _kill_the_server() -> None:
    """As the kernel does to everything when the supervisor's init is killed; postmaster.pid stays."""
    listed = subprocess.run(["ps", "axo", "pid=,args="], capture_output=True, text=True, check=True)
    stubs = [line.split()[0] for line in listed.stdout.splitlines() if "(sd-stubinit)" in line]
    subprocess.run(["kill", "-KILL", *stubs], check=True)


@isolated
def test_a_cluster_that_cannot_start_says_why(tmp_path: Path) -> None:
    with databases(tmp_path) as clusters:
        broken = cluster("pg", settings={"work_mem": "a lot"})
        with pytest.raises(HypervisorError, match='invalid value for parameter "work_mem"'):
            clusters.create_cluster(broken)
        assert not clusters.is_running(broken.id), "nothing of it runs"
        clusters.create_cluster(cluster("pg", settings={"work_mem": "8MB"}))
        assert clusters.is_running(broken.id), "it can be put right"


@isolated
def test_a_change_takes_effect_and_one_that_cannot_be_leaves_all_as_it_was(tmp_path: Path) -> None:
    pg = cluster("pg", settings={"work_mem": "8MB"})
    with databases(tmp_path) as clusters:
        clusters.create_cluster(pg)
        with Client(clusters, pg, tmp_path).connect() as session:
            changed = replace(pg, settings={"work_mem": "9MB"}, hostnames=("new.db.ondigitalocean.com",))
            clusters.create_cluster(changed)
            assert session.execute("SHOW work_mem").fetchone() == ("9MB",), "sessions stay, and have it"
            with pytest.raises(HypervisorError, match="does not take work_mem"):
                clusters.create_cluster(replace(changed, settings={"work_mem": "0"}))
            assert session.execute("SHOW work_mem").fetchone() == ("9MB",), "nothing was changed"
        client = Client(clusters, changed, tmp_path)
        with client.connect():
            pass  # it verifies that the certificate has the new name
        at_start_only = {"work_mem": "9MB", "max_locks_per_transaction": "1"}
        with pytest.raises(HypervisorError, match="max_locks_per_transaction"):
            clusters.create_cluster(replace(changed, settings=at_start_only))
        with client.connect() as session:
            assert session.execute("SHOW work_mem").fetchone() == ("9MB",), "it runs as it did before"


@isolated
def test_a_server_that_dies_comes_back_with_the_administrators_latest_password(tmp_path: Path) -> None:
    pg = cluster("pg")
    with databases(tmp_path) as clusters:
        clusters.create_cluster(pg)
        clusters.create_user(pg.id, "doadmin", SECRET)
        client = Client(clusters, pg, tmp_path)
        for _ in range(2):
            _kill_the_server()
            eventually(lambda: not clusters.is_running(pg.id), "its end")
            eventually(lambda: clusters.is_running(pg.id), "its new start")
            clusters.create_database(pg.id, "memory")  # waits for its turn: the server has come up
            with client.connect(password=SECRET):
                pass
        clusters.delete_cluster(pg.id)
        assert not clusters.is_running(pg.id), "what was deleted does not come back"
