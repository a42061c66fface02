"""Real packets between real namespaces; no machine is booted."""

import socket
from concurrent.futures import ThreadPoolExecutor
from ipaddress import IPv4Address, IPv4Interface, IPv4Network

import pytest
from dnslib import DNSRecord
from laboratory import PUBLIC_NETWORK, Laboratory

from local_cloud.hypervisor.model import HypervisorError, Interface, NatGateway, Policy, Rule, Vpc

pytestmark = pytest.mark.end_to_end

ANYWHERE = (IPv4Network("0.0.0.0/0"),)
AGENT, DATABASE, STRANGER, SERVER = 1, 2, 3, 4
AGENT_ADDRESS, DATABASE_ADDRESS, STRANGER_ADDRESS = "10.0.0.2", "10.0.0.3", "10.0.1.2"
SERVER_ADDRESS, GATEWAY_ADDRESS = "198.18.0.4", "198.18.0.9"
PORT = 25060
SHUT = Policy(rules=())


def rule(direction: str, ports: tuple[int, int] | None = (PORT, PORT), protocol: str = "tcp") -> Rule:
    return Rule(direction=direction, protocol=protocol, ports=ports, peers=ANYWHERE)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def built(laboratory: Laboratory) -> Laboratory:
    """VPC a: an agent, a database, a NAT gateway. VPC b: a stranger. And a public server."""
    networks = laboratory.networks
    laboratory.do(networks.create_vpc, Vpc(id="a", ip_range=IPv4Network("10.0.0.0/24")))
    laboratory.do(networks.create_vpc, Vpc(id="b", ip_range=IPv4Network("10.0.1.0/24")))
    gateway = NatGateway(id="g", vpc_id="a", public_address=IPv4Address(GATEWAY_ADDRESS))
    laboratory.do(networks.create_nat_gateway, gateway)
    laboratory.attach(AGENT, "a", f"{AGENT_ADDRESS}/24", "#cloud-config of the agent")
    laboratory.attach(DATABASE, "a", f"{DATABASE_ADDRESS}/24")
    laboratory.attach(STRANGER, "b", f"{STRANGER_ADDRESS}/24")
    laboratory.attach(SERVER, PUBLIC_NETWORK, f"{SERVER_ADDRESS}/16")
    for number in (AGENT, DATABASE, STRANGER, SERVER):
        laboratory.listen(f"d-{number}", PORT)
        laboratory.listen(f"d-{number}", 22)
    return laboratory


@pytest.fixture
def open_networks(built: Laboratory) -> Laboratory:
    everyone = (AGENT, DATABASE, STRANGER, SERVER)
    built.do(built.networks.apply_policies, {f"droplet:{number}": None for number in everyone})
    return built


def apply(laboratory: Laboratory, number: int, policy: Policy | None) -> None:
    laboratory.do(laboratory.networks.apply_policies, {f"droplet:{number}": policy})


def test_without_a_firewall_members_of_a_vpc_reach_each_other(open_networks: Laboratory) -> None:
    assert open_networks.reaches("d-1", DATABASE_ADDRESS, PORT), "DigitalOcean's default is open"
    assert open_networks.run("d-2", "ping", "-c1", "-W1", AGENT_ADDRESS).returncode == 0


def test_a_policy_lets_its_port_in_and_nothing_else(open_networks: Laboratory) -> None:
    apply(open_networks, DATABASE, Policy(rules=(rule("inbound"),)))
    assert open_networks.reaches("d-1", DATABASE_ADDRESS, PORT), "the rule's port is open"
    assert not open_networks.reaches("d-1", DATABASE_ADDRESS, 22), "no rule names it"
    assert open_networks.run("d-1", "ping", "-c1", "-W1", DATABASE_ADDRESS).returncode != 0, "nor icmp"
    assert not open_networks.reaches("d-2", AGENT_ADDRESS, PORT), "what goes out needs a rule, too"


def test_a_sender_s_policy_counts_as_much_as_the_receiver_s(open_networks: Laboratory) -> None:
    apply(open_networks, AGENT, Policy(rules=(rule("outbound"),)))
    assert open_networks.reaches("d-1", DATABASE_ADDRESS, PORT), "the answer to a permitted call comes back"
    assert not open_networks.reaches("d-1", DATABASE_ADDRESS, 22)
    assert not open_networks.reaches("d-2", AGENT_ADDRESS, 22), "nothing may come in"


def test_icmp_passes_where_a_rule_says_so(open_networks: Laboratory) -> None:
    apply(open_networks, DATABASE, Policy(rules=(rule("inbound", None, "icmp"),)))
    assert open_networks.run("d-1", "ping", "-c1", "-W1", DATABASE_ADDRESS).returncode == 0
    assert not open_networks.reaches("d-1", DATABASE_ADDRESS, PORT), "icmp says nothing of tcp"


