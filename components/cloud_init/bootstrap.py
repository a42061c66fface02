"""The tenant's database made ready, once, by its guardrail: extension, schemas, least rights.

Only the inside of the VPC reaches the database, and there is no mesh yet to run this over, so a host's
cloud-init does it as the cluster's administrator. The password is in a file of root's that is removed when it
has succeeded, and nowhere else: not in an argument, not in a log.
"""

from components.cloud_init.access import DatabaseAccess
from components.cloud_init.credentials import service_file
from components.cloud_init.part import DIRECTORY, File, Part, Step

AGENTS = "agents"
GUARDRAIL = "guardrail"
MEMORY_SCHEMA = "memory"
AUDIT_SCHEMA = "audit"

UNIT = "tenantry-database-bootstrap.service"
SCRIPT = f"{DIRECTORY}/database-bootstrap"
SQL_FILE = f"{DIRECTORY}/database-bootstrap.sql"
SERVICE_FILE = "/etc/tenantry/bootstrap/pg_service.conf"

DEADLINE = 300
"""Seconds that the database has to answer in; a new cluster's private address may take a minute."""

_SQL = f"""\
SET lock_timeout = '30s';
CREATE EXTENSION IF NOT EXISTS vector;
CREATE SCHEMA IF NOT EXISTS {MEMORY_SCHEMA};
CREATE SCHEMA IF NOT EXISTS {AUDIT_SCHEMA};
REVOKE ALL ON DATABASE {{database}} FROM PUBLIC;
REVOKE ALL ON DATABASE defaultdb FROM PUBLIC;
GRANT CONNECT ON DATABASE {{database}} TO {AGENTS}, {GUARDRAIL};
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
GRANT USAGE, CREATE ON SCHEMA {MEMORY_SCHEMA} TO {AGENTS};
GRANT USAGE ON SCHEMA {AUDIT_SCHEMA} TO {GUARDRAIL};
ALTER DEFAULT PRIVILEGES IN SCHEMA {AUDIT_SCHEMA} GRANT SELECT, INSERT ON TABLES TO {GUARDRAIL};
ALTER DEFAULT PRIVILEGES IN SCHEMA {AUDIT_SCHEMA} GRANT USAGE ON SEQUENCES TO {GUARDRAIL};
"""

_SCRIPT = f"""\
#!/bin/sh
set -eu
export PGSERVICEFILE={SERVICE_FILE}
[ -e "$PGSERVICEFILE" ] || exit 0
deadline=$(($(date +%s) + {DEADLINE}))
until pg_isready --quiet --dbname=service=bootstrap; do
  if [ "$(date +%s)" -ge "$deadline" ]; then
    psql --no-psqlrc --command= service=bootstrap >&2 || true
    echo "the database did not answer within {DEADLINE} s; mend what is said above, then run" >&2
    echo "systemctl start {UNIT}" >&2
    exit 1
  fi
  sleep 1
done
psql --no-psqlrc --quiet --set=ON_ERROR_STOP=1 --single-transaction --file={SQL_FILE} service=bootstrap
rm -f "$PGSERVICEFILE"
rmdir "${{PGSERVICEFILE%/*}}"
"""

_UNIT = f"""\
[Unit]
Description=Prepare the tenant's database: extension, schemas, rights
After=network-online.target

[Service]
Type=oneshot
ExecStart={SCRIPT}
Environment=PGOPTIONS=--client-min-messages=warning
"""


def bootstrap(administrator: DatabaseAccess) -> Part:
    """What makes the database ready; repeating it is harmless.

    `agents` make and own tables in `memory`; `guardrail` reads and appends in `audit`, and changes nothing
    there. The boot waits for it, so that a finished boot means a ready database.
    """
    return Part(
        files=(
            File(path=SERVICE_FILE, content=service_file("bootstrap", administrator), mode="0600"),
            File(path=SQL_FILE, content=_SQL.format(database=f'"{administrator.database}"')),
            File(path=SCRIPT, content=_SCRIPT, mode="0755"),
            File(path=f"/etc/systemd/system/{UNIT}", content=_UNIT),
        ),
        steps=(Step(name="database bootstrap", script=f"systemctl start {UNIT}"),),
    )
