"""Programs run on the host, and what they said."""

import subprocess
from typing import Any

SECONDS = 60


def run(*command: str, **options: Any) -> dict[str, Any]:
    """A command's exit code and what it said."""
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=SECONDS, check=False, **options
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return {"code": -1, "out": "", "err": f"{type(error).__name__}: {command[0]}"}
    return {"code": done.returncode, "out": done.stdout.strip(), "err": done.stderr.strip()[-500:]}


def output(*command: str) -> str:
    """What a command printed."""
    return str(run(*command)["out"])
