"""Collect the new rows of one window after another, and keep them so that a kill loses none and repeats none."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence

import msgspec

from airflow_netmera_kinesis.errors import CountsDisagree, QuotaExceeded
from airflow_netmera_kinesis.push_results.pull_state import BucketRef, PullState, advance, read_digests, write_digests
from airflow_netmera_kinesis.push_results.pulled_file import write_rows
from airflow_netmera_kinesis.push_results.recount import recount
from airflow_netmera_kinesis.push_results.row import PUSH_RESULT_FORMAT, PulledRow, row_of
from airflow_netmera_kinesis.push_results.seen import BUCKET_MS, SeenRows, bucket_of
from airflow_netmera_kinesis.push_results.window import Window
from airflow_netmera_kinesis.quota import Quota
from airflow_netmera_kinesis.rest.client import NetmeraClient
from airflow_netmera_kinesis.rest.paging import Query, pages
from airflow_netmera_kinesis.state.dead_letter import DeadLetter, Reason, event_fields
from airflow_netmera_kinesis.state.letter_archive import NOTE, SliceNote
from airflow_netmera_kinesis.storage import Folder

FILE_BYTES = 8 * 1024 * 1024  # of new rows that wait in memory
SOURCE = "getPushResult"


class Terms(msgspec.Struct, frozen=True):
    """What is asked for, beside the time. ``max_malformed`` of a window's rows may be no message logs."""

    look_back_ms: int
    page_size: int
    notification_keys: tuple[str, ...] = ()
    max_malformed: Quota = Quota(number=100)