def test_an_established_connection_is_cut_when_its_port_is_closed(open_networks: Laboratory) -> None:
    listener = open_networks.listen("d-2", 7000)
    apply(open_networks, DATABASE, Policy(rules=(rule("inbound", (7000, 7001)),)))
    kept_listener = open_networks.listen("d-2", 7001)
    client, kept_client = (open_networks.connect("d-1", DATABASE_ADDRESS, port) for port in (7000, 7001))
    assert client is not None
    assert kept_client is not None
    with listener.accept()[0] as server, kept_listener.accept()[0] as kept, client, kept_client:
        apply(open_networks, DATABASE, Policy(rules=(rule("inbound", (7001, 7001)),)))
        for sender, receiver in ((client, server), (server, client)):
            receiver.settimeout(0.5)
            sender.send(b"still there?")
            with pytest.raises(TimeoutError):
                receiver.recv(20)
        kept_client.send(b"as before")
        kept.settimeout(2)
        assert kept.recv(20) == b"as before", "what is still permitted isn't disturbed"


def test_a_policy_survives_that_its_endpoint_is_away(open_networks: Laboratory) -> None:
    apply(open_networks, STRANGER, SHUT)
    open_networks.detach(STRANGER)
    open_networks.attach(STRANGER, "b", f"{STRANGER_ADDRESS}/24")
    open_networks.attach(9, "b", "10.0.1.9/24")
    open_networks.listen("d-9", PORT)
    assert not open_networks.reaches("d-3", "10.0.1.9", PORT), "a machine started again is never open"
    open_networks.detach(9)


def test_an_address_that_isn_t_one_s_own_can_t_be_used(open_networks: Laboratory) -> None:
    open_networks.run("d-1", "ip", "address", "add", "10.0.0.66/24", "dev", "eth1")
    assert not open_networks.reaches("d-1", DATABASE_ADDRESS, PORT, source="10.0.0.66")
    assert open_networks.reaches("d-1", DATABASE_ADDRESS, PORT, source=AGENT_ADDRESS)


def test_a_mac_that_isn_t_one_s_own_can_t_be_used(open_networks: Laboratory) -> None:
    for mac, expected in (("02:00:00:00:00:99", False), ("02:00:00:00:00:01", True)):
        open_networks.run("d-1", "ip", "link", "set", "eth1", "address", mac)
        assert open_networks.reaches("d-1", DATABASE_ADDRESS, PORT) is expected, mac


@pytest.mark.parametrize("port", [PORT, 22])
def test_no_packet_passes_from_one_vpc_to_another(open_networks: Laboratory, port: int) -> None:
    assert not open_networks.reaches("d-1", STRANGER_ADDRESS, port), "a to b"
    assert not open_networks.reaches("d-3", AGENT_ADDRESS, port), "b to a"
    assert not open_networks.reaches("d-4", AGENT_ADDRESS, port), "the internet into a VPC"


def test_a_private_address_is_nobody_s_on_the_internet(open_networks: Laboratory) -> None:
    for address in ("10.9.9.9", "192.168.1.1", "100.64.0.1"):
        assert not open_networks.reaches("d-4", address, 443), f"{address} answered"


def test_a_nat_gateway_leads_to_the_internet_under_its_own_address(open_networks: Laboratory) -> None:
    connection = open_networks.connect("d-1", "203.0.113.7", 8443)
    assert connection is not None, "the VPC has a NAT gateway"
    with connection:
        connection.settimeout(2)
        assert connection.recv(100) == b"local cloud internet: this is 203.0.113.7:8443\n"
    listener = open_networks.listen("d-4", 7100)
    through = open_networks.connect("d-1", SERVER_ADDRESS, 7100)
    assert through is not None
    with through, listener.accept()[0] as accepted:
        assert accepted.getpeername()[0] == GATEWAY_ADDRESS, "the VPC's addresses stay inside"


def test_nothing_comes_in_through_a_nat_gateway(open_networks: Laboratory) -> None:
    assert not open_networks.reaches("d-4", GATEWAY_ADDRESS, PORT)
    open_networks.run("d-4", "ip", "route", "add", "10.0.0.0/24", "via", GATEWAY_ADDRESS)
    assert not open_networks.reaches("d-4", AGENT_ADDRESS, PORT), "not by routing through it, either"
    open_networks.run("d-4", "ip", "route", "delete", "10.0.0.0/24")


def test_a_vpc_without_a_nat_gateway_has_no_way_out(open_networks: Laboratory) -> None:
    assert not open_networks.reaches("d-3", "203.0.113.7", 443)


def test_a_firewall_holds_on_the_way_to_the_internet(open_networks: Laboratory) -> None:
    apply(open_networks, AGENT, Policy(rules=(rule("outbound", (443, 443)),)))
    assert open_networks.reaches("d-1", "203.0.113.7", 443)
    assert not open_networks.reaches("d-1", "203.0.113.7", 80)


