"""Why a policy file is refused.

PolicyError
└── PolicyUnsupportedError (Tailscale would take it, this local cloud can't enforce it)
"""


class PolicyError(Exception):
    """The file is no policy; the message says where and why."""


class PolicyUnsupportedError(PolicyError):
    """The file is one for Tailscale, but headscale can't enforce a part of it; the message names the part."""
