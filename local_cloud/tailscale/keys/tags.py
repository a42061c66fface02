"""Which tags a caller may give to a key or a device."""

from collections.abc import Sequence

from local_cloud.tailscale.acl.models import current_policy
from local_cloud.tailscale.calls import Call
from local_cloud.tailscale.errors import BadRequestError


def permit_tags(call: Call, tags: Sequence[str]) -> None:
    """Raises BadRequestError, in Tailscale's words.

    A user may give every tag that the policy file knows, as an administrator. A trust credential gives just
    its own tags, or such as these own.
    """
    owners = current_policy(call).tag_owners
    mine = set(call.holder.tags)
    if not all(tag in owners for tag in tags):
        raise _refusal(tags)
    if call.holder.user_id or set(tags) == mine:
        return
    if not all(mine.intersection(owners[tag]) for tag in tags):
        raise _refusal(tags)


def _refusal(tags: Sequence[str]) -> BadRequestError:
    return BadRequestError(f"requested tags [{' '.join(tags)}] are invalid or not permitted")
