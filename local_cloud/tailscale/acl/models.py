"""Policy files: kept only when their tests hold and headscale enforces them."""

import hashlib
from collections.abc import Iterable, Sequence
from ipaddress import ip_network
from typing import Any

from local_cloud.hypervisor.mesh.model import MeshRefusedError
from local_cloud.tailscale.calls import Call
from local_cloud.tailscale.errors import BadRequestError, NotImplementedHereError, PreconditionFailedError
from local_cloud.tailscale.policy.default import DEFAULT
from local_cloud.tailscale.policy.document import policy_tests
from local_cloud.tailscale.policy.errors import PolicyError, PolicyUnsupportedError
from local_cloud.tailscale.policy.evaluation import Device, Failure, failures
from local_cloud.tailscale.policy.model import OWNER, Policy
from local_cloud.tailscale.policy.reading import names_of, read, read_tests
from local_cloud.tailscale.tables import PolicyFile
from local_cloud.tailscale.tailnet import policy_file

UNTOUCHED = "ts-default"
"""The If-Match of a caller who replaces only the default that a tailnet begins with."""
TESTS_FAILED = "test(s) failed"


def etag(text: str) -> str:
    return f'"{hashlib.sha256(text.encode()).hexdigest()}"'


def current_policy(call: Call) -> Policy:
    return read(policy_file(call.session).text)


def replace(call: Call, given: str, if_match: str) -> str:
    """Makes it the tailnet's policy, here and in headscale, or changes neither. Raises ApiError.

    An empty file stands for the default. The text that holds now is returned.
    """
    row = policy_file(call.session)
    _check_match(row, if_match)
    text = given if given.strip() else DEFAULT
    policy = checked(text)
    if failed := failing(call, policy):
        raise BadRequestError(TESTS_FAILED, failed)
    previous = read(row.text)
    call.if_undone(lambda: call.tailnet.enforce(previous))
    try:
        call.tailnet.enforce(policy)
    except MeshRefusedError as error:
        raise BadRequestError(f"headscale refuses this policy: {error}") from error
    row.text, row.untouched = text, text is DEFAULT
    return text


def checked(text: str) -> Policy:
    """Raises BadRequestError, or NotImplementedHereError for what headscale can't enforce."""
    try:
        return read(text)
    except PolicyUnsupportedError as error:
        raise NotImplementedHereError(f"support for a part of this policy file: {error}") from error
    except PolicyError as error:
        raise BadRequestError(str(error)) from error


def failing(call: Call, policy: Policy) -> list[dict[str, Any]]:
    """What the policy's own tests say against it."""
    return _told(failures(policy, policy.tests, devices(call))) if policy.tests else []


def failing_now(call: Call, tests: Sequence[Any]) -> list[dict[str, Any]]:
    """What other tests say against the policy that the tailnet has."""
    text = policy_file(call.session).text
    try:
        expectations = read_tests(policy_tests(tests), names_of(text))
    except PolicyError as error:
        raise BadRequestError(str(error)) from error
    return _told(failures(read(text), expectations, devices(call)))


def devices(call: Call) -> list[Device]:
    """The members as rules see them."""
    return [
        Device(
            networks=tuple(ip_network(address) for address in node.addresses),
            tags=frozenset(node.tags),
            user=None if node.tags else OWNER,
        )
        for node in call.coordination.list_nodes()
    ]


def _told(found: Iterable[Failure]) -> list[dict[str, Any]]:
    return [{"user": failure.source, "errors": list(failure.errors)} for failure in found]


def _check_match(row: PolicyFile, if_match: str) -> None:
    wanted = if_match.strip().strip('"')
    if wanted in {"", "*"}:
        return
    matches = row.untouched if wanted == UNTOUCHED else wanted == etag(row.text).strip('"')
    if not matches:
        raise PreconditionFailedError("precondition failed, invalid old hash")
