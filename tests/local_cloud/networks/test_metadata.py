import json
from http import HTTPStatus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local_cloud.hypervisor.networks.metadata import Metadata

DOCUMENT = {
    "droplet_id": 7,
    "hostname": "acme-agent-1",
    "region": "nyc3",
    "public_keys": ["ssh-ed25519 one", "ssh-ed25519 two"],
    "interfaces": {
        "private": [{"ipv4": {"ip_address": "10.0.0.2", "netmask": "255.255.255.0"}, "mac": "02:00"}],
        "public": [],
    },
    "dns": {"nameservers": ["67.207.67.2", "67.207.67.3"]},
    "tags": ["tenant-acme", "tenant-acme-agent"],
    "features": {"dhcp_enabled": False},
}


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/metadata/v1/id", "7"),
        ("/metadata/v1/hostname", "acme-agent-1"),
        ("/metadata/v1/user-data", "#cloud-config"),
        ("/metadata/v1/vendor-data", ""),
        ("/metadata/v1/public-keys", "ssh-ed25519 one\nssh-ed25519 two"),
        ("/metadata/v1/interfaces/", "private/\npublic"),
        ("/metadata/v1/interfaces/private/", "0/"),
        ("/metadata/v1/interfaces/private/0/", "ipv4/\nmac"),
        ("/metadata/v1/interfaces/private/0/ipv4/address", "10.0.0.2"),
        ("/metadata/v1/dns/nameservers", "67.207.67.2\n67.207.67.3"),
        ("/metadata/v1/tags/", "tenant-acme\ntenant-acme-agent"),
        ("/metadata/v1/features/dhcp_enabled", "false"),
    ],
)
def test_every_path_answers_as_digitalocean_documents(path: str, body: str) -> None:
    assert Metadata(DOCUMENT, "#cloud-config").find(path) == (HTTPStatus.OK, body)


def test_the_index_lists_files_and_directories() -> None:
    _, index = Metadata(DOCUMENT, None).find("/metadata/v1/")
    assert index.splitlines()[:6] == [
        "id",
        "hostname",
        "user-data",
        "vendor-data",
        "public-keys",
        "region",
    ], "the order of DigitalOcean's own example"
    assert {"interfaces/", "dns/", "tags/", "features/"} <= set(index.splitlines())


def test_an_index_without_its_slash_redirects() -> None:
    found = Metadata(DOCUMENT, None).find("/metadata/v1/interfaces")
    assert found == (HTTPStatus.MOVED_PERMANENTLY, "/metadata/v1/interfaces/")


def test_the_json_is_the_whole_document() -> None:
    status, body = Metadata(DOCUMENT, "#cloud-config").find("/metadata/v1.json")
    assert status is HTTPStatus.OK
    assert json.loads(body) == {**DOCUMENT, "user_data": "#cloud-config"}
    assert "user_data" not in json.loads(Metadata(DOCUMENT, None).find("/metadata/v1.json")[1])


@given(st.text())
def test_no_path_makes_it_fail(tail: str) -> None:
    for path in (tail, f"/metadata/v1/{tail}"):
        status, _ = Metadata(DOCUMENT, "#cloud-config").find(path)
        assert status in (HTTPStatus.OK, HTTPStatus.MOVED_PERMANENTLY, HTTPStatus.NOT_FOUND)


@pytest.mark.parametrize("path", ["/", "/metadata", "/metadata/v2/", "/metadata/v10/id", "/metadata/v1/id/"])
def test_any_other_path_is_not_found(path: str) -> None:
    assert Metadata(DOCUMENT, None).find(path)[0] is HTTPStatus.NOT_FOUND
