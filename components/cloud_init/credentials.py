"""A host's own credentials of least rights, for root alone, until the vault hands them out.

`PGSERVICEFILE=/etc/tenantry/pg_service.conf psql service=tenant` connects to the database;
/etc/tenantry/cache.env has the cache's address and password as a systemd EnvironmentFile. Both verify the
server's name by its CA.
"""

from components.cloud_init.access import CacheAccess, DatabaseAccess
from components.cloud_init.part import File, Part

DIRECTORY = "/etc/tenantry"
DATABASE_CA = f"{DIRECTORY}/database-ca.crt"
CACHE_CA = f"{DIRECTORY}/cache-ca.crt"
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


def database_credentials(access: DatabaseAccess) -> Part:
    """The service file of libpq, and the CA it verifies the server by."""
    return Part(
        files=(
            File(path=DATABASE_CA, content=access.certificate),
            File(path=SERVICE_FILE, content=service_file(SERVICE, access), mode="0600"),
        )
    )


def cache_credentials(access: CacheAccess) -> Part:
    """The cache's environment file; the password has the name that redis-cli and valkey-cli read it by."""
    return Part(
        files=(
            File(path=CACHE_CA, content=access.certificate),
            File(path=CACHE_FILE, content=_CACHE.format(access=access, certificate=CACHE_CA), mode="0600"),
        )
    )


def service_file(service: str, access: DatabaseAccess) -> str:
    """A libpq connection service that verifies the server's name and certificate."""
    return _SERVICE.format(service=service, access=access, certificate=DATABASE_CA)
