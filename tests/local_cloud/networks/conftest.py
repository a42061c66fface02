import os
import sys
from collections.abc import Iterator

import pytest
from laboratory import Laboratory


@pytest.fixture(scope="module")
def laboratory() -> Iterator[Laboratory]:
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("network namespaces need Linux and root")
    built = Laboratory()
    yield built
    built.close()
