"""Count what came to one stream and what became of it."""

from __future__ import annotations

from collections import Counter

import msgspec


class Tally(msgspec.Struct):
    """Counts of one stream, PutRecords and PutRecord together.

    ``offered`` are the records of all requests that were looked into, ``stored`` those now in the stream; the
    difference is in ``rejected`` (by shard) and ``failed`` (by error code). ``unanswered`` are records that were
    stored although their sender was told nothing, or InternalFailure; ``zombies`` those among them that were stored
    later. ``refused`` counts whole requests by error code, ``lost_answers`` requests without an answer.
    """

    requests: int = 0
    offered: int = 0
    stored: int = 0
    stored_bytes: int = 0
    unanswered: int = 0
    zombies: int = 0
    lost_answers: int = 0
    rejected: dict[str, int] = msgspec.field(default_factory=Counter)
    failed: dict[str, int] = msgspec.field(default_factory=Counter)
    refused: dict[str, int] = msgspec.field(default_factory=Counter)

    def copy(self) -> Tally:
        """Give the counts as they are now."""
        return msgspec.structs.replace(
            self, rejected=Counter(self.rejected), failed=Counter(self.failed), refused=Counter(self.refused)
        )
