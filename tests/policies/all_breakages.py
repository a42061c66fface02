"""The breakages of all themes."""

import breakages_clusters
import breakages_cost
import breakages_data
import breakages_edge
import breakages_firewalls
import breakages_hosts
import breakages_known_types
import breakages_mesh
import breakages_network
import breakages_references
import breakages_remote
import breakages_tailnet
import breakages_tenancy
import breakages_user_data
import breakages_vault
from breakage import Breakage

BREAKAGES: tuple[Breakage, ...] = (
    *breakages_network.BREAKAGES,
    *breakages_firewalls.BREAKAGES,
    *breakages_edge.BREAKAGES,
    *breakages_hosts.BREAKAGES,
    *breakages_user_data.BREAKAGES,
    *breakages_clusters.BREAKAGES,
    *breakages_data.BREAKAGES,
    *breakages_mesh.BREAKAGES,
    *breakages_tailnet.BREAKAGES,
    *breakages_vault.BREAKAGES,
    *breakages_remote.BREAKAGES,
    *breakages_tenancy.BREAKAGES,
    *breakages_references.BREAKAGES,
    *breakages_known_types.BREAKAGES,
    *breakages_cost.BREAKAGES,
)
