"""Declare how the commands about dead letters are told which ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from airflow_netmera_kinesis.again_param import REASONS
from airflow_netmera_kinesis.again_request import LetterFilter


def letter_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Decorate a command with the options that narrow dead letters; see ``filter_of``."""
    for option in reversed(
        (
            click.option("--dag", metavar="ID", default="", help="Only those of this DAG (netmera-kinesis: of send)."),
            click.option(
                "--reason",
                "reasons",
                multiple=True,
                type=click.Choice(REASONS),
                metavar="REASON",
                help=f"Only this reason: {', '.join(REASONS)}.",
            ),
            click.option("--hook", "of_hooks", multiple=True, metavar="NAME", help="Only those of this hook."),
            click.option("--file", "files", multiple=True, metavar="GLOB", help="Only those of these exports."),
            click.option("--slice", "slices", multiple=True, metavar="ID", help="Only those of this slice."),
        )
    ):
        command = option(command)
    return command


def filter_of(given: dict[str, Any], *, again: bool = False) -> LetterFilter:
    """Read the options; those that may be given several times mean any of what they say."""
    return LetterFilter(
        of_dag=given["dag"],
        reasons=given["reasons"],
        hooks=given["of_hooks"],
        files=given["files"],
        slices=given["slices"],
        again=again,
    )