class Collecting:
    """A pull's way through its windows; ``state`` tells at any time what is kept.

    Each row that comes is new, seen before, malformed, or repeated by pages that shift: ``counts`` has them all.
    ``check`` raises if somebody else pulls.
    """

    def __init__(
        self,
        client: NetmeraClient,
        state_folder: Folder,
        pulled: Folder,
        state: PullState,
        terms: Terms,
        check: Callable[[], None],
    ) -> None:
        self._client, self._folder, self._pulled, self._terms, self._check = client, state_folder, pulled, terms, check
        self.state, self._begun_ms = state, state.position_ms or 0
        self.counts: Counter[str] = Counter()
        self._seen = SeenRows(lambda number: read_digests(state_folder, self.state, number))
        self._keep_until: dict[int, int] = {}
        self._lines: list[tuple[int, bytes]] = []
        self._letters: list[tuple[PulledRow, int]] = []
        self._waiting_bytes = 0

    def take(self, window: Window) -> None:
        """Pull a window to its end, and keep how far that is."""
        before = self.counts.copy()
        for key in self._terms.notification_keys or ("",):
            self._take_chain(window, Query(window.start_ms, window.end_ms, self._terms.page_size, key))
        self._check_counts(self.counts - before)
        self._keep(window, is_done=True)
        self.counts["windows"] += 1

    def _take_chain(self, window: Window, query: Query) -> None:
        self._seen.begin_pass()
        for page in pages(self._client, query):
            self.counts["pages"] += 1
            rows = [row_of(raw, query.notification_key) for raw in page]
            again = [row for row in rows if self._seen.taken(row)]
            self._take_page(window, rows, recount(self._client, query, again) if again else {})
            if self._waiting_bytes >= FILE_BYTES:
                self._keep(window)

    def _take_page(self, window: Window, rows: Iterable[PulledRow], allowed: Mapping[bytes, int]) -> None:
        for row in rows:
            self.counts["rows"] += 1
            self._remember(row, window)
            if row.digest in allowed and self._seen.taken(row) >= allowed[row.digest]:
                self.counts["repeated"] += 1
                continue
            ordinal = self._seen.take(row)
            if ordinal is None:
                self.counts["seen_before"] += 1
            elif row.fault:
                self.counts["malformed"] += 1
                self._letters.append((row, self.counts["rows"]))
            else:
                self.counts["new"] += 1
                line = row.numbered(ordinal)
                self._lines.append((row.time_ms or 0, line))
                self._waiting_bytes += len(line)

    def _remember(self, row: PulledRow, window: Window) -> None:
        """Keep a row's bucket until no pull can ask for its time any more; a row that was not asked for may come on."""
        number, time_ms = bucket_of(row), row.time_ms
        asked_for = time_ms is not None and window.start_ms <= time_ms <= window.end_ms
        last = (time_ms // BUCKET_MS + 1) * BUCKET_MS if asked_for and time_ms is not None else window.end_ms
        self._keep_until[number] = max(self._keep_until.get(number, 0), last + self._terms.look_back_ms)

    def _keep(self, window: Window, *, is_done: bool = False) -> None:
        """Write what is new under names of its own; all of it counts from the moment on at which the pointer moves."""
        before = self.state
        generation = before.generation + 1
        position_ms, since_ms = before.position_ms, before.since_ms
        if is_done:
            position_ms = max(window.end_ms, position_ms or 0)
            since_ms = max(since_ms, position_ms - self._terms.look_back_ms)
        waiting = before.waiting
        if self._lines:
            name = f"{generation:08d}_{uuid.uuid4().hex[:12]}"
            waiting = (*waiting, write_rows(self._pulled, self._lines, window.end_ms, name))
        self._write_letters(generation)
        after = PullState(generation, position_ms, since_ms, self._kept_buckets(), waiting)
        self._check()
        advance(self._folder, self._pulled, before, after)
        self.state = after
        self._seen.kept()
        self._lines, self._letters, self._waiting_bytes = [], [], 0

    def _kept_buckets(self) -> dict[int, BucketRef]:
        """Forget what no pull asked for any more when this one began."""
        buckets = dict(self.state.buckets)
        for number, until in self._keep_until.items():
            old = buckets.get(number, BucketRef("", 0))
            buckets[number] = BucketRef(old.name, max(until, old.keep_until_ms))
        for number, content in self._seen.changed().items():
            buckets[number] = BucketRef(write_digests(self._folder, number, content), buckets[number].keep_until_ms)
        return {number: ref for number, ref in buckets.items() if ref.name and ref.keep_until_ms >= self._begun_ms}

    def _write_letters(self, generation: int) -> None:
        """Set aside what is no message log, beside the dead letters of the slices and as they are."""
        if self._letters:
            place = f"dead_letters/pull-{generation:08d}"
            note = SliceNote(self._pulled.uri, self._folder.now_ms(), PUSH_RESULT_FORMAT, (SOURCE,))
            self._folder.write(f"{place}/pull.ndjson", _dead_letters(self._letters))
            self._folder.write(f"{place}/{NOTE}", msgspec.json.encode(note))

    def _check_counts(self, counts: Mapping[str, int]) -> None:
        parts = {name: counts.get(name, 0) for name in ("seen_before", "new", "malformed", "repeated")}
        if counts.get("rows", 0) != sum(parts.values()):
            told = " + ".join(f"{name} {number}" for name, number in parts.items())
            raise CountsDisagree(f"pulled rows {counts.get('rows', 0)} are not {told}")
        if self._terms.max_malformed.is_exceeded(parts["malformed"], counts.get("rows", 0)):
            raise QuotaExceeded(
                f"{parts['malformed']} of {counts.get('rows', 0)} rows of Netmera's answer are no message logs, more "
                f"than max_malformed ({self._terms.max_malformed}) allows. Look at what it answers, or raise "
                f"max_malformed"
            )


def _dead_letters(letters: Sequence[tuple[PulledRow, int]]) -> bytes:
    """Write letters whose line is the number of the row in its pull."""
    made = (
        DeadLetter(Reason.MALFORMED, row.fault, SOURCE, number, **event_fields(row.line)) for row, number in letters
    )
    return b"".join(msgspec.json.encode(letter) + b"\n" for letter in made)
