"""Decide what becomes of each record of a PutRecords or PutRecord."""

from __future__ import annotations

from airflow_netmera_kinesis.testing.account import Account
from airflow_netmera_kinesis.testing.admission import admit, oversize_message, size_of
from airflow_netmera_kinesis.testing.faults import RecordFate
from airflow_netmera_kinesis.testing.refusal import Body, Refused, dry_run_passed
from airflow_netmera_kinesis.testing.request import Entry, PutRecord, PutRecords
from airflow_netmera_kinesis.testing.shard import Shard, StoredRecord
from airflow_netmera_kinesis.testing.stream import Stream

THROTTLED = "ProvisionedThroughputExceededException"
INTERNAL_FAILURE = "InternalFailure"
UNHEARD_OF = "UnforeseenRecordException"
_EXPLICIT_NULLS = {"ShardId": None, "SequenceNumber": None, "ErrorCode": None, "ErrorMessage": None}


def put_records(account: Account, request: PutRecords) -> Body:
    """Store what may be stored, and answer for every record by its place."""
    entries = request.records or []
    stream = account.find_writable(request)
    admit(entries, stream, account.faults.oversize, "records.{}.member.")
    if request.dry_run:
        raise dry_run_passed()
    answers = _store_all(account, stream, entries)
    failed = sum(1 for answer in answers if answer.get("ErrorCode"))
    if account.faults.miscounted:
        failed = min(failed, 1)
    return {"FailedRecordCount": failed, "Records": answers, "EncryptionType": "NONE"}


def put_record(account: Account, request: PutRecord) -> Body:
    """Store one record; where PutRecords would answer with an error inside, this refuses."""
    entry = Entry(request.data, request.partition_key, request.explicit_hash_key)
    stream = account.find_writable(request)
    admit([entry], stream, account.faults.oversize, "")
    if request.dry_run:
        raise dry_run_passed()
    (answer,) = _store_all(account, stream, [entry])
    code = answer.get("ErrorCode")
    if code:
        raise Refused(code, answer["ErrorMessage"], 500 if code == INTERNAL_FAILURE else 400)
    return {**answer, "EncryptionType": "NONE"}


def _store_all(account: Account, stream: Stream, entries: list[Entry]) -> list[Body]:
    writer = _Writer(account, stream)
    writer.tally.offered += len(entries)
    answers: list[Body] = [{}] * len(entries)
    turns = list(range(len(entries)))
    if account.faults.shuffled:
        account.dice.shuffle(turns)
    for place in turns:
        answers[place] = writer.answer(place, entries[place])
    if account.faults.explicit_nulls:
        answers = [{**_EXPLICIT_NULLS, **answer} for answer in answers]
    return answers


class _Writer:
    """What one request needs to know to store its records."""

    def __init__(self, account: Account, stream: Stream) -> None:
        self.account = account
        self.stream = stream
        self.tally = account.tallies[stream.name]
        self.now = account.clock()
        self.dice_needed = account.faults.strike_records()

    def answer(self, place: int, entry: Entry) -> Body:
        """Store one record, or say why not."""
        size = size_of(entry)
        if size > self.stream.max_record_bytes:
            return self._failed("InvalidArgumentException", oversize_message(self.stream, size))
        key = entry.partition_key or ""
        shard = self.stream.shard_for(key, entry.explicit_hash_key)
        fate = self._fate(place, key)
        if fate is RecordFate.REJECTED or not self._has_room(shard, size):
            return self._rejected(shard)
        if fate is RecordFate.UNHEARD_OF:
            return self._failed(UNHEARD_OF, "This record cannot be stored.")
        if fate is RecordFate.INTERNAL_FAILURE:
            return self._failed(INTERNAL_FAILURE, "Internal service failure.")
        number = self._store(shard, key, entry.data or b"")
        if fate is RecordFate.INTERNAL_FAILURE_STORED:
            self.tally.unanswered += 1
            return {"ErrorCode": INTERNAL_FAILURE, "ErrorMessage": "Internal service failure."}
        return {"ShardId": shard.name, "SequenceNumber": str(number)}

    def _fate(self, place: int, key: str) -> RecordFate | None:
        told = self.account.fates.get(place)
        if told is None and self.dice_needed:
            return self.account.faults.fate(key, self.account.dice)
        return told

    def _has_room(self, shard: Shard, size: int) -> bool:
        return self.account.quota is None or shard.has_room(self.account.quota, size, self.now)

    def _store(self, shard: Shard, key: str, data: bytes) -> int:
        account = self.account
        account.stored += 1
        self.tally.stored += 1
        self.tally.stored_bytes += len(data)
        number = shard.number(account.stored, self.now)
        if account.keep_records:
            shard.records.append(StoredRecord(account.stored, shard.index, number, key, data, self.now))
        return number

    def _rejected(self, shard: Shard) -> Body:
        self.tally.rejected[shard.name] += 1
        where = f"shard {shard.name} in stream {self.stream.name} under account {self.account.account_id}"
        return {"ErrorCode": THROTTLED, "ErrorMessage": f"Rate exceeded for {where}."}

    def _failed(self, code: str, message: str) -> Body:
        self.tally.failed[code] += 1
        return {"ErrorCode": code, "ErrorMessage": message}
