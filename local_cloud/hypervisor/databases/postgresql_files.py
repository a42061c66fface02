"""PostgreSQL's configuration: postgresql.conf, pg_hba.conf, pg_ident.conf, and who may create `vector`."""

import re
from collections.abc import Mapping
from pathlib import Path

from local_cloud.hypervisor.model import DatabaseCluster, HypervisorError

PREFIX = "/run/postgresql-server"
CONF = "/run/conf"
DATA = "/run/data"
SOCKET = "/run/socket"
VECTOR_CONTROL = f"{PREFIX}/share/postgresql/extension/vector.control"
SERVER_COMMAND = (
    f"{PREFIX}/bin/postgres",
    "-D",
    f"{DATA}/current",
    "-c",
    f"config_file={CONF}/postgresql.conf",
)

CONNECTIONS_PER_GIB = 25
"""DigitalOcean's (https://docs.digitalocean.com/products/databases/postgresql/details/limits/)."""

HBA = """\
local     all  postgres       peer map=supervisor
local     all  all            reject
hostnossl all  all       all  reject
hostssl   all  postgres  all  reject
hostssl   all  all       all  scram-sha-256
"""

IDENT = "supervisor root postgres\n"

TUNABLE = frozenset(
    {
        "autovacuum_analyze_scale_factor",
        "autovacuum_analyze_threshold",
        "autovacuum_freeze_max_age",
        "autovacuum_max_workers",
        "autovacuum_naptime",
        "autovacuum_vacuum_cost_delay",
        "autovacuum_vacuum_cost_limit",
        "autovacuum_vacuum_scale_factor",
        "autovacuum_vacuum_threshold",
        "bgwriter_delay",
        "bgwriter_flush_after",
        "bgwriter_lru_maxpages",
        "bgwriter_lru_multiplier",
        "deadlock_timeout",
        "default_toast_compression",
        "idle_in_transaction_session_timeout",
        "jit",
        "log_autovacuum_min_duration",
        "log_error_verbosity",
        "log_line_prefix",
        "log_min_duration_statement",
        "maintenance_work_mem",
        "max_connections",
        "max_files_per_process",
        "max_locks_per_transaction",
        "max_logical_replication_workers",
        "max_parallel_workers",
        "max_parallel_workers_per_gather",
        "max_pred_locks_per_transaction",
        "max_prepared_transactions",
        "max_replication_slots",
        "max_stack_depth",
        "max_standby_archive_delay",
        "max_standby_streaming_delay",
        "max_worker_processes",
        "shared_buffers",
        "temp_file_limit",
        "timezone",
        "track_activity_query_size",
        "track_commit_timestamp",
        "track_functions",
        "track_io_timing",
        "wal_sender_timeout",
        "wal_writer_delay",
        "work_mem",
    }
)
"""What a cluster's settings may be: PostgreSQL's own names, with values as in postgresql.conf."""


def write(directory: Path, cluster: DatabaseCluster, prefix: Path) -> None:
    """Write the files. Raises HypervisorError for a setting that can't be set."""
    contents = {
        "postgresql.conf": configuration(cluster),
        "pg_hba.conf": HBA,
        "pg_ident.conf": IDENT,
        "vector.control": trusted(prefix / "share/postgresql/extension/vector.control"),
    }
    for name, content in contents.items():
        (directory / name).write_text(content)
        (directory / name).chmod(0o644)


def configuration(cluster: DatabaseCluster) -> str:
    """postgresql.conf of the cluster. The settings asked for come before those that keep it safe."""
    lines = {**_sizes(cluster.memory_mib), **_asked_for(cluster.settings), **_fixed(cluster)}
    return "".join(f"{name} = {_quoted(value)}\n" for name, value in lines.items())


def trusted(control: Path) -> str:
    """The extension's control file, with which a database's owner may create it, as on DigitalOcean.

    Raises HypervisorError when this PostgreSQL has no such extension.
    """
    try:
        original = control.read_text()
    except FileNotFoundError:
        raise HypervisorError(f"there is no pgvector at {control}: run `python -m toolchain`") from None
    others = [line for line in original.splitlines() if not re.match(r"\s*trusted\b", line)]
    return "\n".join([*others, "trusted = true", ""])


def _sizes(memory_mib: int) -> dict[str, str]:
    """A sixteenth of the memory for shared buffers: many small clusters share one development machine."""
    return {
        "shared_buffers": f"{max(16, memory_mib // 16)}MB",
        "maintenance_work_mem": f"{max(16, memory_mib // 16)}MB",
        "max_connections": str(max(1, memory_mib // 1024) * CONNECTIONS_PER_GIB),
        "max_wal_size": "256MB",
        "min_wal_size": "32MB",
        "io_method": "sync",
        "jit": "off",
        "max_logical_replication_workers": "0",
    }


def _asked_for(settings: Mapping[str, str]) -> dict[str, str]:
    unknown = sorted(set(settings) - TUNABLE)
    if unknown:
        raise HypervisorError(
            f"PostgreSQL's {', '.join(unknown)} can't be set here; these can: {', '.join(sorted(TUNABLE))}"
        )
    return dict(settings)


def _fixed(cluster: DatabaseCluster) -> dict[str, str]:
    """What a cluster's config can't change: who may reach it and how, and that no secret is logged."""
    return {
        "listen_addresses": ",".join(str(interface.address.ip) for interface in cluster.interfaces),
        "port": str(cluster.port),
        "unix_socket_directories": SOCKET,
        "unix_socket_permissions": "0700",
        "hba_file": f"{CONF}/pg_hba.conf",
        "ident_file": f"{CONF}/pg_ident.conf",
        "ssl": "on",
        "ssl_cert_file": f"{CONF}/server.crt",
        "ssl_key_file": f"{CONF}/server.key",
        "ssl_min_protocol_version": "TLSv1.2",
        "password_encryption": "scram-sha-256",  # pragma: allowlist secret
        "wal_level": "minimal",
        "max_wal_senders": "0",
        "superuser_reserved_connections": "3",
        "log_destination": "stderr",
        "logging_collector": "off",
        "log_statement": "none",
        "log_min_error_statement": "panic",
        "log_parameter_max_length_on_error": "0",
    }


def _quoted(value: str) -> str:
    if "\n" in value or "\0" in value:
        raise HypervisorError(f"{value!r} is no value for a setting of PostgreSQL: it must be one line")
    return "'" + value.replace("\\", "\\\\").replace("'", "''") + "'"