def test_the_internet_echoes_udp_and_answers_ping(open_networks: Laboratory) -> None:
    client = open_networks.listen("d-4", 0, socket.SOCK_DGRAM)
    client.settimeout(2)
    client.sendto(b"echo", ("203.0.113.9", 41641))
    assert client.recvfrom(10) == (b"echo", ("203.0.113.9", 41641))
    assert open_networks.run("d-4", "ping", "-c1", "-W1", "203.0.113.9").returncode == 0


def test_published_names_resolve_and_others_do_not(open_networks: Laboratory) -> None:
    names = {"private-db.example.com": IPv4Address(DATABASE_ADDRESS)}
    open_networks.do(open_networks.networks.publish_names, names)
    client = open_networks.listen("d-4", 0, socket.SOCK_DGRAM)
    client.settimeout(2)
    for name, found in (("Private-DB.example.com", [DATABASE_ADDRESS]), ("example.com", [])):
        client.sendto(DNSRecord.question(name).pack(), ("67.207.67.2", 53))
        answer = DNSRecord.parse(client.recv(512))
        assert [str(record.rdata) for record in answer.rr] == found
        assert (answer.header.rcode == 0) is bool(found), "an unknown name is NXDOMAIN"


def test_metadata_is_one_s_own_whatever_the_firewall_says(open_networks: Laboratory) -> None:
    apply(open_networks, AGENT, SHUT)
    url = "http://169.254.169.254/metadata/v1"
    for namespace, number in (("d-1", "1"), ("d-2", "2"), ("d-4", "4")):
        assert open_networks.run(namespace, "curl", "-sm2", f"{url}/id").stdout == number
    assert open_networks.run("d-1", "curl", "-sm2", f"{url}/user-data").stdout == "#cloud-config of the agent"
    assert open_networks.run("d-2", "curl", "-sm2", f"{url}/user-data").stdout == "", "not its neighbour's"


def test_nothing_but_metadata_answers_on_the_network_s_own_addresses(open_networks: Laboratory) -> None:
    open_networks.listen("vpc-a", 7200)
    for address in ("10.0.0.1", "169.254.169.254"):
        assert not open_networks.reaches("d-1", address, 7200), f"{address} is not for droplets"


def test_a_vpc_with_members_is_not_deleted(built: Laboratory) -> None:
    with pytest.raises(HypervisorError, match=r"still has droplet:1, droplet:2, nat:g: remove them first"):
        built.do(built.networks.delete_vpc, "a")


def test_a_reserved_or_taken_address_is_refused_by_name(built: Laboratory) -> None:
    for address, message in (("10.0.0.1", "can't have 10.0.0.1"), (AGENT_ADDRESS, "is droplet:1's")):
        with pytest.raises(HypervisorError, match=message):
            built.attach(11, "a", f"{address}/24")
    assert "d-11" not in built.run("d-1", "ip", "netns").stdout, "nothing half-made is left"


def test_being_told_twice_changes_nothing(open_networks: Laboratory) -> None:
    networks = open_networks.networks
    open_networks.do(networks.create_vpc, Vpc(id="a", ip_range=IPv4Network("10.0.0.0/24")))
    gateway = NatGateway(id="g", vpc_id="a", public_address=IPv4Address(GATEWAY_ADDRESS))
    open_networks.do(networks.create_nat_gateway, gateway)
    open_networks.attach(AGENT, "a", f"{AGENT_ADDRESS}/24", "#cloud-config of the agent")
    open_networks.detach(77)
    open_networks.do(networks.delete_vpc, "never there")
    open_networks.do(networks.delete_nat_gateway, "never there")
    assert open_networks.reaches("d-1", DATABASE_ADDRESS, PORT)


def test_many_endpoints_are_attached_at_once(built: Laboratory) -> None:
    built.do(built.networks.create_vpc, Vpc(id="many", ip_range=IPv4Network("10.7.0.0/24")))
    numbers = range(100, 120)
    built.do(attach_at_once, built, list(numbers))
    built.listen("d-119", PORT)
    assert built.reaches("d-100", "10.7.0.119", PORT)
    for number in numbers:
        built.detach(number)
    built.do(built.networks.delete_vpc, "many")


def attach_at_once(laboratory: Laboratory, numbers: list[int]) -> None:
    """In threads that the laboratory's own thread starts, so that they share its namespaces."""

    def attach(number: int) -> None:
        address = IPv4Interface(f"10.7.0.{number}/24")
        card = Interface(network="many", address=address, mac=f"02:00:00:00:01:{number:02x}")
        laboratory.networks.attach(f"droplet:{number}", f"d-{number}", [card], None, None)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(attach, numbers))
