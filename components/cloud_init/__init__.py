"""The user-data of a hardened Debian 12 host, as one `#cloud-config` document.

What a host runs (agent, guardrail) is deliberately not here, nor is any credential but the key by which it
joins the mesh: cloud-init makes a host safe and reachable, a release and its credentials are put on it.
"""

from components.cloud_init.host import HostConfig, user_data
from components.cloud_init.mesh import MeshJoin

__all__ = ["HostConfig", "MeshJoin", "user_data"]
