"""A hardened host as it is registered: its key to the mesh, its droplet, and its membership."""

import re
from typing import Any

import pulumi
import pytest

from components.flows import Endpoint
from components.host import HardenedHost, HardenedHostArgs
from components.mesh import Mesh, MeshMembership, MeshMembershipArgs, NotInTheMeshError
from components.naming import mesh_hostname
from components.tokens import HARDENED_HOST, MESH_MEMBERSHIP
from tests.recorded_stack import (
    HOST_KEY,
    DigitalOcean,
    Recording,
    fake_public_key,
    is_secret,
    plain,
    record,
    secret_of,
    texts_in,
)

DROPLET = "digitalocean:index/droplet:Droplet"
KEY = "tailscale:index/tailnetKey:TailnetKey"
COMMAND = "command:local:Command"
GET_DEVICE = "tailscale:index/getDevice:getDevice"
NAME = "acme-agent-writer-1"
MESH = Mesh(login_server="https://192.200.0.101", coordination=("192.200.0.101/32",))


def host(name: str = NAME, **changes: Any) -> Recording:
    given: dict[str, Any] = {
        "tenant": "acme",
        "tier": Endpoint.AGENT,
        "region": "nyc3",
        "size": "s-1vcpu-1gb",
        "image": "debian-12-x64",
        "ip_range": "10.32.0.0/24",
        "mesh": MESH,
        "ssh_ca": fake_public_key(),
        "vpc_id": "vpc-1",
    }
    args = HardenedHostArgs(**{**given, **changes})
    return record(lambda: HardenedHost(name, args))


def description(**changes: Any) -> str:
    text: str = host(**changes).one(KEY).props["description"]
    return text


def test_a_host_has_no_public_interface_and_both_of_its_tags() -> None:
    droplet = host().one(DROPLET)
    assert droplet.props["publicNetworking"] is False
    assert droplet.props["ipv6"] is False
    assert droplet.props["dropletAgent"] is False
    assert droplet.props["monitoring"] is True
    assert droplet.props["resizeDisk"] is False, "a size can be taken back only while the disk is the same"
    assert droplet.props["tags"] == ["tenant-acme", "tenant-acme-agent"]
    assert "sshKeys" not in droplet.props, "DigitalOcean's keys would be root's"


def test_the_mesh_key_lets_in_one_host_once_within_minutes_as_its_tier() -> None:
    key = host().one(KEY).props
    assert key["reusable"] is False
    assert key["ephemeral"] is True, "the mesh forgets a host that is gone"
    assert key["preauthorized"] is True
    assert key["expiry"] == 600
    assert key["tags"] == ["tag:tenant-acme-agent"]
    assert key["recreateIfInvalid"] == "never", "an old key must not replace a droplet that runs"


def test_the_mesh_key_is_nowhere_but_in_secret_user_data() -> None:
    recording = host()
    user_data = recording.one(DROPLET).props["userData"]
    assert is_secret(user_data)
    assert secret_of(f"{NAME}-mesh-key") in plain(user_data)
    others = [item.props for item in recording.resources if item.type != DROPLET]
    assert "fake-" not in texts_in([others, recording.outputs])


@pytest.mark.parametrize(
    "change",
    [
        {"image": "debian-12-x64-2"},
        {"region": "ams3"},
        {"vpc_id": "vpc-2"},
        {"ssh_ca": "ssh-ed25519 other"},
        {"mesh": Mesh(login_server=None, coordination=("192.0.2.0/24",))},
    ],
)
def test_whatever_replaces_the_droplet_makes_a_key_for_its_successor(change: dict[str, Any]) -> None:
    assert description(**change) != description(), "the first key is used up"


def test_what_changes_a_droplet_in_place_leaves_its_key_alone() -> None:
    assert description(size="s-2vcpu-4gb") == description()


