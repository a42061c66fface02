"""Database clusters: real PostgreSQL and Valkey servers behind TLS, each with an address in its VPC."""

from local_cloud.hypervisor.databases.clusters import Databases

__all__ = ["Databases"]
