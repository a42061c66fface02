"""`python -m local_cloud`: the command line, with a short way to the commands that start often."""

import sys

from local_cloud.commands import inside
from local_cloud.errors import CloudIsDownError, LocalCloudError

CLOUD_IS_DOWN = 3
"""The exit code of a command that needs a running cloud when none does, as `systemctl status` has it."""

INTERRUPTED = 130
"""What a shell reports for a program ended by Ctrl-C."""


def main() -> None:
    """Run a command; an error that says what to do is one line on stderr, without a traceback."""
    try:
        if not inside.run(sys.argv[1:]):
            # typer and what else the other commands need take half a second to import.
            from local_cloud.commands.command_line import app  # noqa: PLC0415

            app()
    except LocalCloudError as error:
        print(f"local_cloud: {error}", file=sys.stderr)  # noqa: T201 - the command line's own output
        sys.exit(CLOUD_IS_DOWN if isinstance(error, CloudIsDownError) else 1)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


if __name__ == "__main__":
    main()
