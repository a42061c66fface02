from __future__ import annotations

import threading
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolchain.graph import Results, Step, run


def nothing() -> None:
    return None


def test_a_step_gets_the_results_of_what_it_needs() -> None:
    steps = [
        Step(name="sum", needs=("two", "three"), action=lambda done: done["two"] + done["three"]),
        Step(name="two", action=lambda _: 2),
        Step(name="three", action=lambda _: 3),
    ]
    assert run(steps, stop=nothing) == {"two": 2, "three": 3, "sum": 5}, "whatever order they are listed in"


def test_steps_that_do_not_need_one_another_run_at_once() -> None:
    meeting = threading.Barrier(2, timeout=10)
    steps = [Step(name=name, action=lambda _: meeting.wait()) for name in ("left", "right")]
    assert len(run(steps, stop=nothing)) == 2, "each waited for the other, so both ran at once"


def test_the_first_failure_stops_the_others_and_is_the_one_raised() -> None:
    stopped = threading.Event()

    def fail(_: Results) -> None:
        raise LookupError("the first failure")

    def stopped_by_it(_: Results) -> None:
        assert stopped.wait(10), "it is told to stop"
        raise InterruptedError("only a consequence")

    def never(_: Results) -> None:
        raise AssertionError("a step after a failure must not start")

    steps = [
        Step(name="fails", action=fail),
        Step(name="goes on", action=stopped_by_it),
        Step(name="after", needs=("goes on",), action=never),
    ]
    with pytest.raises(LookupError, match="the first failure"):
        run(steps, stop=stopped.set)


def test_steps_that_need_one_another_are_refused() -> None:
    circle = [Step(name="a", needs=("b",), action=id), Step(name="b", needs=("a",), action=id)]
    with pytest.raises(ValueError, match=r"one another: \['a', 'b'\]"):
        run(circle, stop=nothing)


def test_a_step_that_needs_a_missing_one_is_refused() -> None:
    with pytest.raises(ValueError, match="need what is not there"):
        run([Step(name="a", needs=("missing",), action=id)], stop=nothing)


@given(st.data())
def test_in_any_graph_every_step_runs_once_and_after_what_it_needs(data: st.DataObject) -> None:
    count = data.draw(st.integers(0, 6))
    needs = [data.draw(st.sets(st.integers(0, i - 1))) if i else set() for i in range(count)]
    order: list[int] = []

    def step(i: int) -> Step:
        def action(results: Results) -> Any:
            order.append(i)
            return set(results)

        return Step(name=str(i), needs=tuple(map(str, needs[i])), action=action)

    results = run(data.draw(st.permutations([step(i) for i in range(count)])), stop=nothing)

    assert sorted(order) == list(range(count)), "each ran once"
    for i in range(count):
        assert results[str(i)] == set(map(str, needs[i])), "each got what it needs, and no more"
        assert all(order.index(need) < order.index(i) for need in needs[i]), "each ran after its needs"
