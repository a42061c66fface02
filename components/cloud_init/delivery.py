"""What a host takes deliveries with, once it is in the mesh: `receive`, `enrol`, and a folder for releases.

Nothing that is delivered is here: credentials, names and releases come later, over the mesh, and change
without a new host.
"""

from pathlib import Path

from components.cloud_init.accounts import ADMINISTRATOR
from components.cloud_init.part import DIRECTORY, File, Part, Step

RECEIVE = f"{DIRECTORY}/receive"
ENROL = f"{DIRECTORY}/enrol"
INCOMING = "/var/lib/tenantry/incoming"
"""Where the administrator puts a release, as `<SHA-256>.pyz`."""

_ENROL = """\
#!/bin/sh
exec /usr/bin/python3 -I /opt/tenantry/current/agent_runtime.pyz enrol
"""


def delivery() -> Part:
    """Both programs are root's, to be run by sudo with what they need on standard input."""
    return Part(
        files=(
            File(path=RECEIVE, content=Path(__file__).with_name("receive.py").read_text(), mode="0755"),
            File(path=ENROL, content=_ENROL, mode="0755"),
        ),
        steps=(
            Step(
                name="folder for deliveries",
                script=(
                    "install -d -m 0755 /var/lib/tenantry\n"
                    f"install -d -m 0700 -o {ADMINISTRATOR} -g {ADMINISTRATOR} {INCOMING}"
                ),
            ),
        ),
    )
