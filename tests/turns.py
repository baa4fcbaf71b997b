"""Let several senders run side by side in virtual time: a thread each, one at a time, whoever is due first."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from simulation import Clock

Wait = Callable[[float], None]


class Turns:
    """Whose turn it is; the same every time, since nobody runs while another does."""

    def __init__(self, clock: Clock, count: int) -> None:
        self._clock = clock
        self._go = [threading.Semaphore(0) for _ in range(count)]
        self._due = dict.fromkeys(range(count), clock.now)

    def wait(self, who: int, until: float) -> None:
        """Let the others run who are due before."""
        self._due[who] = until
        self._next()
        self._go[who].acquire()
        self._clock.wait(until)

    def run(self, who: int, work: Callable[[Wait], None]) -> None:
        """Work when it is one's turn, and leave when it is done."""
        self._go[who].acquire()
        try:
            work(partial(self.wait, who))
        finally:
            self._next()

    def start(self) -> None:
        """Let the first one begin."""
        self._next()

    def _next(self) -> None:
        if self._due:
            first = min(self._due, key=lambda who: (self._due[who], who))
            del self._due[first]
            self._go[first].release()


def side_by_side(clock: Clock, works: Sequence[Callable[[Wait], None]]) -> None:
    """Carry all works out; each gets what it has to call instead of waiting. The first error is raised."""
    if len(works) == 1:
        works[0](clock.wait)
        return
    turns = Turns(clock, len(works))
    with ThreadPoolExecutor(len(works)) as threads:
        running = [threads.submit(turns.run, who, work) for who, work in enumerate(works)]
        turns.start()
    for each in running:
        each.result()
