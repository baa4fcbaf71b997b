"""Count how the firings of one hook end, and hold what its records are made with."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from airflow_netmera_kinesis.netmera.hook_definition import HookDefinition
from airflow_netmera_kinesis.netmera.payload import opening_of
from airflow_netmera_kinesis.state.dead_letter import Reason
from airflow_netmera_kinesis.state.match_result import HookResult

# Every stream takes a record of this size, payload and key together; MaxRecordSizeInKiB may allow up to ten times more:
# https://docs.aws.amazon.com/kinesis/latest/APIReference/API_StreamDescriptionSummary.html
SURE_RECORD_BYTES = 1024 * 1024
_LONGEST_KEY_BYTES = 4 * 256

RecordLimit = Callable[[HookDefinition], int]


def sure_limit(_: HookDefinition) -> int:
    """Where nobody can ask Kinesis."""
    return SURE_RECORD_BYTES


class HookFirings:
    """One active hook in one match task; ``limit_of`` is asked once, and only if a record may need to know."""

    def __init__(self, index: int, hook: HookDefinition, limit_of: RecordLimit) -> None:
        self.name = hook.name
        self.stream = hook.stream
        self.key_fields = hook.partition_key
        self.opening = opening_of(hook)
        self.firings = self.staged = 0
        self.max_record_bytes = SURE_RECORD_BYTES
        self._index, self._hook = index, hook
        self._limit_of: RecordLimit | None = limit_of
        self._dead: Counter[str] = Counter()

    def is_too_large(self, key: str, payload: bytes) -> bool:
        """Compare payload and key with the stream's own limit."""
        if len(payload) <= SURE_RECORD_BYTES - _LONGEST_KEY_BYTES:
            return False
        size = len(payload) + len(key.encode())
        if size > self.max_record_bytes and self._limit_of is not None:
            self.max_record_bytes, self._limit_of = self._limit_of(self._hook), None
        return size > self.max_record_bytes

    def set_aside(self, reason: Reason) -> None:
        self._dead[reason.value] += 1

    def result(self) -> HookResult:
        return HookResult(self._index, self.name, self.firings, self.staged, dict(self._dead))
