"""What can go wrong while stacks are run, as one hierarchy.

    StacksError
    ├── ProjectError     the project folder or a spec file is missing or unreadable
    ├── EngineError      a command of the engine failed
    ├── CatalogueError   DigitalOcean could not be asked what it offers
    ├── InventoryError   DigitalOcean's API could not be asked
    ├── RecoveryError    a stack can't be brought back safely
    └── ConsoleError     a host could not be entered

Every message says what is wrong, the value, and the next step; none holds a secret.
"""

import yaml


class StacksError(Exception):
    """The base of every expected failure: commands print its message alone, without a traceback."""


class ProjectError(StacksError):
    """The project folder or a spec file is missing or unreadable."""


class EngineError(StacksError):
    """A command of the engine failed; the message is the engine's own, without secrets."""


class CatalogueError(StacksError):
    """DigitalOcean could not be asked what it offers; the message is the provider's own."""


class InventoryError(StacksError):
    """DigitalOcean's API could not be asked, or refused."""


class RecoveryError(StacksError):
    """A stack can't be brought back without risk; the message says what holds it."""


class ConsoleError(StacksError):
    """A host could not be entered, or the program run in it failed."""


def unreadable(error: Exception) -> str:
    """Why a YAML file can't be read, on one line, with the place and without the text that is there."""
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        mark = error.problem_mark
        return f"line {mark.line + 1}, column {mark.column + 1}: {error.problem}"
    if isinstance(error, OSError):
        return error.strerror or str(error)
    return str(error).partition("\n")[0]
