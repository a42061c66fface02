"""The type tokens of our components.

A token is part of every child's URN: a renamed one replaces every tenant. A test pins them all.
"""

AGENT_CLUSTER = "tenantry:index:AgentCluster"
CACHE = "tenantry:index:Cache"
GUARDRAIL = "tenantry:index:Guardrail"
HARDENED_HOST = "tenantry:index:HardenedHost"
TENANT_NETWORK = "tenantry:index:TenantNetwork"
VECTOR_DATABASE = "tenantry:index:VectorDatabase"
