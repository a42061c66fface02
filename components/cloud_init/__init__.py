"""The user-data of a hardened Debian 12 host, as one `#cloud-config` document.

What a host runs (agent, guardrail) is deliberately not here: cloud-init makes a host safe, a release is put
on it.
"""

from components.cloud_init.access import CacheAccess, DatabaseAccess
from components.cloud_init.host import HostConfig, user_data

__all__ = ["CacheAccess", "DatabaseAccess", "HostConfig", "user_data"]
