"""Where all state of a local cloud is. Only the standard library is imported here."""

import os
from pathlib import Path

DEFAULT_STATE_DIR = Path(".tenantry/local-cloud")
TAILSCALE_KEY = "tailscale-api-key"
"""The file in it that holds the key of Tailscale's API."""


def state_directory() -> Path:
    """`LOCAL_CLOUD_STATE_DIR`, absolute, as `Settings` reads it: that would cost a command 0.3 s more."""
    value = os.environ.get("LOCAL_CLOUD_STATE_DIR")
    return (Path(value).expanduser() if value else DEFAULT_STATE_DIR).absolute()
