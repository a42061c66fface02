"""The rights that the layout gives, tried against a real vault: two tenants, each role, each thing."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import hvac
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from odd_requests import EXTENSIONS, attribute, extension, request, smuggled
from vault_server import RunningVault, running_vault

from components import vault_layout as layout
from components.vault_provider import (
    AppRoleProvider,
    AuthMethodProvider,
    CertificateAuthorityProvider,
    MountProvider,
    SettingProvider,
    SshAuthorityProvider,
)

TENANTS = ("acme", "globex")
REFUSED = hvac.exceptions.Forbidden


@dataclass(frozen=True)
class Identities:
    """A vault with two tenants, and a client for each role of theirs."""

    vault: RunningVault
    role_ids: dict[tuple[str, layout.Role], str]

    def secret_id(self, tenant: str, role: layout.Role) -> str:
        wrapped = self.vault.operator.auth.approle.generate_secret_id(
            layout.role_name(tenant, role), wrap_ttl="60s"
        )
        token = wrapped["wrap_info"]["token"]
        return str(self.vault.client(token).sys.unwrap()["data"]["secret_id"])

    def login(self, tenant: str, role: layout.Role, secret_id: str | None = None) -> hvac.Client:
        client = self.vault.client()
        secret = secret_id or self.secret_id(tenant, role)
        client.auth.approle.login(self.role_ids[tenant, role], secret)
        return client


def mount(path: str, kind: str, **settings: Any) -> None:
    MountProvider().create({"path": path, "type": kind, "options": {}, "config": {}, **settings})


def set_up(tenant: str) -> Iterator[tuple[tuple[str, layout.Role], str]]:
    for path in (layout.keys_mount(tenant), layout.volumes_mount(tenant)):
        mount(path, "kv", options={"version": "2"})
    pki = layout.pki_mount(tenant)
    mount(pki, "pki", config={"max_lease_ttl": layout.AUTHORITY_SECONDS})
    CertificateAuthorityProvider().create({"path": pki, "settings": layout.authority(tenant)})
    for role, data in layout.pki_roles(tenant).items():
        SettingProvider().create({"path": f"{pki}/roles/{role}", "data": data})
    for app_role in layout.ROLES:
        name = layout.role_name(tenant, app_role)
        policy = {"policy": layout.policy(tenant, app_role)}
        SettingProvider().create({"path": f"sys/policies/acl/{name}", "data": policy})
        settings = {"path": f"auth/approle/role/{name}", "data": layout.app_role(tenant, app_role)}
        outs = AppRoleProvider().create(settings).outs
        assert outs is not None
        yield (tenant, app_role), outs["role_id"]


@pytest.fixture(scope="module")
def identities(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Identities]:
    with running_vault(tmp_path_factory.mktemp("vault")) as vault, pytest.MonkeyPatch.context() as patch:
        for name, value in vault.environment.items():
            patch.setenv(name, value)
        AuthMethodProvider().create({"path": "approle", "type": "approle", "options": {}, "config": {}})
        mount("ssh", "ssh")
        SshAuthorityProvider().create({"path": "ssh", "settings": layout.SSH_AUTHORITY})
        SettingProvider().create(
            {"path": f"ssh/roles/{layout.SSH_ROLE}", "data": layout.ssh_role(TENANTS)},
        )
        role_ids = {key: value for tenant in TENANTS for key, value in set_up(tenant)}
        for tenant in TENANTS:
            kv = vault.operator.secrets.kv.v2
            path = layout.provider_key("anthropic")
            kv.create_or_update_secret(path, {"key": f"of {tenant}"}, mount_point=layout.keys_mount(tenant))
        yield Identities(vault, role_ids)


@pytest.fixture(scope="module")
def guardrail(identities: Identities) -> hvac.Client:
    return identities.login("acme", "guardrail")


@pytest.fixture(scope="module")
def agent(identities: Identities) -> hvac.Client:
    return identities.login("acme", "agent")


def read_key(client: hvac.Client, tenant: str) -> str:
    answer = client.secrets.kv.v2.read_secret_version(
        layout.provider_key("anthropic"),
        mount_point=layout.keys_mount(tenant),
        raise_on_deleted_version=True,
    )
    return str(answer["data"]["data"]["key"])


def csr(name: str) -> str:
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    builder = x509.CertificateSigningRequestBuilder().subject_name(subject)
    signed = builder.sign(ec.generate_private_key(ec.SECP256R1()), hashes.SHA256())
    return signed.public_bytes(serialization.Encoding.PEM).decode()


def signed(client: hvac.Client, tenant: str, role: str, name: str, *more: str) -> x509.Certificate:
    path = f"{layout.pki_mount(tenant)}/sign/{role}"
    names = {"common_name": name, "alt_names": ",".join((name, *more))}
    answer = client.write_data(path, data={"csr": csr(name), **names})
    return x509.load_pem_x509_certificate(answer["data"]["certificate"].encode())


def names_in(certificate: x509.Certificate) -> set[str]:
    """All of them, of whatever kind."""
    found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return {str(name.value) for name in found}


def test_a_guardrail_reads_its_own_tenants_key(guardrail: hvac.Client) -> None:
    assert read_key(guardrail, "acme") == "of acme"


def test_a_guardrail_reads_no_other_tenants_key(guardrail: hvac.Client) -> None:
    with pytest.raises(REFUSED):
        read_key(guardrail, "globex")


@pytest.mark.parametrize("tenant", TENANTS)
def test_an_agent_reads_no_key_at_all(agent: hvac.Client, tenant: str) -> None:
    with pytest.raises(REFUSED):
        read_key(agent, tenant)


@pytest.mark.parametrize(
    "attempt",
    [
        lambda c: c.write_data("tenants/acme/keys/data/providers/anthropic", data={"data": {"key": "x"}}),
        lambda c: c.write_data("sys/policies/acl/tenant-acme-guardrail", data={"policy": 'path "*" {}'}),
        lambda c: c.write_data("auth/approle/role/tenant-acme-guardrail/secret-id", data={}),
        lambda c: c.write_data("auth/token/create", data={"policies": ["tenant-acme-guardrail"]}),
        lambda c: c.write_data("tenants/acme/pki/issue/agent", data={"common_name": "acme-agent-x-1"}),
        lambda c: c.write_data("ssh/sign/control-plane", data={"public_key": "ssh-ed25519 AAAA"}),
        lambda c: c.read("sys/mounts"),
        lambda c: c.list("tenants/acme/volumes/metadata"),
    ],
    ids=["write a key", "policy", "secret id", "token", "private key", "ssh", "mounts", "volumes"],
)
@pytest.mark.parametrize("role", layout.ROLES)
def test_no_role_can_do_what_is_not_its_own(
    identities: Identities, role: layout.Role, attempt: Callable[[hvac.Client], object]
) -> None:
    client = identities.login("acme", role)
    with pytest.raises(REFUSED):
        attempt(client)


def test_a_volumes_key_is_written_once_and_read_and_never_written_again(guardrail: hvac.Client) -> None:
    kv = guardrail.secrets.kv.v2
    place = layout.volumes_mount("acme")
    kv.create_or_update_secret("acme-agent-a-1", {"key": "first"}, mount_point=place)
    with pytest.raises(REFUSED):
        kv.create_or_update_secret("acme-agent-a-1", {"key": "second"}, mount_point=place)
    read = kv.read_secret_version("acme-agent-a-1", mount_point=place, raise_on_deleted_version=True)
    assert read["data"]["data"] == {"key": "first"}, "a second key would lock the data away"


def test_the_operator_reads_no_volumes_key(identities: Identities) -> None:
    with pytest.raises(REFUSED):
        identities.vault.operator.read("tenants/acme/volumes/data/acme-agent-a-1")


def test_a_certificate_lives_hours_and_at_most_a_day(guardrail: hvac.Client) -> None:
    certificate = signed(guardrail, "acme", "agent", "acme-agent-writer-1")
    life = certificate.not_valid_after_utc - certificate.not_valid_before_utc
    assert layout.CERTIFICATE_SECONDS <= life.total_seconds() < layout.CERTIFICATE_SECONDS + 120
    data = {"csr": csr("acme-agent-writer-1"), "common_name": "acme-agent-writer-1", "ttl": "720h"}
    answer = guardrail.write_data(f"{layout.pki_mount('acme')}/sign/agent", data=data)
    longest = x509.load_pem_x509_certificate(answer["data"]["certificate"].encode())
    asked = longest.not_valid_after_utc - longest.not_valid_before_utc
    assert asked.total_seconds() < layout.LONGEST_CERTIFICATE_SECONDS + 120, "whatever is asked for"


@pytest.mark.parametrize(
    ("role", "names"),
    [
        ("agent", ("acme-agent-writer-1", "acme-agent-writer-1.acme.tenantry.internal")),
        ("guardrail", ("acme-guardrail-1", "acme-guardrail-1.acme.tenantry.internal")),
        ("guardrail", ("acme-guardrail-1", "guardrail.acme.tenantry.internal")),
    ],
)
def test_a_host_gets_a_certificate_for_its_own_names(
    guardrail: hvac.Client, role: str, names: tuple[str, ...]
) -> None:
    certificate = signed(guardrail, "acme", role, *names)
    assert names_in(certificate) == set(names)
    usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert {x509.ExtendedKeyUsageOID.SERVER_AUTH, x509.ExtendedKeyUsageOID.CLIENT_AUTH} == set(usage)


@pytest.mark.parametrize(
    ("role", "names"),
    [
        ("agent", ("control-plane",)),
        ("agent", ("acme-guardrail-1",)),
        ("agent", ("acme-agent-writer-1", "guardrail.acme.tenantry.internal")),
        ("agent", ("globex-agent-analyst-1",)),
        ("agent", ("localhost",)),
        ("guardrail", ("control-plane",)),
        ("guardrail", ("acme-agent-writer-1",)),
        ("guardrail", ("guardrail.globex.tenantry.internal",)),
    ],
)
def test_nobody_gets_a_certificate_for_anothers_name(
    guardrail: hvac.Client, role: str, names: tuple[str, ...]
) -> None:
    with pytest.raises(hvac.exceptions.InvalidRequest, match="not allowed"):
        signed(guardrail, "acme", role, *names)


def test_no_name_is_taken_from_a_request(agent: hvac.Client) -> None:
    own, others = "acme-agent-writer-1", ("acme-agent-reader-1", "acme-agent-reader-1.acme.tenantry.internal")
    plain = request(others[0], attribute(EXTENSIONS, extension(*others)))
    for asked in (plain, *smuggled(own, *others)):
        answer = agent.write_data("tenants/acme/pki/sign/agent", data={"csr": asked, "common_name": own})
        certificate = x509.load_pem_x509_certificate(answer["data"]["certificate"].encode())
        assert names_in(certificate) == {own}, "it gives a key and nothing else"
        assert certificate.subject.rfc4514_string() == f"CN={own}"


@pytest.mark.parametrize("role", ["agent", "guardrail"])
def test_no_certificate_is_for_an_address(guardrail: hvac.Client, role: str) -> None:
    name = f"acme-{role}-1" if role == "guardrail" else "acme-agent-writer-1"
    data = {"csr": csr(name), "common_name": name, "ip_sans": "10.1.2.3"}
    with pytest.raises(hvac.exceptions.InvalidRequest, match="not allowed"):
        guardrail.write_data(f"{layout.pki_mount('acme')}/sign/{role}", data=data)


def test_no_host_gets_the_control_planes_certificate(guardrail: hvac.Client, agent: hvac.Client) -> None:
    for client in (guardrail, agent):
        with pytest.raises(REFUSED):
            signed(client, "acme", layout.CONTROL_PLANE, "control-plane")


def test_the_control_planes_certificate_serves_nothing(identities: Identities) -> None:
    certificate = signed(identities.vault.operator, "acme", layout.CONTROL_PLANE, "control-plane")
    usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(usage) == [x509.ExtendedKeyUsageOID.CLIENT_AUTH], "who has it can't pose as a host"


def test_an_agent_can_only_have_agents_certificates_of_its_own_tenant(agent: hvac.Client) -> None:
    assert signed(agent, "acme", "agent", "acme-agent-writer-1")
    for tenant, role, name in (
        ("acme", "guardrail", "acme-guardrail-1"),
        ("globex", "agent", "globex-agent-analyst-1"),
    ):
        with pytest.raises(REFUSED):
            signed(agent, tenant, role, name)


def test_certificates_of_two_tenants_have_nothing_in_common(identities: Identities) -> None:
    issuers = {signed(identities.login(t, "guardrail"), t, "agent", f"{t}-agent-a-1").issuer for t in TENANTS}
    assert len(issuers) == 2, "a certificate of another tenant's must be refused"


def test_a_secret_id_logs_in_once(identities: Identities) -> None:
    secret_id = identities.secret_id("acme", "guardrail")
    identities.login("acme", "guardrail", secret_id)
    with pytest.raises(hvac.exceptions.InvalidRequest, match="invalid"):
        identities.login("acme", "guardrail", secret_id)


def test_a_secret_id_of_one_role_opens_no_other(identities: Identities) -> None:
    with pytest.raises(hvac.exceptions.InvalidRequest, match="invalid"):
        identities.login("acme", "guardrail", identities.secret_id("acme", "agent"))


def test_a_secret_id_is_had_wrapped_or_not_at_all(identities: Identities) -> None:
    with pytest.raises(REFUSED):
        identities.vault.operator.auth.approle.generate_secret_id(layout.role_name("acme", "agent"))


@pytest.mark.parametrize(
    ("role", "seconds"),
    [("guardrail", layout.GUARDRAIL_PERIOD_SECONDS), ("agent", layout.AGENT_TOKEN_SECONDS)],
)
def test_tokens_live_as_long_as_their_role_says_and_have_no_default_rights(
    identities: Identities, role: layout.Role, seconds: int
) -> None:
    token = identities.login("acme", role).lookup_token()["data"]
    assert token["policies"] == [layout.role_name("acme", role)], "not even the default policy"
    assert seconds - 60 <= token["ttl"] <= seconds
    assert bool(token.get("period")) == (role == "guardrail"), "only it lives as long as it is renewed"


def test_a_guardrail_renews_its_token_and_an_agent_can_not(identities: Identities) -> None:
    assert identities.login("acme", "guardrail").auth.token.renew_self()["auth"]["lease_duration"] > 0
    with pytest.raises(REFUSED):
        identities.login("acme", "agent").auth.token.renew_self()


def test_the_operators_ssh_certificate_names_the_hosts_of_listed_tenants_alone(
    identities: Identities,
) -> None:
    key = ed25519.Ed25519PrivateKey.generate().public_key()
    public = key.public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH).decode()

    def sign(principals: str) -> Any:
        asked = {"public_key": public, "valid_principals": principals}
        answer = identities.vault.operator.write_data(f"ssh/sign/{layout.SSH_ROLE}", data=asked)
        return serialization.load_ssh_public_identity(answer["data"]["signed_key"].encode())

    certificate = sign("tenant-acme")
    assert certificate.valid_principals == [b"tenant-acme"]
    assert certificate.valid_before - certificate.valid_after < layout.SSH_SECONDS + 120
    for principals in ("tenant-initech", "root", "tenant-acme,root"):
        with pytest.raises(hvac.exceptions.InvalidRequest):
            sign(principals)


@pytest.mark.parametrize("tenant", TENANTS)
def test_no_path_of_a_tenants_policy_is_outside_its_own_place(tenant: str) -> None:
    for role in layout.ROLES:
        for line in layout.policy(tenant, role).splitlines():
            if line.startswith("path"):
                path = line.split('"')[1]
                assert path.startswith((f"tenants/{tenant}/", "auth/token/")), f"{path} is not {tenant}'s"
                assert path.endswith(("-self", "+", "/sign/agent", "/sign/guardrail")), f"{path} is too much"
