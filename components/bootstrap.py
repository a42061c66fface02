"""The tenant's database made ready: extension, schemas, least rights. Repeating it is harmless.

Only the inside of the VPC reaches the database, so a host of the tenant runs this, as the cluster's
administrator, whose password comes over the mesh on standard input, and is never a file or an argument there.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import pulumi
import pulumi_command as command

from components.access import DatabaseAccess
from components.credentials import service_file
from components.host import HardenedHost
from components.props import props
from components.remote import connection
from components.tokens import DATABASE_BOOTSTRAP

AGENTS = "agents"
GUARDRAIL = "guardrail"
MEMORY_SCHEMA = "memory"
AUDIT_SCHEMA = "audit"

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

# The service file is a pipe to each client in turn: bash keeps a short here-string there, off any disk.
_SCRIPT = """\
set -eu
export PGOPTIONS=--client-min-messages=warning PGSERVICEFILE=/dev/fd/3
service=$(cat)
deadline=$(($(date +%s) + {deadline}))
until pg_isready --quiet --dbname=service=bootstrap 3<<<"$service"; do
  if [ "$(date +%s)" -ge "$deadline" ]; then
    psql -X --command= service=bootstrap 3<<<"$service" >&2 || true
    echo "the database did not answer within {deadline} s; mend what is said above, then run this again" >&2
    exit 1
  fi
  sleep 1
done
psql -X --quiet --set=ON_ERROR_STOP=1 --single-transaction --file=- service=bootstrap 3<<<"$service" <<'SQL'
{sql}SQL
"""


def bootstrap_sql(database: str) -> str:
    """`agents` own tables in `memory`, `guardrail` reads and appends in `audit`; nobody else may connect."""
    return _SQL.format(database=f'"{database}"')


@dataclass(frozen=True, kw_only=True)
class DatabaseBootstrapArgs:
    """`host` has PostgreSQL's client, and the cluster's CA from its delivery, which is among `after`."""

    database: str
    host: HardenedHost = field(metadata={"ordering": True})
    administrator: pulumi.Output[DatabaseAccess] = field(repr=False, metadata={"ordering": True})
    after: Sequence[pulumi.Resource] = field(default=(), metadata={"ordering": True})


class DatabaseBootstrap(pulumi.ComponentResource):
    """Once it is there, the database is ready for its users."""

    def __init__(
        self, name: str, args: DatabaseBootstrapArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(DATABASE_BOOTSTRAP, name, props(args), opts)
        service: pulumi.Output[str] = pulumi.Output.secret(
            args.administrator.apply(lambda access: service_file("bootstrap", access))
        )
        command.remote.Command(
            name,
            connection=connection(args.host),
            create=_SCRIPT.format(deadline=DEADLINE, sql=bootstrap_sql(args.database)),
            stdin=service,
            logging=command.remote.Logging.STDERR,
            add_previous_output_in_env=False,
            opts=pulumi.ResourceOptions(parent=self, depends_on=list(args.after)),
        )
        self.register_outputs({})
