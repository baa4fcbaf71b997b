"""What ``--help`` prints, on a terminal of 80 columns."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from airflow_netmera_kinesis.cli import COMMANDS, main

LETTERS: list[tuple[str, ...]] = [("dead-letters", name) for name in ("list", "show", "replay")]


def help_of(*words: str) -> str:
    result = CliRunner().invoke(main, [*words, "--help"], terminal_width=80)
    assert result.exit_code == 0
    return result.stdout


@pytest.mark.parametrize("words", [*((name,) for name in COMMANDS), *LETTERS], ids=" ".join)
def test_help_has_an_example_and_fits_80_columns(words: tuple[str, ...]) -> None:
    shown = help_of(*words)
    assert "Example" in shown
    assert [line for line in shown.splitlines() if len(line) > 80] == []


def test_no_command_is_described_by_half_a_sentence() -> None:
    assert "..." not in help_of().partition("Commands:")[2]
