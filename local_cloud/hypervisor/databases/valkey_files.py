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
    {"maxmemory-policy", "timeout", "notify-keyspace-events", "lfu-decay-time", "lfu-log-factor"}
)
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
CLIENT_RULES = "~* &* +@all -@admin"
"""Every key and channel, every command but those that administer the server."""


def server(cluster: DatabaseCluster) -> str:
    """valkey.conf. Raises HypervisorError for a setting that can't be set."""
    lines = {
        "maxmemory-policy": "noeviction",
        **_asked_for(cluster.settings),
        "port": "0",
        "unixsocket": f"{SOCKETS}/{SOCKET_NAME}",
        "unixsocketperm": "700",
        "dir": DATA,
        "save": "600 1",
        "appendonly": "no",
        "aclfile": f"{CONF}/users.acl",
        "maxmemory": str(int(cluster.memory_mib * DATA_SHARE) << 20),
        "daemonize": "no",
        "loglevel": "notice",
    }
    return "".join(f"{name} {value}\n" for name, value in lines.items())


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
    """Settings by Valkey's names; DigitalOcean writes the same with underscores."""
    wanted = {name.replace("_", "-"): value for name, value in settings.items()}
    unknown = sorted(set(wanted) - TUNABLE)
    if unknown:
        raise HypervisorError(
            f"Valkey's {', '.join(unknown)} can't be set here; these can: {', '.join(sorted(TUNABLE))}"
        )
    policy = wanted.get("maxmemory-policy")
    if policy is not None:
        wanted["maxmemory-policy"] = policy.replace("_", "-")
        if wanted["maxmemory-policy"] not in EVICTION_POLICIES:
            raise HypervisorError(
                f"{policy!r} is no eviction policy; these are: {', '.join(sorted(EVICTION_POLICIES))}"
            )
    for name, value in wanted.items():
        if not re.fullmatch(r"[A-Za-z0-9-]+", value):
            raise HypervisorError(f"{value!r} is no value for Valkey's {name}: use letters and digits")
    return wanted


def _name(name: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_.@-]+", name):
        raise HypervisorError(f"{name!r} is no name for a user of Valkey: use letters, digits and _ . @ -")
    return name
