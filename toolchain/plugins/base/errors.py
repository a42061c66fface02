"""Errors of the stand-ins.

ProviderError
├── NotConfigured        a setting is missing or wrong; says which and how to set it
├── Cancelled            the engine asked to stop
├── TimedOut             a thing did not become what it should, in time
├── PartialFailure       a thing exists, with this id, but isn't what it should be
└── Undone               a thing could not be made, and what there was of it has been removed
"""

from collections.abc import Mapping
from typing import Any


class ProviderError(Exception):
    """What went wrong, as the user of `pulumi up` reads it. Holds no secret."""


class NotConfigured(ProviderError):  # noqa: N818 - reads as what it says
    """The provider lacks a setting, or one is wrong."""


class Cancelled(ProviderError):  # noqa: N818 - reads as what it says
    """The engine cancelled what was under way."""


class TimedOut(ProviderError):  # noqa: N818 - reads as what it says
    """A deadline passed while waiting."""


class PartialFailure(ProviderError):  # noqa: N818 - Pulumi's name for it
    """The thing was made (or changed in part) before something failed: its id must reach the state."""

    def __init__(self, reason: str, *, id: str, state: Mapping[str, Any]) -> None:
        super().__init__(reason)
        self.id = id
        self.state = dict(state)


class Undone(ProviderError):  # noqa: N818 - reads as what it says
    """The thing can never become what it should; it is gone again, and the next update makes a new one."""
