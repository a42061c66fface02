"""What lynis reports of a host, judged: a floor for its index, tests that must be passed, and what is waived.

lynis takes half a minute of a processor, so neither a boot nor `verify` runs it: tests of hardening do, on
each kind of host, and whoever wants to (docs/hardening.md).
"""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

COMMAND = ("lynis", "audit", "system", "--quick", "--quiet", "--no-colors")
REPORT = "/var/log/lynis-report.dat"

FLOOR = 80
"""Of the hardening index; an unhardened Debian 12 has about 60."""

GATES = (
    "AUTH-9204",
    "AUTH-9216",
    "AUTH-9230",
    "AUTH-9286",
    "AUTH-9328",
    "BANN-7126",
    "BANN-7130",
    "FILE-6344",
    "FILE-7524",
    "FIRE-4512",
    "FIRE-4586",
    "HOME-9304",
    "HRDN-7222",
    "KRNL-5820",
    "NETW-3015",
    "NETW-3200",
    "SHLL-6220",
    "SSH-7402",
    "STRG-1846",
    "TOOL-5104",
    "USB-1000",
)
"""Tests that must have run and found nothing."""

WAIVERS_FILE = Path(__file__).with_name("lynis_waivers.yaml")


@dataclass(frozen=True, kw_only=True)
class Remark:
    """A warning or a suggestion of a test; `about` is one option, where the test looks at several."""

    test: str
    said: str
    about: str = ""

    def __str__(self) -> str:
        return f"{self.test}: {self.said} {self.about}".strip()


@dataclass(frozen=True, kw_only=True)
class Report:
    """What is used of /var/log/lynis-report.dat."""

    index: int
    executed: frozenset[str]
    remarks: tuple[Remark, ...]


def read(text: str) -> Report:
    """Raises ValueError when lynis didn't come to its end, where it writes the index."""
    index = re.search(r"^hardening_index=(\d+)$", text, re.MULTILINE)
    executed = re.search(r"^tests_executed=(.*)$", text, re.MULTILINE)
    if not index or not executed:
        msg = "lynis' report has no hardening index: it was stopped, or isn't root; run it again"
        raise ValueError(msg)
    remarks = re.findall(r"^(?:suggestion|warning)\[\]=([^|]+)\|([^|]*)\|([^|]*)", text, re.MULTILINE)
    return Report(
        index=int(index[1]),
        executed=frozenset(filter(None, executed[1].split("|"))),
        remarks=tuple(Remark(test=test, said=said, about=about.strip("-")) for test, said, about in remarks),
    )


def waivers() -> dict[str, str]:
    """The reason for which remarks are let pass, by test, or by test and what the remark is about."""
    loaded: dict[str, str] = yaml.safe_load(WAIVERS_FILE.read_text())
    return loaded


def objections(report: Report, waived: Collection[str]) -> Iterator[str]:
    """What is wrong with a host."""
    if report.index < FLOOR:
        yield f"the hardening index is {report.index}, below {FLOOR}"
    for test in GATES:
        if test not in report.executed:
            yield f"{test} was not run"
    for remark in report.remarks:
        if not _is_waived(remark, waived):
            yield str(remark)


def _is_waived(remark: Remark, waived: Collection[str]) -> bool:
    option = f"{remark.test} {remark.about.partition(' ')[0]}"
    return remark.test not in GATES and (remark.test in waived or option in waived)
