"""The cases of all themes."""

import cases_clusters
import cases_cost
import cases_data
import cases_edge
import cases_firewalls
import cases_hosts
import cases_known_types
import cases_mesh
import cases_network
import cases_references
import cases_remote
import cases_tailnet
import cases_tenancy
import cases_user_data
import cases_vault
from rule_case import Case

CASES: tuple[Case, ...] = (
    *cases_network.CASES,
    *cases_firewalls.CASES,
    *cases_edge.CASES,
    *cases_hosts.CASES,
    *cases_user_data.CASES,
    *cases_clusters.CASES,
    *cases_data.CASES,
    *cases_mesh.CASES,
    *cases_tailnet.CASES,
    *cases_vault.CASES,
    *cases_remote.CASES,
    *cases_tenancy.CASES,
    *cases_references.CASES,
    *cases_known_types.CASES,
    *cases_cost.CASES,
)
