"""The configuration of Valkey and of the stunnel before it, and the file of users."""

import re
from collections.abc import Mapping

from local_cloud.hypervisor.model import DatabaseCluster, HypervisorError

SERVER = "/run/valkey-server"
CONF = "/run/conf"
DATA = "/run/data"
SOCKETS = "/run/socket"
SOCKET_NAME = "valkey.sock"
SERVER_COMMAND = (SERVER, f"{CONF}/valkey.conf")
TUNNEL_COMMAND = ("/usr/bin/stunnel4", f"{CONF}/stunnel.conf")

DATA_SHARE = 0.7
"""Of the memory, for data; the rest is for a snapshot's copies, buffers and fragmentation."""
TUNABLE = frozenset(
    {
        "active-expire-effort",
        "databases",
        "io-threads",
        "lfu-decay-time",
        "lfu-log-factor",
        "maxmemory-policy",
        "notify-keyspace-events",
        "save",
        "timeout",
    }
)
"""What a cluster's settings may be: Valkey's own names, with values as in valkey.conf."""
DEFAULTS = {
    "active-expire-effort": "1",
    "databases": "16",
    "io-threads": "1",
    "lfu-decay-time": "1",
    "lfu-log-factor": "10",
    "maxmemory-policy": "noeviction",
    "notify-keyspace-events": "",
    "save": "600 1",
    "timeout": "0",
}
"""Valkey's own, but for `save`, which is DigitalOcean's: every ten minutes if a key has changed."""
EVICTION_POLICIES = frozenset(
    {
        "noeviction",
        "allkeys-lru",
        "allkeys-lfu",
        "allkeys-random",
        "volatile-lru",
        "volatile-lfu",
        "volatile-random",
        "volatile-ttl",
    }
)
CLIENT_RULES = "~* &* +@all -@admin -migrate"
"""Every key and channel, every command but those that administer the server, and `migrate`: it connects
wherever it is told, which would be a way out past the guardrail.
"""


def server(cluster: DatabaseCluster) -> str:
    """valkey.conf. Raises HypervisorError for a setting that can't be set."""
    lines = {
        **tunable(cluster),
        "port": "0",
        "unixsocket": f"{SOCKETS}/{SOCKET_NAME}",
        "unixsocketperm": "700",
        "dir": DATA,
        "appendonly": "no",
        "aclfile": f"{CONF}/users.acl",
        "daemonize": "no",
        "loglevel": "notice",
    }
    return "".join(f'{name} "{value}"\n' for name, value in lines.items())


def tunable(cluster: DatabaseCluster) -> dict[str, str]:
    """What can change in a cluster's life, all of it. Raises HypervisorError for what can't be set."""
    maxmemory = int(cluster.memory_mib * DATA_SHARE) << 20
    return {**DEFAULTS, **_asked_for(cluster.settings), "maxmemory": str(maxmemory)}


def tunnel(cluster: DatabaseCluster) -> str:
    """stunnel.conf: TLS 1.2 or later on each of the cluster's addresses."""
    services = "".join(
        f"[valkey-{number}]\n"
        f"accept = {interface.address.ip}:{cluster.port}\n"
        f"connect = {SOCKETS}/{SOCKET_NAME}\n"
        f"cert = {CONF}/server.crt\n"
        f"key = {CONF}/server.key\n"
        "sslVersionMin = TLSv1.2\n"
        for number, interface in enumerate(cluster.interfaces)
    )
    return f"foreground = yes\npid =\nsyslog = no\ndebug = warning\nsocket = l:TCP_NODELAY=1\n{services}"


def access(users: Mapping[str, str], supervisor: str, supervisor_digest: str) -> str:
    """The file of users, from their passwords' SHA-256. `default` is off unless it is one of them."""
    clients = "".join(
        f"user {_name(name)} reset on #{digest} {CLIENT_RULES}\n" for name, digest in users.items()
    )
    default = "" if "default" in users else "user default reset off\n"
    return f"{default}{clients}user {supervisor} reset on #{supervisor_digest} ~* &* +@all\n"


def _asked_for(settings: Mapping[str, str]) -> dict[str, str]:
    unknown = sorted(set(settings) - TUNABLE)
    if unknown:
        raise HypervisorError(
            f"Valkey's {', '.join(unknown)} can't be set here; these can: {', '.join(sorted(TUNABLE))}"
        )
    policy = settings.get("maxmemory-policy", "noeviction")
    if policy not in EVICTION_POLICIES:
        raise HypervisorError(
            f"{policy!r} is no eviction policy; these are: {', '.join(sorted(EVICTION_POLICIES))}"
        )
    for name, value in settings.items():
        if not re.fullmatch(r"[A-Za-z0-9$ -]*", value):
            raise HypervisorError(f"{value!r} is no value for Valkey's {name}: use letters, digits, $ and -")
    return dict(settings)


def _name(name: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_.@-]+", name):
        raise HypervisorError(f"{name!r} is no name for a user of Valkey: use letters, digits and _ . @ -")
    return name
