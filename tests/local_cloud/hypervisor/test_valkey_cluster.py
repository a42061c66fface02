"""A real Valkey behind TLS, whose users can't administer it."""

import subprocess
from pathlib import Path

import pytest
import valkey
from isolation import isolated
from stage import cluster, databases

from local_cloud.hypervisor import namespaces
from local_cloud.hypervisor.model import DatabaseCluster, HypervisorError

SECRET = "s3cr3t-of-a-user"  # pragma: allowlist secret
FORBIDDEN = ("CONFIG GET maxmemory", "ACL LIST", "SHUTDOWN", "MODULE LIST", "MIGRATE 10.0.0.9 6379 key 0 100")


def client(of: DatabaseCluster, ca: Path, user: str, password: str) -> valkey.Valkey:
    return valkey.Valkey(
        host=str(of.interfaces[0].address.ip),
        port=of.port,
        username=user,
        password=password,
        ssl=True,
        ssl_ca_certs=str(ca),
        ssl_check_hostname=True,
    )


@isolated
def test_the_cache_answers_its_users_over_tls_and_lets_none_administer_it(tmp_path: Path) -> None:
    cache = cluster("valkey", settings={"maxmemory-policy": "allkeys-lru"})
    ca = tmp_path / "ca.pem"
    with databases(tmp_path) as clusters:
        clusters.create_cluster(cache)
        ca.write_text(clusters.ca_certificate(cache.id))
        clusters.create_user(cache.id, "agents", SECRET)
        with namespaces.entered(f"db-{cache.id}"):
            with client(cache, ca, "default", cache.admin_password) as admin:
                assert admin.info("memory")["maxmemory_policy"] == "allkeys-lru", "the policy asked for"
                for command in FORBIDDEN:
                    with pytest.raises(valkey.exceptions.NoPermissionError):
                        admin.execute_command(*command.split())
            with client(cache, ca, "agents", SECRET) as agents:
                assert agents.set("session", "kept"), "a user reads and writes"
            with client(cache, ca, "agents", "wrong") as stranger, pytest.raises(valkey.AuthenticationError):
                stranger.ping()
            plain = valkey.Valkey(host=str(cache.interfaces[0].address.ip), port=cache.port)
            with plain, pytest.raises(valkey.ConnectionError):
                plain.ping()


@isolated
def test_users_and_data_survive_a_restart_and_a_deleted_user_is_out(tmp_path: Path) -> None:
    cache = cluster("valkey")
    ca = tmp_path / "ca.pem"
    with databases(tmp_path) as clusters:
        clusters.create_cluster(cache)
        ca.write_text(clusters.ca_certificate(cache.id))
        clusters.create_user(cache.id, "agents", SECRET)
        with namespaces.entered(f"db-{cache.id}"):
            with client(cache, ca, "agents", SECRET) as agents:
                agents.set("session", "kept")
            clusters.close()
            clusters.create_cluster(cache)
            with client(cache, ca, "agents", SECRET) as agents:
                assert agents.get("session") == b"kept", "users and data are there again"
            clusters.delete_user(cache.id, "agents")
            with client(cache, ca, "agents", SECRET) as agents, pytest.raises(valkey.AuthenticationError):
                agents.ping()
        for password in (SECRET, cache.admin_password):
            found = subprocess.run(
                ["grep", "-rl", password, str(tmp_path)], capture_output=True, text=True, check=False
            )
            assert found.stdout == "", "no file holds a password"
        with pytest.raises(HypervisorError, match="no named databases"):
            clusters.create_database(cache.id, "memory")
        clusters.delete_cluster(cache.id)
        assert not (tmp_path / "databases" / cache.id).exists(), "delete removes the data"