def test_a_keys_description_is_as_tailscale_takes_it() -> None:
    longest = f"{'t' * 20}-agent-{'a' * 20}-100"
    for name in (NAME, longest):
        text = description(name=name)
        assert len(text) <= 50
        assert re.fullmatch(r"[A-Za-z0-9 -]+", text), text
    assert len(mesh_hostname(longest, "k1")) <= 63, "it is a label of a DNS name too"


def test_the_device_is_looked_up_by_a_name_that_no_other_host_has_had() -> None:
    recording = host()
    hostname = mesh_hostname(NAME, recording.one(KEY).props.get("id", f"id-of-{NAME}-mesh-key"))
    assert f"--hostname={hostname} " in plain(recording.one(DROPLET).props["userData"])
    outputs = recording.outputs[recording.one(HARDENED_HOST).urn]
    assert outputs["device_id"] == f"device-of-{hostname}"
    assert mesh_hostname(NAME, "another-key") != hostname


def test_a_host_says_where_it_is_in_the_mesh_and_which_key_it_shows() -> None:
    recording = host()
    outputs = recording.outputs[recording.one(HARDENED_HOST).urn]
    assert set(outputs) == {
        "droplet_id",
        "droplet_urn",
        "private_address",
        "mesh_address",
        "device_id",
        "host_key",
    }
    assert outputs["mesh_address"] == "100.64.0.9", "its IPv4 address: hosts have no IPv6"
    assert outputs["host_key"] == HOST_KEY


def test_the_host_key_is_read_through_the_mesh_once_for_each_droplet() -> None:
    recording = host()
    command = recording.one(COMMAND)
    assert command.props["environment"] == {"MESH_HOST": NAME, "MESH_ADDRESS": "100.64.0.9"}
    assert len(command.props["triggers"]) == 1, "another droplet shows another key"
    assert command.parent == recording.one(MESH_MEMBERSHIP).urn
    assert "ssh-keyscan" in command.props["create"]


def test_a_preview_does_not_wait_for_a_host_that_is_not_made_yet() -> None:
    assert GET_DEVICE not in membership(pulumi.UNKNOWN, preview=True).calls
    assert GET_DEVICE in membership("1").calls, "looked up once there is a droplet"


def membership(droplet_id: Any, *, preview: bool = False) -> Recording:
    args = MeshMembershipArgs(host_name=NAME, hostname=f"{NAME}-01234567", droplet_id=droplet_id)
    return record(lambda: MeshMembership(f"{NAME}-mesh", args), preview=preview)


@pytest.mark.parametrize(
    ("field", "ranges"),
    [("coordination", ["192.0.2.1/24"]), ("peers", ["2001:db8::/32"]), ("coordination", ["mesh.example"])],
)
def test_ranges_of_the_mesh_that_are_none_are_refused_by_name(field: str, ranges: list[str]) -> None:
    given = {"coordination": ["192.0.2.0/24"], field: ranges}
    with pytest.raises(ValueError, match=rf"mesh\.{field} has '{re.escape(ranges[0])}'"):
        Mesh(login_server=None, **given)


def test_a_mesh_without_servers_is_refused() -> None:
    with pytest.raises(ValueError, match=r"mesh\.coordination is empty"):
        Mesh(login_server=None, coordination=())


def test_a_host_that_is_not_in_the_mesh_is_named_with_the_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    def call(_: object, args: Any) -> Any:
        return {}, [("hostname", f'could not find device with hostname="{args.args["hostname"]}"')]

    monkeypatch.setattr(DigitalOcean, "call", call)
    with pytest.raises(
        NotInTheMeshError, match=rf"{NAME} is not in the mesh.*python -m stacks\.replace {NAME}"
    ):
        membership("1")


def test_a_host_is_not_given_up_for_lost_when_nobody_could_look_for_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(DigitalOcean, "call", lambda *_: ({}, [("", "401 Unauthorized: token invalid")]))
    with pytest.raises(NotInTheMeshError, match=f"can't be asked for {NAME}.*token invalid") as caught:
        membership("1")
    assert "replace" not in str(caught.value), "it may be well"
