"""What the servers are told: safe whatever a cluster's config asks for."""

import hashlib
from ipaddress import IPv4Interface
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stage import cluster

from local_cloud.digitalocean.databases import settings as api
from local_cloud.hypervisor.databases import postgresql_files, valkey_files
from local_cloud.hypervisor.model import HypervisorError, Interface


def settings_of(text: str) -> dict[str, str]:
    return dict(line.split(" = ", 1) for line in text.splitlines())


def test_postgresql_listens_on_its_own_addresses_with_tls_only() -> None:
    two = tuple(
        Interface(network="n", address=IPv4Interface(address), mac="02:00:00:00:00:01")
        for address in ("10.0.0.5/24", "198.18.0.9/16")
    )
    found = settings_of(postgresql_files.configuration(cluster("pg", interfaces=two)))
    assert found["listen_addresses"] == "'10.0.0.5,198.18.0.9'", "no other address answers"
    assert found["ssl_min_protocol_version"] == "'TLSv1.2'", "nothing older"
    rules = [line.split() for line in postgresql_files.HBA.splitlines()]
    assert [rule[-1] for rule in rules if rule[0] == "hostnossl"] == ["reject"], "no plaintext"
    assert ["hostssl", "all", "postgres", "all", "reject"] in rules, "no superuser from a network"


def test_a_config_may_tune_postgresql_and_not_open_it() -> None:
    tuned = cluster("pg", settings={"work_mem": "8MB"})
    assert settings_of(postgresql_files.configuration(tuned))["work_mem"] == "'8MB'", "tuning is passed on"
    for name in ("hba_file", "log_statement", "ssl", "shared_preload_libraries", "port"):
        with pytest.raises(HypervisorError, match=f"{name} can't be set here"):
            postgresql_files.configuration(cluster("pg", settings={name: "off"}))


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_a_value_never_becomes_another_setting(value: str) -> None:
    try:
        text = postgresql_files.configuration(cluster("pg", settings={"timezone": value}))
    except HypervisorError:
        return
    lines = text.split("\n")
    assert sum(line.startswith("ssl = ") for line in lines) == 1, "no line was added"
    quoted = next(line for line in lines if line.startswith("timezone = "))[len("timezone = ") :]
    body = quoted[1:-1].replace("\\\\", "").replace("''", "")
    assert "'" not in body, f"the value does not end its quotes: {quoted}"
    assert "\\" not in body, f"nor begin an escape: {quoted}"


def test_a_larger_cluster_gets_more_memory_and_connections() -> None:
    small = settings_of(postgresql_files.configuration(cluster("pg", memory_mib=1024)))
    large = settings_of(postgresql_files.configuration(cluster("pg", memory_mib=4096)))
    assert (small["max_connections"], large["max_connections"]) == ("'25'", "'100'"), "25 for each GiB"
    assert (small["shared_buffers"], large["shared_buffers"]) == ("'64MB'", "'256MB'"), "a sixteenth"


def test_a_databases_owner_may_create_vector(tmp_path: Path) -> None:
    control = tmp_path / "vector.control"
    control.write_text("default_version = '0.8.5'\ntrusted = false\nrelocatable = true\n")
    assert postgresql_files.trusted(control).splitlines() == [
        "default_version = '0.8.5'",
        "relocatable = true",
        "trusted = true",
    ], "trusted, and nothing else changed"
    with pytest.raises(HypervisorError, match=r"no pgvector at .*: run `python -m toolchain`"):
        postgresql_files.trusted(tmp_path / "missing")


def test_every_setting_of_the_api_is_one_that_the_engine_can_be_told() -> None:
    pg = {setting.name for setting in api.POSTGRESQL.values()}
    cache = {setting.name for setting in api.VALKEY.values()}
    assert pg <= postgresql_files.TUNABLE, "one convention: PostgreSQL's names"
    assert cache <= valkey_files.TUNABLE, "and Valkey's"
    assert valkey_files.DEFAULTS.keys() == valkey_files.TUNABLE, "what is no longer asked for has a default"


def test_valkey_has_no_port_and_its_tunnel_speaks_tls() -> None:
    server = valkey_files.server(cluster("valkey", memory_mib=1000)).splitlines()
    assert 'port "0"' in server, "nothing but the tunnel is reachable"
    assert 'maxmemory "734003200"' in server, "data gets 70 % of the memory"
    assert 'maxmemory-policy "noeviction"' in server, "DigitalOcean's default"
    tunnel = valkey_files.tunnel(cluster("valkey")).splitlines()
    assert "accept = 10.0.0.5:25061" in tunnel, "on the cluster's address"
    assert "sslVersionMin = TLSv1.2" in tunnel, "nothing older"


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"maxmemory-policy": "lru"}, "'lru' is no eviction policy; these are: allkeys-lfu"),
        ({"aclfile": "x"}, "aclfile can't be set here"),
        ({"timeout": '1"\nport "6379'}, "no value for Valkey's timeout"),
    ],
)
def test_what_valkey_cannot_be_told_is_refused(settings: dict[str, str], said: str) -> None:
    with pytest.raises(HypervisorError, match=said):
        valkey_files.server(cluster("valkey", settings=settings))


def test_users_of_valkey_are_hashes_and_no_administrators() -> None:
    digest = hashlib.sha256(b"x").hexdigest()
    lines = valkey_files.access({"agents": digest}, "_supervisor", digest).splitlines()
    assert lines[0] == "user default reset off", "nobody gets in without a name"
    rules = f"user agents reset on #{digest} ~* &* +@all -@admin -migrate"
    assert lines[1] == rules, "all data, no administration, no connection to elsewhere"
    with_default = valkey_files.access({"default": digest}, "_supervisor", digest)
    assert "user default reset off" not in with_default, "unless it is DigitalOcean's `default`"
    with pytest.raises(HypervisorError, match="no name for a user of Valkey"):
        valkey_files.access({"a on nopass\nuser b": digest}, "_supervisor", digest)
