"""mTLS from the control plane to hosts: their own tenant's certificate is let in, another's and none are not.

The certificates are the vault's, for five minutes; their keys are files only while OpenSSL reads them.
"""

import asyncio
import os
import ssl
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx
import hvac

from components.vault_client import explained
from components.vault_layout import CONTROL_PLANE, pki_mount
from stacks.verification.findings import Finding, Objections, finding
from stacks.verification.hosts import Member, Tenancy

LIFETIME = "5m"
PORT = 9443
SECONDS = 10.0
CHECK = "runtime API by mTLS of its own tenant alone"


@dataclass(frozen=True, kw_only=True)
class Credentials:
    """The control plane's certificate of one tenant's PKI, shown in two ways.

    `own` trusts that PKI alone. `stranger` trusts anybody: at another tenant's host it must be the host that
    refuses, and not this client, which would refuse such a host itself.
    """

    own: ssl.SSLContext
    stranger: ssl.SSLContext


def credentials(vault: hvac.Client, tenants: Sequence[str]) -> dict[str, Credentials]:
    """By tenant. Raises VaultError."""
    return {tenant: _issued(vault, tenant) for tenant in tenants}


def _issued(vault: hvac.Client, tenant: str) -> Credentials:
    with explained(vault.url, f"a certificate of the PKI of {tenant!r}"):
        issued = vault.secrets.pki.generate_certificate(
            name=CONTROL_PLANE,
            common_name=CONTROL_PLANE,
            extra_params={"ttl": LIFETIME},
            mount_point=pki_mount(tenant),
        )["data"]
    own, stranger = ssl.create_default_context(cadata=issued["issuing_ca"]), _trusting_anyone()
    with tempfile.TemporaryDirectory(prefix="tenantry-") as folder:
        pair = Path(folder) / "pair.pem"
        with os.fdopen(os.open(pair, os.O_CREAT | os.O_WRONLY, 0o600), "w") as file:
            file.write(f"{issued['private_key']}\n{issued['certificate']}\n")
        for context in (own, stranger):
            context.load_cert_chain(pair)
    return Credentials(own=own, stranger=stranger)


def _trusting_anyone() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


async def runtime_apis(tenancies: Sequence[Tenancy], known: Mapping[str, Credentials]) -> list[Finding]:
    """Every host's runtime API, asked as its own control plane, as each other tenant's, and as nobody."""
    hosts = [host for each in tenancies for host in each.hosts if host.mesh_address]
    objections = await asyncio.gather(*(objections_to(host, known) for host in hosts))
    return [finding(host, CHECK, found) for host, found in zip(hosts, objections, strict=True)]


async def objections_to(host: Member, known: Mapping[str, Credentials], port: int = PORT) -> Objections:
    """What is wrong about whom the host lets in."""
    strangers = {tenant: each.stranger for tenant, each in known.items() if tenant != host.tenant}
    contexts = {"nobody": _trusting_anyone(), **strangers}
    own, *others = await asyncio.gather(
        _ask(host, known[host.tenant].own, port), *(_ask(host, each, port) for each in contexts.values())
    )
    objections = [
        f"{name!r} gets an answer, {status}"
        for name, status in zip(contexts, others, strict=True)
        if isinstance(status, int)
    ]
    return objections if own == httpx.codes.OK else [*objections, f"its own control plane gets: {own}"]


async def _ask(host: Member, context: ssl.SSLContext, port: int) -> int | str:
    """The status of its health, or the name of what went wrong."""
    try:
        async with httpx.AsyncClient(verify=context, timeout=SECONDS) as client:
            answer = await client.get(
                f"https://{host.mesh_address}:{port}/v1/health", extensions={"sni_hostname": host.name}
            )
    except (httpx.HTTPError, ssl.SSLError) as error:
        return f"{type(error).__name__}: {error}"
    return answer.status_code
