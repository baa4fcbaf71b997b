"""Judge answers: what is stored is written down and lets its key go on, the rest goes again or is set aside."""

from __future__ import annotations

import re
import traceback
from collections import Counter
from random import Random

from airflow_netmera_kinesis.delivery.counts import DeliveryCounts
from airflow_netmera_kinesis.delivery.credential_advice import advice_on
from airflow_netmera_kinesis.delivery.order_proof import Break, OrderProof
from airflow_netmera_kinesis.delivery.ordering import Entry, Lanes
from airflow_netmera_kinesis.delivery.outcome import (
    Answered,
    EntryAnswer,
    Faulty,
    Lost,
    Outcome,
    Refused,
    Throttled,
    Verdict,
    Withheld,
)
from airflow_netmera_kinesis.delivery.pacing import Paces, full_jitter
from airflow_netmera_kinesis.delivery.request import Request, Requests
from airflow_netmera_kinesis.delivery.seams import Journal, Transport
from airflow_netmera_kinesis.delivery.shard_watch import ShardWatch
from airflow_netmera_kinesis.errors import (
    CredentialsRefused,
    DeliveryError,
    OrderBroken,
    QuotaExceeded,
    StreamRefused,
)

# In the place of a shard, where a whole request was rejected.
WHOLE_STREAM = "the whole stream"
# "Rate exceeded for shard shardId-000000000007 in stream … under account …"
SHARD_IN_MESSAGE = re.compile(r"shardId-\d{12}")


