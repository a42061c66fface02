from __future__ import annotations

import io
import threading

import pytest
from rich.console import Console

from toolchain.progress import Progress


def test_without_a_terminal_a_long_step_says_something_now_and_then() -> None:
    output = io.StringIO()
    progress = Progress(Console(file=output, width=100), interval=0.02)
    with progress.shown(), progress.step("pulumi"):
        progress.report("pulumi", "  go: downloading   [x]  ")
        wait_for(output, "go: downloading [x]")
    lines = output.getvalue().splitlines()
    assert lines[0] == "pulumi: started", "it says when a step begins"
    assert lines[-1] == "pulumi: done after 0 s", "and when it ends, with its seconds"


def test_on_a_terminal_the_running_steps_are_redrawn() -> None:
    output = io.StringIO()
    progress = Progress(Console(file=output, width=100, force_terminal=True))
    with progress.shown(), progress.step("valkey"):
        progress.report("valkey", "the last line")
        wait_for(output, "the last line")
    assert "valkey: done after" in output.getvalue(), "the end of a step stays in the terminal"


def test_a_step_that_fails_says_so() -> None:
    output = io.StringIO()
    progress = Progress(Console(file=output, width=100))
    with pytest.raises(LookupError), progress.step("image"):
        raise LookupError
    assert "image: failed after 0 s" in output.getvalue(), "nobody takes it for done"


def test_blank_lines_and_lines_of_steps_that_are_over_are_left_out() -> None:
    progress = Progress(Console(file=io.StringIO()))
    progress.report("over", "late")
    with progress.step("image"):
        progress.report("image", "last words")
        progress.report("image", "   ")
        assert progress._lines()[0].endswith("last words"), "a blank line says nothing"
    assert progress._lines() == [], "a step that is over is shown no more"


def wait_for(output: io.StringIO, text: str) -> None:
    tries = 500
    while text not in output.getvalue():
        tries -= 1
        assert tries, f"{text!r} was never shown: {output.getvalue()!r}"
        threading.Event().wait(0.01)
