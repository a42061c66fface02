"""The resolver: names of database clusters, and nothing else, since no other name leads anywhere here."""

import logging
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from ipaddress import IPv4Address

from dnslib import QTYPE, RCODE, RR, A, DNSRecord
from dnslib.server import BaseResolver, DNSLogger, DNSServer

from local_cloud.hypervisor.namespaces import entered

DIGITALOCEAN_RESOLVERS = (IPv4Address("67.207.67.2"), IPv4Address("67.207.67.3"))
"""What DigitalOcean writes into a droplet's /etc/resolv.conf."""
OPERATOR_RESOLVERS = (IPv4Address("127.0.0.53"), IPv4Address("127.0.0.1"))
"""The second is what the C library asks where there is no /etc/resolv.conf at all."""
TTL = 30

_log = logging.getLogger(__name__)


class Names(BaseResolver):  # type: ignore[misc]
    """One set of names, served at any number of addresses."""

    def __init__(self) -> None:
        self._names: Mapping[str, IPv4Address] = {}
        self._servers: list[DNSServer] = []

    def publish(self, names: Mapping[str, IPv4Address]) -> None:
        self._names = {name.rstrip(".").lower(): address for name, address in names.items()}

    def resolve(self, request: DNSRecord, handler: object) -> DNSRecord:  # noqa: ARG002 - dnslib's interface
        """An A record for a published name; no error and no record for its other types; else NXDOMAIN."""
        reply = request.reply()
        address = self._names.get(str(request.q.qname).rstrip(".").lower())
        if address is None:
            reply.header.rcode = RCODE.NXDOMAIN
        elif request.q.qtype in (QTYPE.A, QTYPE.ANY):
            reply.add_answer(RR(request.q.qname, QTYPE.A, rdata=A(str(address)), ttl=TTL))
        return reply

    def serve(self, namespace: str, addresses: Sequence[IPv4Address]) -> None:
        logger = DNSLogger(log="-request,-reply,-truncated", logf=_log.warning)
        with entered(namespace):
            servers = [
                DNSServer(self, address=str(address), port=53, tcp=tcp, logger=logger)
                for address in addresses
                for tcp in (False, True)
            ]
        for server in servers:
            server.start_thread()
        self._servers += servers

    def close(self) -> None:
        # Each takes up to half a second to notice.
        with ThreadPoolExecutor(max(1, len(self._servers))) as pool:
            list(pool.map(_stop, self._servers))
        self._servers.clear()


def _stop(server: DNSServer) -> None:
    server.stop()
    server.server.server_close()
