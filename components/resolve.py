"""Addresses of private host names, looked up where `pulumi up` runs.

A tenant's hosts have no DNS (it is a tunnel out), so the names that they need go into their /etc/hosts.
"""

import socket

import pulumi


class HostNotResolvedError(pulumi.RunError):
    """A private host name has no IPv4 address where `pulumi up` runs."""


def ipv4_of(host: str) -> str:
    """The IPv4 address of `host`; the lowest when there are several, so that two runs agree.

    Raises HostNotResolvedError.
    """
    try:
        found = socket.getaddrinfo(host, None, family=socket.AF_INET, type=socket.SOCK_STREAM)
    except socket.gaierror as error:
        msg = (
            f"{host!r} does not resolve here ({error.strerror}), and hosts have no DNS, so need its address; "
            "run where DigitalOcean's private names resolve (locally: `python -m local_cloud exec -- …`)"
        )
        raise HostNotResolvedError(msg) from error
    return min((str(entry[4][0]) for entry in found), key=socket.inet_aton)
