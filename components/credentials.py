"""The files that tell a host how to reach its tenant's database and cache: their names, what they hold.

Nothing is written here: a delivery puts them on the host, over the mesh, for root alone.
`PGSERVICEFILE=/etc/tenantry/pg_service.conf psql service=tenant` connects to the database;
/etc/tenantry/cache.env has the cache's address and password as a systemd EnvironmentFile. Both verify the
server's name by its CA.
"""

from components.access import CacheAccess, DatabaseAccess

DIRECTORY = "/etc/tenantry"
DATABASE_CA = f"{DIRECTORY}/database-ca.crt"
CACHE_CA = f"{DIRECTORY}/cache-ca.crt"
TENANT_CA = f"{DIRECTORY}/tenant-ca.crt"
VAULT_CA = f"{DIRECTORY}/vault-ca.crt"
PUBLIC_CAS = "/etc/ssl/certs/ca-certificates.crt"
HOST_FILE = f"{DIRECTORY}/host.json"
SERVICE_FILE = f"{DIRECTORY}/pg_service.conf"
SERVICE = "tenant"
CACHE_FILE = f"{DIRECTORY}/cache.env"

_SERVICE = """\
[{service}]
host={access.host}
port={access.port}
dbname={access.database}
user={access.user}
password={access.password}
sslmode=verify-full
sslrootcert={certificate}
connect_timeout=5
"""

_CACHE = """\
CACHE_HOST={access.host}
CACHE_PORT={access.port}
CACHE_USER={access.user}
CACHE_CA={certificate}
REDISCLI_AUTH={access.password}
"""


def mode_of(path: str) -> str:
    """Certificates and the host's description are for all to read, everything else for root alone."""
    return "0644" if path.endswith((".crt", ".json")) else "0600"


def database_credentials(access: DatabaseAccess) -> dict[str, str]:
    """By path: the service file of libpq, and the CA it verifies the server by."""
    return {DATABASE_CA: access.certificate, SERVICE_FILE: service_file(SERVICE, access)}


def cache_credentials(access: CacheAccess) -> dict[str, str]:
    """By path; the password has the name that redis-cli and valkey-cli read it by."""
    return {CACHE_CA: access.certificate, CACHE_FILE: _CACHE.format(access=access, certificate=CACHE_CA)}


def service_file(service: str, access: DatabaseAccess) -> str:
    """A libpq connection service that verifies the server's name and certificate."""
    return _SERVICE.format(service=service, access=access, certificate=DATABASE_CA)
