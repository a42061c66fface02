"""How a host is worked on over the mesh: by SSH, as the administrator, as whom the operator's agent says.

Nothing of the operator's is in it, so a run's new key changes no resource; and nothing is said to a host that
shows another key than was pinned when it joined.
"""

import pulumi_command as command

from components.cloud_init.accounts import ADMINISTRATOR
from components.host import HardenedHost

DIAL_SECONDS = 15
DIALS = 4
"""A host that was pinned has answered before: one that doesn't is soon reported."""


def connection(host: HardenedHost) -> command.remote.ConnectionArgs:
    """The way in, for resources of pulumi-command."""
    return command.remote.ConnectionArgs(
        host=host.mesh_address,
        user=ADMINISTRATOR,
        host_key=host.host_key,
        dial_error_limit=DIALS,
        per_dial_timeout=DIAL_SECONDS,
    )
