"""What a command, or the way to where it runs, fails with.

ProviderError
├── CommandFailed        the command ended with another exit code than 0
└── Unreachable          a host could not be entered
    ├── Refused          the host let nobody in with these credentials
    └── ForeignHostKey   another host key than the one that was given: trying again changes nothing
"""

from toolchain.plugins.base.errors import ProviderError


class CommandFailed(ProviderError):  # noqa: N818 - reads as what it says
    """How a command ended and what it wrote. Its environment and its standard input are never part of it."""

    def __init__(self, ending: str, command: str, both: str) -> None:
        super().__init__(f'{ending}: running "{command}":\n{both}'.rstrip())


class Unreachable(ProviderError):  # noqa: N818 - reads as what it says
    """A host could not be entered; names the host and the way out."""


class Refused(Unreachable):
    """The host refused every credential."""


class ForeignHostKey(Unreachable):
    """The host has shown another key than the one that the program pinned."""
