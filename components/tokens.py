"""The type tokens of our components.

A token is part of every child's URN: a renamed one replaces every tenant. A test pins them all.
"""

AGENT_CLUSTER = "tenantry:index:AgentCluster"
CACHE = "tenantry:index:Cache"
DATABASE_BOOTSTRAP = "tenantry:index:DatabaseBootstrap"
DATA_VOLUME = "tenantry:index:DataVolume"
ENROLMENT = "tenantry:index:Enrolment"
GUARDRAIL = "tenantry:index:Guardrail"
HARDENED_HOST = "tenantry:index:HardenedHost"
HOST_DELIVERY = "tenantry:index:HostDelivery"
MESH_MEMBERSHIP = "tenantry:index:MeshMembership"
SHARED_VAULT = "tenantry:index:SharedVault"
TENANT_NETWORK = "tenantry:index:TenantNetwork"
TENANT_VAULT = "tenantry:index:TenantVault"
VECTOR_DATABASE = "tenantry:index:VectorDatabase"
