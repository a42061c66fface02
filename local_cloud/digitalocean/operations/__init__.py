"""DigitalOcean's operations, as its own client knows them, so that what is absent here has a name.

`operations.txt` is made from pydo: `python -m local_cloud.digitalocean.operations > operations.txt`.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

FILE = Path(__file__).with_name("operations.txt")
VERSION_PREFIX = "/v2/"
HEAD = "# DigitalOcean's operations: group, name, method, path. See __init__.py."


@dataclass(frozen=True)
class Operation:
    group: str
    name: str
    method: str
    path: str

    @property
    def literals(self) -> int:
        """How many segments are fixed: where two operations fit, the more fixed one is meant."""
        return sum(not segment.startswith("{") for segment in self.path.split("/"))

    @property
    def example(self) -> str:
        """A path of the operation, with 1 for every id."""
        return re.sub(r"\{[^}]+\}", "1", self.path)

    def fits(self, path: str) -> bool:
        wanted, given = self.path.split("/"), path.split("/")
        return len(wanted) == len(given) and all(
            template.startswith("{") or template == segment
            for template, segment in zip(wanted, given, strict=True)
        )


@cache
def operations() -> tuple[Operation, ...]:
    lines = FILE.read_text().splitlines()
    return tuple(Operation(*line.split()) for line in lines if line and not line.startswith("#"))


def operation_of(method: str, path: str) -> Operation | None:
    """The operation that a call means, whether it is here or not."""
    fitting = [one for one in operations() if one.method == method and one.fits(path.rstrip("/"))]
    return max(fitting, key=lambda one: one.literals, default=None)


def listing(found: Iterable[Operation]) -> str:
    """The content of operations.txt."""
    lines = [f"{one.group} {one.name} {one.method} {one.path}" for one in dict.fromkeys(found)]
    return "\n".join([HEAD, *lines, ""])


def from_pydo() -> Iterator[Operation]:
    """The operations of the pydo that is installed, read from its generated source without importing it."""
    spec = find_spec("pydo")
    if spec is None or spec.origin is None:
        raise RuntimeError("pydo is not installed: install the project's requirements")
    source = (Path(spec.origin).parent / "operations" / "_operations.py").read_text()
    requests = dict(_requests(source))
    for group, body in _pieces(r"^class (\w+)Operations:", source):
        for name, method_body in _pieces(r"^    def (\w+)\(", body):
            called = re.search(r"\bbuild_(\w+)_request\(", method_body)
            if called is None:
                continue
            method, path = requests[called.group(1)]
            if path.startswith(VERSION_PREFIX):
                yield Operation(group, name, method, path)


def _requests(source: str) -> Iterator[tuple[str, tuple[str, str]]]:
    for name, body in _pieces(r"^def build_(\w+)_request\(", source):
        path = re.search(r'_url = "([^"]*)"', body)
        method = re.search(r'method="(\w+)"', body)
        yield name, (method.group(1) if method else "", path.group(1) if path else "")


def _pieces(start: str, source: str) -> Iterator[tuple[str, str]]:
    """The source between one match of `start` and the next, with the name that matched."""
    found = list(re.finditer(start, source, re.MULTILINE))
    ends = [match.start() for match in found[1:]] + [len(source)]
    for match, end in zip(found, ends, strict=True):
        yield match.group(1), source[match.start() : end]
