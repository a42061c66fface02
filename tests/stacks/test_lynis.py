"""What is made of lynis' report: a floor, gates, waivers."""

import pytest

from stacks.verification.lynis import FLOOR, GATES, objections, read, waivers


def report(*lines: str, index: int = FLOOR, executed: tuple[str, ...] = GATES) -> str:
    return "\n".join([f"hardening_index={index}", f"tests_executed={'|'.join(executed)}|", *lines, ""])


def objected(*lines: str, **changes: object) -> list[str]:
    return list(objections(read(report(*lines, **changes)), {"DEB-0280", "SSH-7408 Port"}))  # type: ignore[arg-type]


def test_a_host_at_the_floor_with_every_gate_passed_is_well() -> None:
    assert objected() == []


def test_a_host_below_the_floor_is_not() -> None:
    assert objected(index=FLOOR - 1) == [f"the hardening index is {FLOOR - 1}, below {FLOOR}"]


def test_a_gate_that_lynis_left_out_is_missed() -> None:
    assert objected(executed=GATES[1:]) == [f"{GATES[0]} was not run"]


def test_what_is_waived_passes_and_what_is_not_is_named() -> None:
    assert objected("suggestion[]=DEB-0280|Install libpam-tmpdir|-|-|") == []
    assert objected("warning[]=NEW-1|A new thing|-|-|") == ["NEW-1: A new thing"]


def test_a_waiver_for_one_option_lets_no_other_pass() -> None:
    line = "suggestion[]=SSH-7408|Consider hardening SSH configuration|{} (set x to y)|-|"
    assert objected(line.format("Port")) == []
    assert objected(line.format("PermitRootLogin")) == [
        "SSH-7408: Consider hardening SSH configuration PermitRootLogin (set x to y)"
    ]


def test_a_gate_can_not_be_waived() -> None:
    line = f"suggestion[]={GATES[0]}|Something|-|-|"
    assert list(objections(read(report(line)), {GATES[0]})) == [f"{GATES[0]}: Something"]
    assert not set(waivers()) & set(GATES)


def test_every_waiver_has_a_reason() -> None:
    assert all(len(reason.split()) >= 3 for reason in waivers().values())


def test_a_report_that_lynis_did_not_finish_is_refused() -> None:
    with pytest.raises(ValueError, match="no hardening index"):
        read("tests_executed=A|")
