"""Where things lie on a host. `root` is another folder only in tests."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Places:
    """All paths of the runtime."""

    root: Path = Path("/")

    @property
    def settings(self) -> Path:
        return self.root / "etc/tenantry/host.json"

    @property
    def identity(self) -> Path:
        """Key, certificate and what leads from it to the CA, in one file: it is replaced in one step."""
        return self.root / "var/lib/tenantry/identity/identity.pem"

    @property
    def vault_token(self) -> Path:
        """The guardrail's; no other host has one."""
        return self.root / "var/lib/tenantry/identity/vault-token"

    @property
    def enrolments(self) -> Path:
        """The guardrail's: which certificate each agent's host was enrolled with. systemd makes it."""
        return self.root / "var/lib/tenantry-guardrail"

    @property
    def volume(self) -> Path:
        """The mount point of the data volume's file system."""
        return self.root / "var/lib/tenantry/volume"

    @property
    def data(self) -> Path:
        """The encrypted folder of the data volume; services see it here and only while it is unlocked."""
        return self.root / "var/lib/tenantry/data"

    @property
    def devices(self) -> Path:
        return self.root / "dev/disk/by-id"

    @property
    def releases(self) -> Path:
        return self.root / "opt/tenantry/releases"

    @property
    def current(self) -> Path:
        """A link to the folder of the release in use."""
        return self.root / "opt/tenantry/current"

    @property
    def installed(self) -> Path:
        """What the running services were last started with."""
        return self.root / "opt/tenantry/installed.json"

    @property
    def units(self) -> Path:
        return self.root / "etc/systemd/system"

    @property
    def users(self) -> Path:
        return self.root / "etc/sysusers.d/tenantry.conf"

    @property
    def fscrypt(self) -> Path:
        return self.root / "etc/fscrypt.conf"
