"""A cluster's configuration: DigitalOcean's names and units on one side, the engine's own on the other."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from local_cloud.digitalocean.errors import UnprocessableEntityError


@dataclass(frozen=True)
class Setting:
    """`name` is the engine's, "" where it has none; `unit` is what DigitalOcean's number counts."""

    name: str
    kind: type | tuple[type, ...] = int
    unit: str = ""

    def value(self, given: Any) -> str:
        if isinstance(given, bool):
            return "on" if given else "off"
        return f"{given}{self.unit}"


def _same(names: str, kind: type | tuple[type, ...] = int, unit: str = "") -> dict[str, Setting]:
    return {name: Setting(name, kind, unit) for name in names.split()}


POSTGRESQL: dict[str, Setting] = {
    **_same(
        "autovacuum_analyze_threshold autovacuum_freeze_max_age autovacuum_max_workers "
        "autovacuum_vacuum_cost_limit autovacuum_vacuum_threshold bgwriter_lru_maxpages "
        "max_files_per_process max_locks_per_transaction max_logical_replication_workers "
        "max_parallel_workers max_parallel_workers_per_gather max_pred_locks_per_transaction "
        "max_prepared_transactions max_replication_slots max_wal_senders max_worker_processes"
    ),
    **_same(
        "autovacuum_analyze_scale_factor autovacuum_vacuum_scale_factor bgwriter_lru_multiplier", (int, float)
    ),
    **_same(
        "autovacuum_vacuum_cost_delay bgwriter_delay deadlock_timeout idle_in_transaction_session_timeout "
        "log_autovacuum_min_duration log_min_duration_statement max_standby_archive_delay "
        "max_standby_streaming_delay wal_sender_timeout wal_writer_delay",
        unit="ms",
    ),
    **_same("autovacuum_naptime", unit="s"),
    **_same("bgwriter_flush_after temp_file_limit", unit="kB"),
    **_same("max_stack_depth track_activity_query_size", unit="B"),
    **_same("work_mem", unit="MB"),
    **_same("jit", bool),
    **_same(
        "default_toast_compression log_error_verbosity log_line_prefix timezone track_commit_timestamp "
        "track_functions track_io_timing",
        str,
    ),
}
VALKEY: dict[str, Setting] = {
    "valkey_maxmemory_policy": Setting("maxmemory-policy", str),
    "valkey_active_expire_effort": Setting("active-expire-effort"),
    "valkey_timeout": Setting("timeout"),
    "timeout": Setting("timeout"),
    "io_threads": Setting("io-threads"),
    "lfu_log_factor": Setting("lfu-log-factor"),
    "lfu_decay_time": Setting("lfu-decay-time"),
    "number_of_databases": Setting("databases"),
    "notify_keyspace_events": Setting("notify-keyspace-events", str),
    "acl_channels_default": Setting("acl-pubsub-default", str),
}
KNOWN = {"pg": POSTGRESQL, "valkey": VALKEY}

EVICTION_POLICIES = (
    "noeviction",
    "allkeys_lru",
    "allkeys_random",
    "volatile_lru",
    "volatile_random",
    "volatile_ttl",
)


def checked(engine: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """Raises UnprocessableEntityError for a setting that isn't one, or that has a value of the wrong type."""
    known = KNOWN[engine]
    for name, value in given.items():
        if name not in known:
            raise UnprocessableEntityError(
                f"config.{name} is no setting of {engine} that this local cloud has"
            )
        kinds = known[name].kind
        fits = isinstance(value, kinds) and (kinds is bool or not isinstance(value, bool))
        if not fits:
            raise UnprocessableEntityError(f"config.{name} has a value of the wrong type")
    return dict(given)


def real_settings(engine: str, config: Mapping[str, Any], eviction_policy: str) -> dict[str, str]:
    """What the engine itself is told."""
    known = KNOWN[engine]
    settings = {known[name].name: known[name].value(value) for name, value in config.items()}
    if engine == "valkey":
        spelled: Callable[[str], str] = lambda policy: policy.replace("_", "-")  # noqa: E731
        policy = settings.get("maxmemory-policy", eviction_policy)
        settings["maxmemory-policy"] = spelled(policy)
        if "acl-pubsub-default" in settings:
            settings["acl-pubsub-default"] = settings["acl-pubsub-default"].lower()
    return settings
