"""A cluster's configuration: DigitalOcean's names and units on one side, the engine's own on the other."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from local_cloud.digitalocean.errors import UnprocessableEntityError


@dataclass(frozen=True)
class Setting:
    """`name` is the engine's; `unit` is what DigitalOcean's number counts; `words` are spelled otherwise."""

    name: str
    kind: type | tuple[type, ...] = int
    unit: str = ""
    words: Mapping[str, str] = field(default_factory=dict)

    def takes(self, given: Any) -> bool:
        of_kind = isinstance(given, self.kind) and (self.kind is bool or not isinstance(given, bool))
        return of_kind and (not self.words or given in self.words)

    def value(self, given: Any) -> str:
        if self.words:
            return self.words[given]
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
        "max_prepared_transactions max_replication_slots max_worker_processes"
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
EVICTION_POLICIES = (
    "noeviction",
    "allkeys_lru",
    "allkeys_random",
    "volatile_lru",
    "volatile_random",
    "volatile_ttl",
)
"""As the endpoint of eviction policies has them; `config` has two more, and writes all with hyphens."""
POLICY = "valkey_maxmemory_policy"
_POLICY_WORDS = tuple(policy.replace("_", "-") for policy in EVICTION_POLICIES)

# With the prefix as godo sends them, without as the reference of Pulumi's DatabaseValkeyConfig names them.
_VALKEY = {
    "active_expire_effort": Setting("active-expire-effort"),
    "io_threads": Setting("io-threads"),
    "lfu_decay_time": Setting("lfu-decay-time"),
    "lfu_log_factor": Setting("lfu-log-factor"),
    "notify_keyspace_events": Setting("notify-keyspace-events", str),
    "number_of_databases": Setting("databases"),
    "persistence": Setting("save", str, words={"rdb": "600 1", "off": ""}),
    "timeout": Setting("timeout"),
}
VALKEY: dict[str, Setting] = {
    POLICY: Setting(
        "maxmemory-policy",
        str,
        words={word: word for word in (*_POLICY_WORDS, "allkeys-lfu", "volatile-lfu")},
    ),
    **_VALKEY,
    **{f"valkey_{name}": setting for name, setting in _VALKEY.items()},
}
KNOWN = {"pg": POSTGRESQL, "valkey": VALKEY}


def checked(engine: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """Raises UnprocessableEntityError for a setting that isn't one, or that has a value of the wrong type."""
    known = KNOWN[engine]
    for name, value in given.items():
        if name not in known:
            raise UnprocessableEntityError(
                f"config.{name} is no setting of {engine} that this local cloud has"
            )
        if not known[name].takes(value):
            raise UnprocessableEntityError(f"config.{name} can't be {value!r}")
    return dict(given)


def changes_for_policy(config: Mapping[str, Any], policy: str) -> dict[str, Any]:
    """The eviction policy is one thing with two places to say it: what changes when it is said in either."""
    kept = {**config, POLICY: policy.replace("_", "-")} if POLICY in config else config
    return {"config": dict(kept), "eviction_policy": policy.replace("-", "_")}


def real_settings(engine: str, config: Mapping[str, Any], eviction_policy: str) -> dict[str, str]:
    """The same in the engine's own names and units, as its configuration file has them."""
    known = KNOWN[engine]
    settings = {known[name].name: known[name].value(value) for name, value in config.items()}
    if engine == "valkey":
        settings["maxmemory-policy"] = eviction_policy.replace("_", "-")
    return settings
