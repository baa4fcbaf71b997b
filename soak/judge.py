"""Judge what stands in the stream, by reading it back: lost, out of order, twice."""

from __future__ import annotations

from array import array
from collections.abc import Collection, Iterable

import msgspec

from soak.events import user_id
from soak.sender import numbers_in


class Judgement(msgspec.Struct):
    """What a stream holds, judged by the first occurrence of each event.

    A dead letter is not lost. It may be stored all the same, by a request whose answer was lost, and then at any time:
    it is set aside, so its user went on without it. Such ones are counted apart.
    """

    records: int = 0
    arrived: int = 0
    duplicates: int = 0
    order_breaks: int = 0
    strangers: int = 0
    lost: int = 0
    dead_and_stored: frozenset[int] = frozenset()
    late_dead_letters: int = 0


def judge(arrivals: Iterable[tuple[str, bytes]], users: array[int], dead: Collection[int]) -> Judgement:
    """Compare the arrivals (partition key and data, each key's in order) with what was to be sent."""
    found = Judgement()
    seen = bytearray(len(users) + 1)
    last: dict[int, int] = {}
    for key, data in arrivals:
        found.records += 1
        for number in numbers_in(data):
            found.arrived += 1
            user = users[number - 1]
            if key != user_id(user):
                found.strangers += 1
            elif seen[number]:
                found.duplicates += 1
            else:
                seen[number] = 1
                highest = last.get(user, 0)
                if number in dead:
                    found.late_dead_letters += number < highest
                else:
                    found.order_breaks += number < highest
                    last[user] = max(number, highest)
    found.dead_and_stored = frozenset(number for number in dead if seen[number])
    found.lost = sum(not seen[number] and number not in dead for number in range(1, len(users) + 1))
    return found
