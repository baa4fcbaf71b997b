"""Decide what a replay sends: the dead letters that were asked for, by the present definitions, none of them twice."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO, cast

import msgspec

from airflow_netmera_kinesis.again_request import ReplayRequest
from airflow_netmera_kinesis.log import Log
from airflow_netmera_kinesis.netmera.hashing import HashKeys
from airflow_netmera_kinesis.stages.asked import Asking, Predecessor, asked_slice, open_asked
from airflow_netmera_kinesis.stages.counting import Counted, count, tell
from airflow_netmera_kinesis.stages.firing import RecordLimit
from airflow_netmera_kinesis.stages.letter_choice import Chosen, write_choice
from airflow_netmera_kinesis.stages.letter_export import LetterExport
from airflow_netmera_kinesis.stages.letter_match import LetterMatch
from airflow_netmera_kinesis.stages.marking import mark_delivered
from airflow_netmera_kinesis.state.ledger import anything_sent
from airflow_netmera_kinesis.state.letter_archive import replay_place
from airflow_netmera_kinesis.state.open_slice import open_slice
from airflow_netmera_kinesis.state.replay_file import FOLDER
from airflow_netmera_kinesis.state.replayed import delete_marks
from airflow_netmera_kinesis.state.slice import ExportFile, Purpose, Slice
from airflow_netmera_kinesis.storage import Folder


class Shown(msgspec.Struct, frozen=True):
    """What a replay would send, and how many letters are left, by the reason."""

    chosen: Chosen
    counted: Counted

    def summary(self) -> dict[str, Any]:
        """Return counts alone."""
        counts = self.counted.summary()
        return {
            "letters": self.chosen.letters,
            "perhaps_stored": self.chosen.perhaps_stored,
            "left": dict(self.chosen.left),
            "still_malformed": counts["malformed"],
            "matches": counts["matches"],
            "hooks": counts["hooks"],
            "users": self.counted.users,
        }


def show_replay(root: Folder, request: ReplayRequest, limit_of: RecordLimit, keys: HashKeys, log: Log) -> Shown:
    """Choose the letters and match them; nothing is sent, staged or written."""
    with tempfile.TemporaryFile() as unnamed:
        file = cast(BinaryIO, unnamed)
        chosen = write_choice(root, request, file)
        size = file.tell()

        @contextmanager
        def opened(index: int) -> Iterator[LetterExport]:
            file.seek(0)
            yield LetterExport(file, FOLDER, size, request.terms.export_format)

        current = _slice_of(ExportFile(FOLDER, size, 0), chosen, request, Predecessor(), 0)
        counted = count(current, opened, limit_of, keys, matching=LetterMatch, users=True)
    shown = Shown(chosen, counted)
    _tell(shown, log)
    return shown


def plan_replay(
    root: Folder, staging: Folder, request: ReplayRequest, limit_of: RecordLimit, keys: HashKeys, who: str, log: Log
) -> Slice | None:
    """Return the replay to work on: one that is sent in part comes first, else what is asked for; None if nothing is.

    :raises SliceCommitted: this run has sent it already
    """
    state = root.child(request.key)

    def draft(predecessor: Predecessor) -> Slice | None:
        if not show_replay(root, request, limit_of, keys, log).chosen.letters:
            return None
        file, chosen = _stored(state.child(FOLDER), root, request)
        return _slice_of(file, chosen, request, predecessor, state.now_ms())

    def give_up(current: Slice) -> None:
        delivered, doubtful = mark_delivered(state, current)
        log.warning(
            "gave up replay %s: %d of its dead letters were delivered and are marked; all others are open again, of "
            "which %d were sent in part or perhaps stored",
            current.id, delivered, doubtful,
        )  # fmt: skip

    def forget(current: Slice) -> None:
        delete_marks(state, current.id)

    def tidy(planned: Slice | None) -> None:
        kept = {file.name for file in planned.files} if planned else set()
        for info in list(state.list(f"{FOLDER}/")):
            if info.name.removeprefix(f"{FOLDER}/") not in kept:
                state.delete(info.name)

    asking = Asking(
        draft,
        give_up,
        request.run,
        request.abandon_slice,
        request.receipts,
        finishes_others=True,
        before_replacing=forget,
        tidy=tidy,
    )
    return open_asked(state, staging, asking, who, log)


def is_under_way(state: Folder) -> bool:
    """Say whether a replay was sent in part: it is finished before anything else is replayed."""
    opened = open_slice(state)
    return opened is not None and anything_sent(state, opened.slice)


def _stored(letters: Folder, root: Folder, request: ReplayRequest) -> tuple[ExportFile, Chosen]:
    """Store the letters under the digest of what they are, so that the same choice is the same file."""
    with tempfile.TemporaryFile() as unnamed:
        file = cast(BinaryIO, unnamed)
        chosen = write_choice(root, request, file)
        file.seek(0)
        name = f"{_digest(file)}.ndjson"
        if not any(info.name == name for info in letters.list(name)):
            file.seek(0)
            with letters.writer(name) as stored:
                shutil.copyfileobj(file, stored)
    info = letters.info(name)
    return ExportFile(name, info.size, info.modified_ms, info.etag), chosen


def _digest(file: BinaryIO) -> str:
    digest = hashlib.sha256()
    while block := file.read(1024 * 1024):
        digest.update(block)
    return digest.hexdigest()[:20]


def _slice_of(file: ExportFile, chosen: Chosen, request: ReplayRequest, predecessor: Predecessor, now_ms: int) -> Slice:
    place = replay_place(request.letters.of_dag)
    date = chosen.date if chosen.date.isdigit() else "replay"
    return asked_slice(Purpose.REPLAY, request.key, place, (file,), request.terms, predecessor, now_ms, date)


def _tell(shown: Shown, log: Log) -> None:
    chosen = shown.chosen
    for why, number in sorted(chosen.left.items()):
        log.warning("left: dead letters %d: %s", number, why)
    if not chosen.letters:
        log.info("no dead letter is to be replayed")
        return
    tell(shown.counted, log)
    if chosen.perhaps_stored:
        log.warning(
            "perhaps stored in the stream already, and then there twice: dead letters %d", chosen.perhaps_stored
        )
    if shown.counted.users:
        log.warning(
            "newer events of the same user may have been sent already. Users whom that may concern: %d, all whose "
            "records these are; who was sent what is not kept once a slice is committed, so it may be fewer. A "
            "consumer that keeps a user's latest state must compare the events' times",
            shown.counted.users,
        )  # fmt: skip
