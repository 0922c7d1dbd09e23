"""The numbered lines: what a newcomer watches for the first minutes."""

from __future__ import annotations

import io
import re

import pytest

from stack.lines import Lines
from stack.running import Stopped


@pytest.fixture(autouse=True)
def _first_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KAIROS_STEP", raising=False)


def test_a_step_has_a_number_a_result_and_its_seconds() -> None:
    said = io.StringIO()
    lines = Lines(6, said)
    with lines.step("Python packages"):
        pass
    with lines.step("PostgreSQL 18, Valkey 9") as step:
        step.result, step.note = "up", ".local/"
    first, second = said.getvalue().splitlines()
    assert re.fullmatch(r"  1/6  Python packages +done +\d+ s", first)
    assert re.fullmatch(r"  2/6  PostgreSQL 18, Valkey 9 +up +\d+ s   \.local/", second)


def test_the_next_process_goes_on_counting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAIROS_STEP", "1")
    said = io.StringIO()
    with Lines(6, said).step("Web assets"):
        pass
    assert said.getvalue().startswith("  2/6  Web assets")


@pytest.mark.parametrize(("raised", "word"), [(ValueError, "failed"), (Stopped, "ended")])
def test_what_went_wrong_is_no_success(raised: type[BaseException], word: str) -> None:
    said = io.StringIO()
    with pytest.raises(raised), Lines(6, said).step("Database"):
        raise raised
    assert word in said.getvalue()
    assert "done" not in said.getvalue()


def test_commands_for_programs_keep_quiet() -> None:
    said = io.StringIO()
    lines = Lines(0, said)
    with lines.step("Web assets"):
        lines.note("nothing to say")
    assert said.getvalue() == ""
    lines.warn("Port 8000 is taken.")
    assert "Port 8000 is taken." in said.getvalue()


def test_on_no_terminal_there_are_no_control_characters() -> None:
    said = io.StringIO()
    lines = Lines(6, said)
    lines.fleeting("1 of 2")
    lines.say("2 of 2")
    assert said.getvalue() == "1 of 2\n2 of 2\n"


def test_a_closed_terminal_is_no_error() -> None:
    class Closed(io.StringIO):
        def write(self, text: str) -> int:
            raise OSError(5, "Input/output error")

    Lines(6, Closed()).warn("web ended")
