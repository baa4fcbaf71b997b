"""Print what a command found: text for people, JSON for programs, a progress bar only where somebody looks."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import click
import msgspec
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

as_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON document instead of text.")


def text_console(*, stderr: bool = False) -> Console:
    """Return where the text of a command goes: plain and as wide as it needs to be when it is piped."""
    file = sys.stderr if stderr else sys.stdout
    piped = not file.isatty()
    return Console(file=file, highlight=False, soft_wrap=piped, no_color=piped or None)


def print_json(document: Any, *, err: bool = False) -> None:
    """Print one document, with its keys in the order in which they were put in."""
    click.echo(msgspec.json.format(msgspec.json.encode(document), indent=2).decode(), err=err)


@contextmanager
def progress_bar(what: str, total: int | None) -> Iterator[Callable[[int], None]]:
    """Show how far a long work is, on standard error and only on a terminal; call what is yielded with each advance."""
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task(what, total=total)
        yield lambda done: progress.advance(task, done)
