"""Count how the firings of one hook end, and hold what its records are made with."""

from __future__ import annotations

from collections import Counter

from airflow_netmera_kinesis.dead_letter import Reason
from airflow_netmera_kinesis.hook_definition import HookDefinition
from airflow_netmera_kinesis.match_result import HookResult
from airflow_netmera_kinesis.payload import opening_of

# MaxRecordSizeInKiB of a stream that nobody has changed:
# https://docs.aws.amazon.com/kinesis/latest/APIReference/API_StreamDescriptionSummary.html
DEFAULT_RECORD_BYTES = 1024 * 1024
_LONGEST_KEY_BYTES = 4 * 256


class HookFirings:
    """One active hook in one match task; ``max_record_bytes`` is its stream's limit for payload and key together."""

    def __init__(self, index: int, hook: HookDefinition, max_record_bytes: int) -> None:
        self.name = hook.name
        self.stream = hook.stream
        self.key_fields = hook.partition_key
        self.opening = opening_of(hook)
        self.max_record_bytes = max_record_bytes
        self.firings = self.staged = 0
        self._index = index
        self._dead: Counter[str] = Counter()

    def is_too_large(self, key: str, payload: bytes) -> bool:
        room = self.max_record_bytes - len(payload)
        return room < _LONGEST_KEY_BYTES and room < len(key.encode())

    def set_aside(self, reason: Reason) -> None:
        self._dead[reason.value] += 1

    def result(self) -> HookResult:
        return HookResult(self._index, self.name, self.firings, self.staged, dict(self._dead))
