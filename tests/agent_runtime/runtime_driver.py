"""Tenants for tests of the runtime, with an authority of their own or in a real vault; servers at work."""

import contextlib
import threading
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import hvac
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from vault_server import RunningVault

from agent_runtime.https import Service, client_context
from agent_runtime.places import Places
from agent_runtime.server.server import Server
from agent_runtime.settings import Settings, VaultPlace
from components import vault_layout

LOOPBACK = "127.0.0.1"
HOUR = timedelta(hours=1)
AGENTS = ("acme-agent-writer-1", "acme-agent-reader-1", "acme-agent-forgetful-1")
"""The agents' hosts that a guardrail is told of."""


class Authority:
    """A tenant's certificate authority, for tests that need no vault."""

    def __init__(self, folder: Path, name: str) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        extension = x509.BasicConstraints(ca=True, path_length=0)
        certificate = self._builder(self._name, self._key, HOUR).add_extension(extension, critical=True)
        self.file = folder / f"{name}.crt"
        self.file.write_bytes(
            certificate.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
        )

    def issue(self, file: Path, *names: str, lives: timedelta = HOUR) -> Path:
        """An identity file: a key, and a certificate for these names that has begun to live just now."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])])
        alternatives = x509.SubjectAlternativeName([x509.DNSName(name) for name in names])
        certificate = (
            self._builder(subject, key, lives)
            .add_extension(alternatives, critical=False)
            .sign(self._key, hashes.SHA256())
        )
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        partial = file.with_suffix(f".{uuid.uuid4()}")
        partial.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
        partial.replace(file)
        return file

    def _builder(
        self, subject: x509.Name, key: ec.EllipticCurvePrivateKey, lives: timedelta
    ) -> x509.CertificateBuilder:
        now = datetime.now(UTC).replace(microsecond=0)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now)
            .not_valid_after(now + lives)
        )


@dataclass(frozen=True, kw_only=True)
class VaultTenant:
    """A tenant as the platform makes it in the vault, by the layout that the platform uses."""

    name: str
    vault: RunningVault
    ca_file: Path

    @classmethod
    def made(cls, name: str, vault: RunningVault, folder: Path) -> "VaultTenant":
        root = vault.root
        for mount in (vault_layout.keys_mount(name), vault_layout.volumes_mount(name)):
            root.sys.enable_secrets_engine("kv", path=mount, options={"version": "2"})
        pki = vault_layout.pki_mount(name)
        root.sys.enable_secrets_engine("pki", path=pki, config={"max_lease_ttl": "87600h"})
        made = root.secrets.pki.generate_root("internal", f"{name} CA", mount_point=pki)
        for role, settings in vault_layout.pki_roles(name).items():
            root.secrets.pki.create_or_update_role(role, settings, mount_point=pki)
        cls._roles(name, root)
        ca_file = folder / f"{name}-ca.crt"
        ca_file.write_text(made["data"]["certificate"])
        return cls(name=name, vault=vault, ca_file=ca_file)

    @staticmethod
    def _roles(name: str, root: hvac.Client) -> None:
        if "approle/" not in root.sys.list_auth_methods()["data"]:
            root.sys.enable_auth_method("approle")
        for role in vault_layout.ROLES:
            full = vault_layout.role_name(name, role)
            root.sys.create_or_update_policy(full, vault_layout.policy(name, role))
            root.write_data(f"auth/approle/role/{full}", data=vault_layout.app_role(name, role))

    def role_id(self, role: vault_layout.Role) -> str:
        answer = self.vault.root.auth.approle.read_role_id(vault_layout.role_name(self.name, role))
        return str(answer["data"]["role_id"])

    def wrapping_token(self, role: vault_layout.Role, host: str) -> str:
        """A one-time secret for this host, as the control plane makes it."""
        answer = self.vault.root.auth.approle.generate_secret_id(
            vault_layout.role_name(self.name, role), metadata={"host": host}, wrap_ttl="120s"
        )
        return str(answer["wrap_info"]["token"])

    def guardrail_token(self, host: str) -> str:
        """What a guardrail's enrolment leaves it with."""
        root = self.vault.root
        secret = root.auth.approle.generate_secret_id(
            vault_layout.role_name(self.name, "guardrail"), metadata={"host": host}
        )["data"]["secret_id"]
        answer = root.auth.approle.login(self.role_id("guardrail"), secret, use_token=False)
        return str(answer["auth"]["client_token"])

    def certificate(self, file: Path, role: str, *names: str, ttl: str = "1h") -> Path:
        """An identity file from the tenant's PKI, without an enrolment."""
        answer = self.vault.root.secrets.pki.generate_certificate(
            role,
            names[0],
            extra_params={"alt_names": ",".join(names), "ttl": ttl},
            mount_point=vault_layout.pki_mount(self.name),
        )["data"]
        file.write_text(f"{answer['private_key']}\n{answer['certificate']}\n")
        return file

    def settings(self, host: str, tier: str, **changes: Any) -> Settings:
        return replace(settings(self.name, host, tier, self.ca_file, self.vault), **changes)


def settings(tenant: str, host: str, tier: str, ca_file: Path, vault: RunningVault | None = None) -> Settings:
    place = VaultPlace(address=vault.address, certificate=vault.ca_file) if vault else None
    return Settings(
        tenant=tenant,
        host=host,
        tier="guardrail" if tier == "guardrail" else "agent",
        vpc_address=LOOPBACK,
        guardrail=f"guardrail.{tenant}.tenantry.internal",
        tenant_ca=ca_file,
        certificate_ttl=3600,
        release="0" * 64,
        volume=None,
        vault=place if tier == "guardrail" else None,
        agents=frozenset(AGENTS) if tier == "guardrail" else frozenset(),
    )


def places(folder: Path) -> Places:
    """A host's folders, empty."""
    found = Places(folder)
    found.identity.parent.mkdir(parents=True)
    found.enrolments.mkdir(parents=True)
    return found


@contextlib.contextmanager
def running(server: Server) -> Iterator[int]:
    """The server at work; its port."""
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield int(server.server_address[1])
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def client(host: str, port: int, ca: Path, identity: Path | None = None) -> Service:
    return Service(name="the server", host=host, port=port, context=client_context(ca, identity))
