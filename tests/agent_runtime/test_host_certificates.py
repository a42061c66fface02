"""Keys, requests and identity files: what a request may ask for, and that nothing half-done is kept."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509.oid import NameOID
from hypothesis import given, settings
from hypothesis import strategies as st
from odd_requests import EXTENSIONS, attribute, extension, request, smuggled
from runtime_driver import Authority

from agent_runtime import certificates
from agent_runtime.errors import IdentityError, MalformedRequestError, RequestRefusedError

Subject = tuple[tuple[x509.ObjectIdentifier, str], ...]
NAMES = ("acme-agent-writer-1", "acme-agent-writer-1.acme.tenantry.internal")


def request_with(*subject: tuple[x509.ObjectIdentifier, str], extension: x509.ExtensionType) -> str:
    name = x509.Name([x509.NameAttribute(oid, value) for oid, value in subject])
    builder = (
        x509.CertificateSigningRequestBuilder().subject_name(name).add_extension(extension, critical=False)
    )
    signed = builder.sign(certificates.new_key(), hashes.SHA256())
    return signed.public_bytes(serialization.Encoding.PEM).decode()


def test_a_request_for_the_own_names_passes() -> None:
    certificates.check_request(certificates.request(certificates.new_key(), NAMES), NAMES)


def test_a_name_of_another_host_is_refused() -> None:
    asked = certificates.request(certificates.new_key(), (NAMES[0], "guardrail.acme.tenantry.internal"))
    with pytest.raises(RequestRefusedError, match=r"guardrail\.acme"):
        certificates.check_request(asked, NAMES)


@pytest.mark.parametrize(
    "subject",
    [
        ((NameOID.COMMON_NAME, NAMES[0]), (NameOID.COMMON_NAME, "control-plane")),
        ((NameOID.COMMON_NAME, NAMES[0]), (NameOID.ORGANIZATIONAL_UNIT_NAME, "control-plane")),
        ((NameOID.COMMON_NAME, "control-plane"),),
        (),
    ],
)
def test_a_subject_is_the_hosts_name_and_no_more(
    subject: tuple[tuple[x509.ObjectIdentifier, str], ...],
) -> None:
    asked = request_with(*subject, extension=x509.SubjectAlternativeName([x509.DNSName(NAMES[0])]))
    with pytest.raises(RequestRefusedError, match=f"CN={NAMES[0]}"):
        certificates.check_request(asked, NAMES)


def test_an_address_is_no_name_that_anybody_can_vouch_for() -> None:
    address = x509.UniformResourceIdentifier("spiffe://acme")
    asked = request_with((NameOID.COMMON_NAME, NAMES[0]), extension=x509.SubjectAlternativeName([address]))
    with pytest.raises(RequestRefusedError, match="spiffe"):
        certificates.check_request(asked, NAMES)


def test_a_request_to_become_an_authority_is_refused() -> None:
    constraints = x509.BasicConstraints(ca=True, path_length=None)
    asked = request_with((NameOID.COMMON_NAME, NAMES[0]), extension=constraints)
    with pytest.raises(RequestRefusedError, match=r"extension 2\.5\.29\.19"):
        certificates.check_request(asked, NAMES)


def test_names_that_only_another_parser_sees_are_refused() -> None:
    for asked in smuggled(NAMES[0], "acme-agent-victim-1", "acme-agent-victim-1.acme.tenantry.internal"):
        with pytest.raises(RequestRefusedError, match="one attribute at most"):
            certificates.check_request(asked, NAMES)


def test_a_request_that_can_be_read_in_part_alone_is_refused_as_none() -> None:
    twice = attribute(EXTENSIONS, extension(NAMES[0]), extension(NAMES[0]))
    for asked in (request(NAMES[0], twice), request(NAMES[0], attribute(EXTENSIONS, b"\x30\x01\x00"))):
        for look in (lambda pem: certificates.check_request(pem, NAMES), certificates.common_name):
            with pytest.raises(MalformedRequestError, match="no certificate request"):
                look(asked)


@settings(deadline=None)
@given(st.text() | st.binary().map(lambda data: f"-----BEGIN CERTIFICATE REQUEST-----\n{data.hex()}\n"))
def test_what_is_no_request_is_refused_as_such(text: str) -> None:
    with pytest.raises(RequestRefusedError):
        certificates.check_request(text, NAMES)


def test_renewal_is_due_after_two_thirds_of_a_life(tmp_path: Path, authority: Authority) -> None:
    found = certificates.read(authority.issue(tmp_path / "i.pem", *NAMES, lives=timedelta(hours=3)))
    assert found.due - found.not_before == timedelta(hours=2)


def test_a_certificate_that_has_ended_says_so(tmp_path: Path, authority: Authority) -> None:
    found = certificates.read(authority.issue(tmp_path / "i.pem", *NAMES, lives=timedelta(0)))
    assert found.has_expired
    assert found.not_after <= datetime.now(UTC)


def test_a_certificate_for_another_key_becomes_no_identity(tmp_path: Path, authority: Authority) -> None:
    theirs = certificates.read(authority.issue(tmp_path / "i.pem", *NAMES)).pem
    with pytest.raises(IdentityError, match="another key"):
        certificates.identity(certificates.new_key(), theirs)


@pytest.mark.parametrize(
    "content", ["", "-----BEGIN CERTIFICATE-----\nnonsense\n-----END CERTIFICATE-----\n"]
)
def test_an_identity_file_with_nothing_in_it_is_named(tmp_path: Path, content: str) -> None:
    file = tmp_path / "identity.pem"
    file.write_text(content)
    with pytest.raises(IdentityError, match=r"identity\.pem"):
        certificates.read(file)


def test_a_key_shows_in_no_repr(tmp_path: Path, authority: Authority) -> None:
    found = certificates.read(authority.issue(tmp_path / "i.pem", *NAMES))
    assert "BEGIN" not in repr(found)