class Settling:
    """What is known of a stream's answers; ``failure`` is why the delivery must end, once it must.

    ``progress`` is when something was delivered last, and ``obstacles`` what stood in the way since. ``generation``
    counts the credentials that were read.
    """

    def __init__(
        self,
        stream: str,
        transport: Transport,
        journal: Journal,
        lanes: Lanes,
        requests: Requests,
        paces: Paces,
        watch: ShardWatch,
        rng: Random,
        now: float,
        *,
        ordered: bool,
    ) -> None:
        self._stream = stream
        self._transport = transport
        self._journal = journal
        self._lanes = lanes
        self._requests = requests
        self._paces = paces
        self._watch = watch
        self._rng = rng
        self._ordered = ordered
        self._proof: OrderProof[str] = OrderProof(watch.lineage)
        self._losses = 0
        self._renewed = False
        self.counts = DeliveryCounts()
        self.rejections: Counter[str] = Counter()
        self.obstacles: Counter[str] = Counter()
        self.failure: Exception | None = None
        self.progress = now
        self.generation = 0
        self.ending = False

    def settle(self, request: Request, outcome: Outcome, now: float) -> None:
        """Decide for each entry of a request whether it is done, goes again, or is set aside."""
        if isinstance(outcome, Answered) and len(outcome.entries) == len(request.entries):
            self._settle_each(request, outcome, now)
        elif isinstance(outcome, Throttled):
            self.rejections[WHOLE_STREAM] += len(request.entries)
            self._put_back(request.entries, outcome.code)
            self._pause(now)
        elif isinstance(outcome, Faulty):
            self._search(request.entries, outcome)
        elif isinstance(outcome, Refused):
            self._refuse(request, outcome)
        elif isinstance(outcome, Withheld):
            for entry in request.entries:
                self._lanes.put_back(entry)
            self.failure = self.failure or outcome.why
        elif isinstance(outcome, Lost):
            self._lose(request.entries, outcome.code)
            self._pause(now)
            if outcome.bug is not None:
                self.failure = self.failure or _told(self._stream, outcome.bug)
        else:
            self._lose(request.entries, "an answer of another length than the request")
            self._pause(now)

    def _settle_each(self, request: Request, answer: Answered, now: float) -> None:
        answered = list(zip(request.entries, answer.entries, strict=True))
        if answer.all_delivered():
            self._deliver(answered, now)
        else:
            self._settle_apart(answered, now)

    def _settle_apart(self, answered: list[tuple[Entry, EntryAnswer]], now: float) -> None:
        told: dict[Verdict, list[tuple[Entry, EntryAnswer]]] = {verdict: [] for verdict in Verdict}
        for entry, said in answered:
            told[said.verdict()].append((entry, said))
        # What is stored comes first: whatever stops the delivery, the journal has to know of it.
        if delivered := told[Verdict.DELIVERED]:
            self._deliver(delivered, now)
        if rejected := told[Verdict.REJECTED]:
            self._reject(rejected, now)
        if lost := told[Verdict.UNKNOWN]:
            self._lose([entry for entry, _ in lost], "InternalFailure")
            if not delivered:
                self._pause(now)
        for entry, said in told[Verdict.PERMANENT]:
            self._set_aside(entry, said.ErrorCode or "", said.ErrorMessage or "")

    def _deliver(self, delivered: list[tuple[Entry, EntryAnswer]], now: float) -> None:
        """Write down first, let the keys go on second."""
        self._journal.delivered(delivered)
        keys = [entry.key for entry, _ in delivered]
        shards = [said.ShardId or "" for _, said in delivered]
        self._watch.accept(keys, shards, now)
        if self._ordered:
            sequences = [said.SequenceNumber or "" for _, said in delivered]
            for place, contradiction in self._proof.check_all(keys, shards, sequences):
                self._break(delivered[place][0], contradiction)
        self._lanes.release_all(keys)
        self.counts.deliver([entry for entry, _ in delivered])
        self.progress = now
        self._losses = 0
        self._renewed = False
        self.obstacles.clear()

    def _reject(self, rejected: list[tuple[Entry, EntryAnswer]], now: float) -> None:
        """Each goes again when its shard may be written; a message that names the shard also tells where it is."""
        named = {entry.key: SHARD_IN_MESSAGE.search(said.ErrorMessage or "") for entry, said in rejected}
        self._watch.follow({key: found.group() for key, found in named.items() if found}, now)
        by_shard: Counter[str] = Counter()
        for entry, said in rejected:
            found = named[entry.key]
            shard = found.group() if found else self._watch.shard_of(entry.key)
            by_shard[shard] += 1
            self._note_rejection(f"{said.ErrorCode} on {shard}", 1)
            self._lanes.put_back(entry)
        self.rejections.update(by_shard)
        self._watch.suspect(now)
        for shard, records in by_shard.items():
            self._paces.reject(shard, records, now)

    def _put_back(self, entries: list[Entry], code: str) -> None:
        self._note_rejection(f"{code} for whole requests", len(entries))
        for entry in entries:
            self._lanes.put_back(entry)

    def _note_rejection(self, obstacle: str, count: int) -> None:
        self.counts.rejected += count
        self.obstacles[obstacle] += count

    def _lose(self, entries: list[Entry], code: str) -> None:
        self.obstacles[f"{code} (perhaps stored)"] += len(entries)
        self.counts.unknown += sum(len(entry.records) for entry in entries)
        self._journal.unknown(entries)
        for entry in entries:
            self._lanes.put_first(entry)

    def _pause(self, now: float) -> None:
        """A trouble of the whole stream: everybody waits, longer each time until something is delivered."""
        self._requests.not_before = max(self._requests.not_before, now + full_jitter(self._rng, self._losses))
        self._losses += 1

    def _search(self, entries: list[Entry], outcome: Faulty) -> None:
        """Find the entry that makes a whole request unacceptable: Kinesis names it, or halves are sent apart."""
        if outcome.position is not None and outcome.position < len(entries):
            guilty = entries[outcome.position]
            self._set_aside(guilty, outcome.code, outcome.message)
            for entry in entries:
                if entry is not guilty:
                    self._lanes.put_back(entry)
        elif len(entries) == 1:
            self._set_aside(entries[0], outcome.code, outcome.message)
        else:
            middle = len(entries) // 2
            self._requests.suspect(entries[:middle])
            self._requests.suspect(entries[middle:])

    def _refuse(self, request: Request, outcome: Refused) -> None:
        self._put_back(request.entries, outcome.code)
        if self.ending or (outcome.credentials and request.generation < self.generation):
            return
        if outcome.credentials and not self._renewed:
            self._renewed = True
            self.generation += 1
            self._transport.renew()
            return
        self.failure = self.failure or self._refusal(outcome)

    def _refusal(self, outcome: Refused) -> StreamRefused:
        refuses = f"stream {self._stream}: Kinesis refuses with {outcome.code}: {outcome.message}"
        if not outcome.credentials:
            return StreamRefused(refuses)
        return CredentialsRefused(
            f"{refuses}. The connection was read again, and it did not help: {advice_on(outcome.code)}. What was "
            "delivered is in the ledger: mend the connection, and the next try goes on from there"
        )

    def _set_aside(self, entry: Entry, code: str, message: str) -> None:
        try:
            self._journal.refused(entry, code, message)
        except QuotaExceeded as too_many:
            self.failure = self.failure or too_many
        self.counts.refused += len(entry.records)
        self._lanes.release(entry.key)

    def _break(self, entry: Entry, contradiction: Break) -> None:
        self._journal.broken(entry, contradiction)
        self.failure = OrderBroken(
            f"stream {self._stream}: {contradiction.reason}: "
            f"shard {contradiction.earlier[0]} at {contradiction.earlier[1]}, "
            f"then shard {contradiction.later[0]} at {contradiction.later[1]}"
        )


def _told(stream: str, bug: Exception) -> DeliveryError:
    """Say what failed and where; its own words may quote an event."""
    *_, last = traceback.extract_tb(bug.__traceback__) or [None]
    where = f" at {last.filename}:{last.lineno}" if last else ""
    return DeliveryError(f"stream {stream}: sending failed with {type(bug).__name__}{where}: this is a bug")
