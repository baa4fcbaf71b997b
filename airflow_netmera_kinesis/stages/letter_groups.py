"""Count dead letters by reason, hook and file, and by what may be done about them."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from airflow_netmera_kinesis.stages.found_letters import FoundLetter, Status
from airflow_netmera_kinesis.state.letter_archive import dag_of


class LetterGroup(msgspec.Struct):
    """The letters of one DAG with one reason, of one hook (none for a line that is no event) and one file.

    ``perhaps_stored`` are among the open ones. ``waiting``: their slice is still open; ``given_up``: their slice was
    given up, and their events are in the slice after it.
    """

    dag: str
    reason: str
    hook: str | None
    file: str
    open: int = 0
    perhaps_stored: int = 0
    replayed: int = 0
    waiting: int = 0
    given_up: int = 0


def group_letters(letters: Iterable[FoundLetter]) -> list[LetterGroup]:
    """Return the groups by name. A letter that failed again counts once: as the newer one that stands for it."""
    groups: dict[tuple[str, str, str, str], LetterGroup] = {}
    for found in letters:
        letter = found.letter
        if found.status is Status.REPLACED:
            continue
        dag, reason = dag_of(found.at.key), letter.reason.value
        of = dag, reason, letter.hook or "", letter.file
        _count(groups.setdefault(of, LetterGroup(dag, reason, letter.hook, letter.file)), found)
    return [groups[of] for of in sorted(groups)]


def _count(group: LetterGroup, found: FoundLetter) -> None:
    if found.status is Status.OPEN:
        group.open += 1
        group.perhaps_stored += found.letter.perhaps_stored
    elif found.status is Status.WAITING:
        group.waiting += 1
    elif found.status is Status.GIVEN_UP:
        group.given_up += 1
    else:
        group.replayed += 1
