"""Print what a command found: text for people, JSON for programs, a progress bar only where somebody looks."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import click
import msgspec
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TaskProgressColumn, TextColumn, TimeRemainingColumn

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
    """Show how far a long work is; call what is yielded with each advance."""
    with StageBars() as bars:
        bars.begin(what, total)
        yield bars.advance


class StageBars:
    """A bar for each stage of a long work, one after the other; on standard error, and only on a terminal."""

    def __init__(self) -> None:
        console = Console(stderr=True)
        columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
        self._progress = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
        self._task: TaskID | None = None

    def __enter__(self) -> StageBars:  # noqa: PYI034 - Python 3.10 has no Self
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def begin(self, stage: str, total: int | None) -> None:
        """Take the bar of the stage before away and show this one's."""
        if self._task is not None:
            self._progress.remove_task(self._task)
        self._task = self._progress.add_task(stage, total=total)

    def advance(self, done: int) -> None:
        """Move the bar; several threads may."""
        if self._task is not None:
            self._progress.advance(self._task, done)
