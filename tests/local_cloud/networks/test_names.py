from ipaddress import IPv4Address

import pytest
from dnslib import RCODE, DNSRecord

from local_cloud.hypervisor.networks.names import Names


@pytest.fixture
def names() -> Names:
    resolver = Names()
    resolver.publish({"private-db.example.com.": IPv4Address("10.0.0.9")})
    return resolver


@pytest.mark.parametrize("name", ["private-db.example.com", "PRIVATE-DB.example.COM."])
def test_a_published_name_resolves_whatever_its_case(names: Names, name: str) -> None:
    reply = names.resolve(DNSRecord.question(name), None)
    assert [str(record.rdata) for record in reply.rr] == ["10.0.0.9"]


def test_a_published_name_has_no_ipv6_address(names: Names) -> None:
    reply = names.resolve(DNSRecord.question("private-db.example.com", "AAAA"), None)
    assert (reply.header.rcode, reply.rr) == (RCODE.NOERROR, []), "the name exists, the record doesn't"


def test_publishing_replaces_the_whole_set(names: Names) -> None:
    names.publish({"other.example.com": IPv4Address("10.0.0.8")})
    reply = names.resolve(DNSRecord.question("private-db.example.com"), None)
    assert reply.header.rcode == RCODE.NXDOMAIN
