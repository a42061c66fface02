"""/etc/hosts: the only names that a host can resolve, since it has no DNS (a resolver is a tunnel out)."""

from collections.abc import Mapping

from components.cloud_init.part import File, Part

_HOSTS = """\
127.0.0.1 localhost
127.0.1.1 {hostname}
::1 localhost ip6-localhost ip6-loopback
{names}"""


def hosts(hostname: str, names: Mapping[str, str]) -> Part:
    """`names` maps host names to IPv4 addresses. The module that would rewrite the file is left out."""
    lines = "".join(f"{address} {name}\n" for name, address in sorted(names.items()))
    return Part(
        files=(File(path="/etc/hosts", content=_HOSTS.format(hostname=hostname, names=lines)),),
    )
