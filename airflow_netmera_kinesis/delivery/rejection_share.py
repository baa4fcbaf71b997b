"""Tell rejections that come of load, which a slower pace ends, from those that come at any pace.

A shard that is written too fast rejects what is too much: that share of the records is how much too fast it was. But a
few rejections may have nothing to do with the pace, and slowing down for these would never end. What shows the
difference is time: after a pace was cut, load stops rejecting for a while, and the others go on.
"""

from __future__ import annotations

from collections import deque
from math import sqrt

WINDOW_SECONDS = 1.0
# The least share within so many windows is what comes at any pace. A cut pace takes longer than that to be too fast.
WINDOWS = 4
# More than a tenth is never taken for usual: whoever else writes to the shard may be the one who does not give way.
MOST_USUAL = 0.1
# Shares that differ by more than so many times show that the pace makes a difference.
ALIKE = 3.0
# What one window shows beyond the usual may be chance, up to so many standard deviations, and is nothing up to so much.
DEVIATIONS = 4.0
NOTHING = 0.01


class RejectionShare:
    """What became of the records that were sent to one shard, window by window."""

    __slots__ = ("_began", "_past", "_rejected", "_sent")

    def __init__(self, now: float) -> None:
        self._began = now
        self._sent = 0
        self._rejected = 0
        self._past: deque[float] = deque([0.0] * WINDOWS, WINDOWS)

    @property
    def rejected(self) -> int:
        """Records that were rejected in this window."""
        return self._rejected

    @property
    def usual(self) -> float:
        """The share that comes at any pace."""
        least, most = min(self._past), max(self._past)
        return min(MOST_USUAL, least) if most <= ALIKE * least else 0.0

    def send(self, records: int) -> None:
        """So many records leave for the shard."""
        self._sent += records

    def reject(self, records: int) -> None:
        """The shard rejected so many."""
        self._rejected += records

    def is_due(self, now: float) -> bool:
        """Whether the window is over."""
        return now - self._began >= WINDOW_SECONDS

    def judge(self, now: float) -> float:
        """End the window; return the share of its records that was too much for the shard, 0.0 if none was."""
        sent, rejected = self._sent, self._rejected
        self._began, self._sent, self._rejected = now, 0, 0
        if not sent:
            return 0.0
        # Answers may come in the window after the one in which their records left.
        share = min(1.0, rejected / sent)
        beyond = share - self.usual
        self._past.append(share)
        chance = DEVIATIONS * sqrt(share * (1.0 - share) / sent)
        return beyond if beyond > max(NOTHING, chance) else 0.0
