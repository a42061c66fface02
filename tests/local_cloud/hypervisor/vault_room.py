"""The vault as the supervisor runs it, but for the mesh: its address is on a loopback."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import IPv4Address
from pathlib import Path

import hvac
from isolation import enter
from stage import manifest

from local_cloud.hypervisor import namespaces
from local_cloud.hypervisor.certificates import Authority
from local_cloud.hypervisor.containers.cgroups import Cgroups
from local_cloud.hypervisor.mesh.member import Identity
from local_cloud.hypervisor.vault import Vault


class PlainMesh:
    """Gives out the address that it was made with."""

    def __init__(self, directory: Path, address: str = "100.64.0.2") -> None:
        directory.mkdir(exist_ok=True)
        self.address = IPv4Address(address)
        self.authority = Authority(directory, "Local cloud")
        self.authority.certificate()

    def join(self, identity: Identity) -> IPv4Address:
        namespaces.create(identity.namespace)
        with namespaces.links(identity.namespace) as ip:
            loopback = ip.link_lookup(ifname="lo")[0]
            ip.addr("replace", index=loopback, address=str(self.address), prefixlen=32)
        return self.address


class VaultRoom:
    """`state` is the vault's own folder."""

    def __init__(self, directory: Path, cgroups: Cgroups) -> None:
        self.state = directory / "vault"
        self.mesh = PlainMesh(directory / "mesh")
        self._cgroups = cgroups

    def vault(self) -> Vault:
        found = manifest()
        image = Path(found["images"]["debian-12-x64"])
        return Vault(self.state, Path(found["openbao"]), image, self.mesh, self._cgroups)

    @contextmanager
    def running(self) -> Iterator[Vault]:
        vault = self.vault()
        vault.start()
        try:
            yield vault
        finally:
            vault.close()

    @contextmanager
    def client(self, token: str | None = None) -> Iterator[hvac.Client]:
        """The operator's, or with another token; from inside the vault's namespace."""
        url, ca_file = (self.state / "address").read_text(), str(self.state / "ca.crt")
        with namespaces.entered("vault"):
            yield hvac.Client(url=url, token=token or self.operator_token, verify=ca_file, timeout=10)

    @property
    def operator_token(self) -> str:
        return (self.state / "operator-token").read_text()

    @property
    def root_token(self) -> str:
        token: str = json.loads((self.state / "init.json").read_text())["root_token"]
        return token

    def process_ids(self) -> list[int]:
        """Of the server itself: in these namespaces there is no other."""
        found = subprocess.run(
            ["pgrep", "--exact", "bao"], capture_output=True, text=True, check=False
        ).stdout.split()
        return [int(pid) for pid in found]


@contextmanager
def vault_room(directory: Path) -> Iterator[VaultRoom]:
    cgroups = enter()
    try:
        yield VaultRoom(directory, cgroups)
    finally:
        cgroups.remove_all()
