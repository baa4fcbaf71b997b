"""The soak in short: everything goes wrong, the sender is killed again and again, and nothing is lost or reordered."""

from __future__ import annotations

import sys
from array import array
from pathlib import Path

import pytest

from soak.events import user_id
from soak.judge import judge
from soak.report import report
from soak.run import Plan, run


def test_a_sender_that_is_killed_while_everything_goes_wrong_loses_nothing(tmp_path: Path) -> None:
    said: list[str] = []
    figures = run(str(tmp_path), Plan(events=20_000, users=20_000, kills=4), said.append)
    sys.stdout.write("\n".join([*said, report(figures)]))
    assert figures.holds
    assert figures.kills == 4
    assert figures.judgement.lost == figures.judgement.order_breaks == 0
    assert 0 < figures.judgement.duplicates <= figures.unknown + figures.in_the_air


def arrivals(*numbers: int) -> list[tuple[str, bytes]]:
    """Events of two users: the odd ones are the first's."""
    return [(user_id(1 - n % 2), b'{"hookName":"purchases","eventId":"e%d"}' % n) for n in numbers]


@pytest.mark.parametrize(
    ("numbers", "lost", "breaks", "duplicates"),
    [
        ([1, 2, 3, 4], 0, 0, 0),
        ([2, 1, 4, 3], 0, 0, 0),
        ([1, 2, 3, 4, 1, 2], 0, 0, 2),
        ([1, 4, 3, 2], 0, 1, 0),
        ([3, 1, 2, 4], 0, 1, 0),
        ([1, 2, 4], 1, 0, 0),
        ([], 4, 0, 0),
    ],
)
def test_the_judge_finds_what_is_lost_out_of_order_or_twice(
    numbers: list[int], lost: int, breaks: int, duplicates: int
) -> None:
    found = judge(arrivals(*numbers), array("L", [0, 1, 0, 1]), ())
    assert (found.lost, found.order_breaks, found.duplicates, found.strangers) == (lost, breaks, duplicates, 0)


def test_a_dead_letter_is_neither_lost_nor_out_of_order_and_an_event_under_another_key_is_a_stranger() -> None:
    users = array("L", [0, 1, 0])
    assert judge(arrivals(1, 2), users, {3}).lost == 0
    late = judge(arrivals(3, 1), users, {1})
    assert (late.order_breaks, late.late_dead_letters, late.dead_and_stored) == (0, 1, frozenset({1}))
    assert judge([(user_id(1), arrivals(1)[0][1])], users, ()).strangers == 1
