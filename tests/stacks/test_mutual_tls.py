"""A host's runtime API that checks certificates, and ones that don't check enough, as `verify` sees them."""

import asyncio
import ssl
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import hvac
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from components.flows import Endpoint
from stacks.verification.hosts import Member
from stacks.verification.mutual_tls import Credentials, credentials, objections_to

NAME = "acme-agent-a-1"
HOST = Member(tenant="acme", tier=Endpoint.AGENT, name=NAME, address="x", mesh_address="127.0.0.1")
TENANTS = ("acme", "globex")


class _Pki:
    """One tenant's authority."""

    def __init__(self, tenant: str) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name.from_rfc4514_string(f"CN={tenant}")
        self.certificate = self._signed(tenant, self._key, ca=True)

    def issued(self, name: str) -> tuple[str, str]:
        """A certificate and its key, in PEM."""
        key = ec.generate_private_key(ec.SECP256R1())
        form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        return self._signed(name, key, ca=False), key.private_bytes(*form).decode()

    def _signed(self, name: str, key: ec.EllipticCurvePrivateKey, *, ca: bool) -> str:
        now = datetime.now(UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(x509.Name.from_rfc4514_string(f"CN={name}"))
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(minutes=1))
            .not_valid_after(now + timedelta(hours=1))
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        )
        return builder.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()


@pytest.fixture(scope="module")
def authorities() -> dict[str, _Pki]:
    return {tenant: _Pki(tenant) for tenant in TENANTS}


@pytest.fixture(scope="module")
def known(authorities: dict[str, _Pki]) -> dict[str, Credentials]:
    class Secrets:
        def generate_certificate(self, *, mount_point: str, common_name: str, **_: Any) -> dict[str, Any]:
            authority = authorities[mount_point.split("/")[1]]
            certificate, key = authority.issued(common_name)
            data = {"certificate": certificate, "private_key": key, "issuing_ca": authority.certificate}
            return {"data": data}

    class Vault:
        url = "https://vault.test"
        secrets = type("Engines", (), {"pki": Secrets()})

    return credentials(cast("hvac.Client", Vault()), TENANTS)


def _objections(
    known: dict[str, Credentials], pki: _Pki, folder: Path, *, trusted: Sequence[_Pki], asks: bool = True
) -> list[str]:
    """Of a server with a certificate of `pki`, which lets in whose certificates `trusted` have signed."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    (folder / "pair.pem").write_text("".join(pki.issued(NAME)))
    context.load_cert_chain(folder / "pair.pem")
    if asks:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(cadata="".join(each.certificate for each in trusted))

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        await writer.drain()
        writer.close()

    async def conversation() -> list[str]:
        server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=context)
        async with server:
            return await objections_to(HOST, known, server.sockets[0].getsockname()[1])

    return asyncio.run(conversation())


def test_a_host_that_lets_in_its_own_control_plane_alone_passes(
    known: dict[str, Credentials], authorities: dict[str, _Pki], tmp_path: Path
) -> None:
    own = authorities["acme"]
    assert _objections(known, own, tmp_path, trusted=[own]) == []


def test_a_host_that_lets_in_another_tenant_s_certificate_is_noticed(
    known: dict[str, Credentials], authorities: dict[str, _Pki], tmp_path: Path
) -> None:
    own = authorities["acme"]
    (objection,) = _objections(known, own, tmp_path, trusted=[own, authorities["globex"]])
    assert "globex" in objection, "the client must not be the one that refuses"


def test_a_host_that_asks_for_no_certificate_is_noticed(
    known: dict[str, Credentials], authorities: dict[str, _Pki], tmp_path: Path
) -> None:
    objections = _objections(known, authorities["acme"], tmp_path, trusted=(), asks=False)
    assert len(objections) == 2, "nobody, and the stranger"


def test_a_host_with_another_tenant_s_certificate_is_noticed(
    known: dict[str, Credentials], authorities: dict[str, _Pki], tmp_path: Path
) -> None:
    (objection,) = _objections(known, authorities["globex"], tmp_path, trusted=[authorities["acme"]])
    assert "own control plane" in objection, "the control plane trusts the tenant's own PKI alone"
