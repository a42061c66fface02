"""What can go wrong while stacks are run, as one hierarchy.

    StacksError
    ├── ProjectError     the project folder or a spec file is missing or unreadable
    ├── EngineError      a command of the engine failed
    ├── PolicyError      the zero-trust rules can't be run, or their settings can't be read
    ├── PlatformError    the stack `platform` is missing, or doesn't list a tenant
    ├── CatalogueError   DigitalOcean could not be asked what it offers
    ├── InventoryError   DigitalOcean's API could not be asked
    ├── IdentityError    the operator's identity could not be had
    ├── RecoveryError    a stack can't be brought back safely
    ├── RepositoryError  git can't tell what a change is
    └── HostError        a host could not be entered

Every message says what is wrong, the value, and the next step; none holds a secret.
"""

import yaml

from components.errors import TenantryError


class StacksError(TenantryError):
    """The base of every expected failure: commands print its message alone, without a traceback."""


class ProjectError(StacksError):
    """The project folder or a spec file is missing or unreadable."""


class EngineError(StacksError):
    """A command of the engine failed; the message is the engine's own, without secrets."""


class PolicyError(StacksError):
    """The zero-trust rules would not be run, or their settings can't be read."""


class PlatformError(StacksError):
    """The stack `platform` is missing, doesn't list a tenant, or can't let one go."""


class CatalogueError(StacksError):
    """DigitalOcean could not be asked what it offers; the message is the provider's own."""


class InventoryError(StacksError):
    """DigitalOcean's API could not be asked, or refused."""


class RecoveryError(StacksError):
    """A stack can't be brought back without risk; the message says what holds it."""


class RepositoryError(StacksError):
    """Git can't tell what a change is: no such base, no shared history, no repository."""


class IdentityError(StacksError):
    """The operator's identity, a certificate of the vault's, could not be had."""


class HostError(StacksError):
    """A host could not be entered over the mesh, or the program run in it failed."""


UNREADABLE = (OSError, yaml.YAMLError, ValueError, RecursionError)
"""What reading a YAML file may end in; undecodable bytes and impossible dates are ValueErrors."""


def unreadable(error: Exception) -> str:
    """Why a YAML file can't be read, on one line, with the place and without the text that is there."""
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        mark = error.problem_mark
        return f"line {mark.line + 1}, column {mark.column + 1}: {error.problem}"
    if isinstance(error, OSError):
        return error.strerror or str(error)
    return str(error).partition("\n")[0]
