"""An agent of a tenant before its guardrail: identities that one knows, and what is asked with them."""

import time
from pathlib import Path

from runtime_driver import VaultTenant

from agent_runtime import certificates
from agent_runtime.enrolments import Enrolments
from agent_runtime.guardrail_client import GuardrailClient
from agent_runtime.identity import new_identity
from agent_runtime.places import Places
from agent_runtime.settings import Settings, names_of

GUARDRAIL = "acme-guardrail-1"
AGENT = "acme-agent-writer-1"


def known(tenant: VaultTenant, served: Places, file: Path, host: str) -> Path:
    """An identity file that the guardrail knows as its host's."""
    tenant.certificate(file, "agent", *names_of(tenant.name, host))
    Enrolments(served.enrolments).record(certificates.read(file))
    return file


def enrolled(tenant: VaultTenant, settings: Settings, file: Path) -> Path:
    """An identity file, by an enrolment from end to end."""
    token = tenant.wrapping_token("agent", settings.host)
    client = GuardrailClient(settings)
    file.write_text(new_identity(settings, lambda csr: client.enrol(tenant.role_id("agent"), token, csr)))
    return file


def renewed(settings: Settings, file: Path) -> Path:
    new = file.with_suffix(".renewed")
    new.write_text(new_identity(settings, GuardrailClient(settings, file).renew))
    return new


def wait_for_another_second() -> None:
    """Certificates tell whole seconds."""
    begun = int(time.time())
    while int(time.time()) == begun:
        time.sleep(0.02)


def request(host: str = AGENT, *more: str) -> str:
    return certificates.request(certificates.new_key(), (*names_of("acme", host), *more))
