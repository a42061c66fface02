"""Each cluster has an authority of its own, which vouches for its names and addresses."""

import os
from collections.abc import Sequence
from datetime import UTC, datetime
from ipaddress import IPv4Address
from pathlib import Path

from cryptography import x509

from local_cloud.hypervisor.certificates import Authority, write_private

NAMES = ("private-acme.db.ondigitalocean.com",)
ADDRESSES = (IPv4Address("10.0.0.5"),)


def issue(directory: Path, addresses: Sequence[IPv4Address] = ADDRESSES) -> bytes:
    Authority(directory, "acme").issue(directory, NAMES, addresses, os.getuid())
    return (directory / "server.crt").read_bytes()


def test_a_server_is_vouched_for_by_its_names_and_addresses(tmp_path: Path) -> None:
    certificate = x509.load_pem_x509_certificate(issue(tmp_path))
    authority = x509.load_pem_x509_certificate(Authority(tmp_path, "acme").certificate().encode())
    certificate.verify_directly_issued_by(authority)
    named = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert tuple(named.get_values_for_type(x509.DNSName)) == NAMES, "its names"
    assert tuple(named.get_values_for_type(x509.IPAddress)) == ADDRESSES, "its addresses"
    assert certificate.not_valid_before_utc < datetime.now(UTC), "it is valid from now on"
    for key in ("ca.key", "server.key"):
        assert (tmp_path / key).stat().st_mode & 0o777 == 0o600, f"{key} is its owner's alone"


def test_a_certificate_is_kept_until_it_names_something_else(tmp_path: Path) -> None:
    first = issue(tmp_path)
    authority = Authority(tmp_path, "acme").certificate()
    assert issue(tmp_path) == first, "the same names keep their certificate"
    assert issue(tmp_path, [IPv4Address("10.0.0.6")]) != first, "another address needs another one"
    assert Authority(tmp_path, "acme").certificate() == authority, "clients need no other authority for that"


def test_clusters_do_not_vouch_for_each_other(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        issue(tmp_path / name)
    first, second = ((tmp_path / name / "ca.crt").read_bytes() for name in ("one", "two"))
    assert first != second, "each has an authority of its own"


def test_a_private_file_is_never_readable_by_others_and_replaces_an_interrupted_one(tmp_path: Path) -> None:
    file = tmp_path / "key"
    (tmp_path / "key.partial").write_text("half")
    (tmp_path / "key.partial").chmod(0o644)
    write_private(file, b"whole")
    assert file.read_bytes() == b"whole", "what was half written is not used"
    assert file.stat().st_mode & 0o777 == 0o600, "nobody else reads it"
    assert list(tmp_path.iterdir()) == [file], "nothing is left over"
