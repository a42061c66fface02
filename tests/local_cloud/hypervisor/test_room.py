import pytest

from local_cloud.hypervisor.containers.room import LIMIT, check_room
from local_cloud.hypervisor.model import HypervisorError


def test_there_is_room_for_a_machine_on_an_idle_host() -> None:
    check_room(1)


def test_a_host_that_is_full_says_which_limit_to_raise() -> None:
    limit = int(LIMIT.read_text())
    with pytest.raises(HypervisorError, match=f"max_user_instances={limit * 8}"):
        check_room(limit + 1)
    check_room(1)
