"""Run one job in a process of its own, so that its CPU time and its memory are its own."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

Figures = dict[str, float]


@contextmanager
def timed(figures: Figures, what: str) -> Iterator[None]:
    """Add the seconds of CPU (user and system, all threads) and of the clock that a block takes."""
    cpu, wall = _cpu(), time.monotonic()
    yield
    figures[f"{what} cpu"] = figures.get(f"{what} cpu", 0.0) + _cpu() - cpu
    figures[f"{what} wall"] = figures.get(f"{what} wall", 0.0) + time.monotonic() - wall


class Job:
    """A job that runs already."""

    def __init__(self, name: str, **arguments: object) -> None:
        self._name = name
        command = [sys.executable, "-m", "benchmarks.job", name, json.dumps(arguments)]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)

    def result(self) -> Figures:
        """Wait for its figures."""
        output, _ = self._process.communicate()
        if self._process.returncode:
            sys.exit(f"bench: {self._name} ended with code {self._process.returncode}; its own words are above")
        figures: Figures = json.loads(output.splitlines()[-1])
        return figures

    @property
    def is_running(self) -> bool:
        return self._process.poll() is None


def run(name: str, **arguments: object) -> Figures:
    """Run ``module:function`` of this package with ``arguments``; returns its figures and its peak memory in MB."""
    return Job(name, **arguments).result()


def main(name: str, arguments: str) -> None:
    module, _, function = name.partition(":")
    carry_out: Any = getattr(import_module(f"benchmarks.{module}"), function)
    figures: Figures = carry_out(**json.loads(arguments))
    figures["rss"] = _peak_mb()
    print(json.dumps(figures))


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _peak_mb() -> float:
    """The most memory of this very process: getrusage counts what its parent had when it was forked."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


if __name__ == "__main__":
    main(*sys.argv[1:])
