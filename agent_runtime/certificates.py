"""A host's key, its certificate requests, and what its certificate says. Signing is the vault's.

Runs with cryptography 38 (Debian 12) and with current ones. Keys are P-256, and new with each certificate. A
request says for whom it is, and is held to that; the names in a certificate are never taken from it, because
the vault's parser may see other ones in it than ours.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from agent_runtime.errors import IdentityError, MalformedRequestError, RequestRefusedError

Key = ec.EllipticCurvePrivateKey
EXTENSION_REQUEST = x509.ObjectIdentifier("1.2.840.113549.1.9.14")
_UNREADABLE = (
    ValueError,
    TypeError,
    UnsupportedAlgorithm,
    x509.DuplicateExtension,
    x509.InvalidVersion,
    x509.UnsupportedGeneralNameType,
)
"""What the library raises for odd requests."""

RENEWED_AFTER = 2 / 3
"""The part of a certificate's life after which it is renewed: a third is left to try again."""


@dataclass(frozen=True, kw_only=True)
class Certificate:
    """What a host's certificate says."""

    name: str
    serial: str
    not_before: datetime
    not_after: datetime
    pem: str = field(repr=False)

    @property
    def due(self) -> datetime:
        """When to renew it."""
        return self.not_before + (self.not_after - self.not_before) * RENEWED_AFTER

    @property
    def has_expired(self) -> bool:
        return datetime.now(UTC) >= self.not_after


def new_key() -> Key:
    return ec.generate_private_key(ec.SECP256R1())


def request(key: Key, names: Sequence[str]) -> str:
    """A certificate request, in PEM, for these names; the first is the host's own."""
    return (
        x509.CertificateSigningRequestBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])]))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name) for name in names]), critical=False)
        .sign(key, hashes.SHA256())
        .public_bytes(serialization.Encoding.PEM)
        .decode()
    )


def check_request(pem: str, names: Sequence[str]) -> None:
    """Whether a request asks for these names, and for nothing else. Raises RequestRefusedError."""
    asked = _parsed_request(pem)
    if not asked.is_signature_valid:
        raise RequestRefusedError("the certificate request's signature is not valid; make a new one")
    if asked.subject != [(NameOID.COMMON_NAME, names[0])]:
        raise RequestRefusedError(f"the certificate request must be for CN={names[0]}, and for nothing else")
    if any(oid != EXTENSION_REQUEST for oid in asked.attributes) or len(asked.attributes) > 1:
        raise RequestRefusedError("the certificate request must have one attribute at most, its extensions")
    known = x509.SubjectAlternativeName.oid
    if odd := [item.oid.dotted_string for item in asked.extensions if item.oid != known]:
        raise RequestRefusedError(f"the certificate request asks for extension {odd[0]}; leave it out")
    for extension in asked.extensions:
        _check_names(extension.value, names)


def common_name(pem: str) -> str:
    """The one name that a request is for. Raises RequestRefusedError."""
    found = [value for oid, value in _parsed_request(pem).subject if oid == NameOID.COMMON_NAME]
    if len(found) != 1:
        raise RequestRefusedError(f"the certificate request has {len(found)} common names; it needs just one")
    return str(found[0])


def chain(certificate: str, authorities: Sequence[str]) -> str:
    """A certificate and what leads from it to a root that its readers already have."""
    between = [pem for pem in authorities if not _is_root(pem)]
    return "".join(f"{pem.strip()}\n" for pem in (certificate, *between))


def identity(key: Key, certificates: str) -> str:
    """The content of an identity file. Raises IdentityError when the certificate is for another key."""
    leaf = x509.load_pem_x509_certificate(certificates.encode())
    if _public(leaf.public_key()) != _public(key.public_key()):
        raise IdentityError("the certificate that came is for another key; enrol this host again")
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return private.decode() + certificates


def parse(pem: str) -> Certificate:
    """What the first certificate of a PEM text says. Raises ValueError."""
    start = pem.find("-----BEGIN CERTIFICATE-----")
    if start < 0:
        raise ValueError("it has no certificate")
    found = x509.load_pem_x509_certificate(pem[start:].encode())
    names = found.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    begin, end = _validity(found)
    return Certificate(
        name=str(names[0].value) if len(names) == 1 else "",
        serial=f"{found.serial_number:x}",
        not_before=begin,
        not_after=end,
        pem=pem[start:],
    )


def read(path: Path) -> Certificate:
    """The certificate of an identity file. Raises IdentityError."""
    try:
        return parse(path.read_text())
    except FileNotFoundError:
        raise IdentityError(f"{path} is missing: this host has not enrolled; `pulumi up` enrols it") from None
    except (OSError, ValueError) as error:
        raise IdentityError(f"{path} can't be used: {error}; enrol this host again") from error


@dataclass(frozen=True)
class _Asked:
    """All of a request that we look at."""

    is_signature_valid: bool
    subject: list[tuple[x509.ObjectIdentifier, str | bytes]]
    attributes: list[x509.ObjectIdentifier]
    extensions: list[x509.Extension[x509.ExtensionType]]


def _parsed_request(pem: str) -> _Asked:
    """The library parses a part when it is looked at, so all of it is done here."""
    try:
        found = x509.load_pem_x509_csr(pem.encode())
        return _Asked(
            is_signature_valid=found.is_signature_valid,
            subject=[(part.oid, part.value) for part in found.subject],
            attributes=[attribute.oid for attribute in found.attributes],
            extensions=list(found.extensions),
        )
    except _UNREADABLE:
        raise MalformedRequestError("csr is no certificate request in PEM") from None


def _check_names(value: x509.ExtensionType, names: Sequence[str]) -> None:
    asked = list(value) if isinstance(value, x509.SubjectAlternativeName) else []
    for name in asked:
        if not isinstance(name, x509.DNSName) or name.value not in names:
            raise RequestRefusedError(
                f"the certificate request asks for the name {name.value!s}; only {', '.join(names)} may be"
            )


def _is_root(pem: str) -> bool:
    certificate = x509.load_pem_x509_certificate(pem.encode())
    return certificate.issuer == certificate.subject


def _public(key: object) -> bytes:
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise IdentityError("the certificate that came is not for an elliptic-curve key; enrol again")
    return key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def _validity(certificate: x509.Certificate) -> tuple[datetime, datetime]:
    """Both ends of its life, also on Debian 12, whose cryptography gives them without a time zone only."""
    if hasattr(certificate, "not_valid_after_utc"):
        return certificate.not_valid_before_utc, certificate.not_valid_after_utc
    return certificate.not_valid_before.replace(tzinfo=UTC), certificate.not_valid_after.replace(tzinfo=UTC)


def time_left(certificate: Certificate) -> timedelta:
    return certificate.not_after - datetime.now(UTC)
