"""The vault of the local cloud: a real OpenBao server, initialised, unsealed and looked after."""

from local_cloud.hypervisor.vault.vault import Vault

__all__ = ["Vault"]
