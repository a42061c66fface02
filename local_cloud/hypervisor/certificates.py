"""A certificate authority of our own, and the certificates of servers."""

import os
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

CA_LIFETIME = timedelta(days=3650)
SERVER_LIFETIME = timedelta(days=397)
"""The longest that clients of the web accept (CA/Browser Forum, ballot SC31)."""
RENEWAL = timedelta(days=30)
CLOCK_SKEW = timedelta(hours=1)

Certificate = tuple[x509.Certificate, ec.EllipticCurvePrivateKey]


class Authority:
    """A CA, kept in `directory` as ca.crt and ca.key, which only root can read."""

    def __init__(self, directory: Path, name: str) -> None:
        self._directory = directory
        self._name = name

    @property
    def certificate_file(self) -> Path:
        return self._directory / "ca.crt"

    def certificate(self) -> str:
        """The CA's certificate in PEM; made when there is none."""
        certificate, _ = self._load()
        return certificate.public_bytes(serialization.Encoding.PEM).decode()

    def issue(
        self, directory: Path, hostnames: Sequence[str], addresses: Sequence[IPv4Address], owner: int
    ) -> None:
        """Keep server.crt and server.key in `directory` valid for these names and addresses.

        The key belongs to user id `owner` and is readable by no other. A certificate that names the same and
        has a month left is kept.
        """
        names = [*map(x509.DNSName, hostnames), *map(x509.IPAddress, addresses)]
        authority, _ = self._load()
        if not _is_good(directory / "server.crt", authority, names):
            certificate, key = self._server(names)
            write_private(directory / "server.key", _private_pem(key))
            _write(directory / "server.crt", certificate.public_bytes(serialization.Encoding.PEM))
        os.chown(directory / "server.key", owner, -1)

    def _load(self) -> Certificate:
        key_file = self._directory / "ca.key"
        if not (key_file.exists() and self.certificate_file.exists()):
            certificate, key = self._authority()
            write_private(key_file, _private_pem(key))
            _write(self.certificate_file, certificate.public_bytes(serialization.Encoding.PEM))
            return certificate, key
        loaded = serialization.load_pem_private_key(key_file.read_bytes(), password=None)
        if not isinstance(loaded, ec.EllipticCurvePrivateKey):
            raise TypeError(
                f"{key_file} is no elliptic curve key: delete it and ca.crt to have new ones made"
            )
        return x509.load_pem_x509_certificate(self.certificate_file.read_bytes()), loaded

    def _authority(self) -> Certificate:
        key = ec.generate_private_key(ec.SECP256R1())
        name = _name(f"{self._name} Project CA")
        builder = (
            _builder(name, name, key, CA_LIFETIME)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(signs_certificates=True), critical=True)
        )
        return builder.sign(key, hashes.SHA256()), key

    def _server(self, names: Sequence[x509.GeneralName]) -> Certificate:
        authority, authority_key = self._load()
        key = ec.generate_private_key(ec.SECP256R1())
        issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key())
        builder = (
            _builder(_name(self._name), authority.subject, key, SERVER_LIFETIME)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(signs_certificates=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(issuer, critical=False)
            .add_extension(x509.SubjectAlternativeName(names), critical=False)
        )
        return builder.sign(authority_key, hashes.SHA256()), key


def write_private(file: Path, content: bytes) -> None:
    """Write a file that only its owner can read, at no moment otherwise, and whole or not at all."""
    partial = file.with_name(f"{file.name}.partial")
    partial.unlink(missing_ok=True)
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as output:
        output.write(content)
    partial.replace(file)


def _write(file: Path, content: bytes) -> None:
    write_private(file, content)
    file.chmod(0o644)


def _is_good(file: Path, authority: x509.Certificate, names: Sequence[x509.GeneralName]) -> bool:
    if not (file.exists() and file.with_name("server.key").exists()):
        return False
    certificate = x509.load_pem_x509_certificate(file.read_bytes())
    named = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    has_time_left = certificate.not_valid_after_utc - datetime.now(UTC) > RENEWAL
    return certificate.issuer == authority.subject and set(named) == set(names) and has_time_left


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, lifetime: timedelta
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - CLOCK_SKEW)
        .not_valid_after(now + lifetime)
        .add_extension(identifier, critical=False)
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _name(common_name: str) -> x509.Name:
    # RFC 5280, A.1: a common name has 64 characters at most.
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name[:64])])


def _private_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
