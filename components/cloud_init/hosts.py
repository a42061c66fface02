"""/etc/hosts: the only names that a host can resolve, since it has no DNS (a resolver is a tunnel out).

Here are the host's own; those of its database, cache and guardrail come by a delivery.
"""

from components.cloud_init.part import File, Part

_HOSTS = """\
127.0.0.1 localhost
127.0.1.1 {hostname}
::1 localhost ip6-localhost ip6-loopback
"""


def hosts(hostname: str) -> Part:
    """The module of cloud-init that would rewrite the file is left out."""
    return Part(files=(File(path="/etc/hosts", content=_HOSTS.format(hostname=hostname)),))
