"""Count how the firings of one hook end, and hold what its records are made with."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from airflow_netmera_kinesis.netmera.fitting import Excess
from airflow_netmera_kinesis.netmera.hashing import NO_KEYS, HashKeys, key_of
from airflow_netmera_kinesis.netmera.hook_definition import HookDefinition
from airflow_netmera_kinesis.netmera.payload import opening_of
from airflow_netmera_kinesis.netmera.payload_rules import PayloadRules
from airflow_netmera_kinesis.netmera.reshaping import reshaper_of
from airflow_netmera_kinesis.state.dead_letter import Reason
from airflow_netmera_kinesis.state.match_result import HookResult

# Every stream takes a record of this size, payload and key together; MaxRecordSizeInKiB may allow up to ten times more:
# https://docs.aws.amazon.com/kinesis/latest/APIReference/API_StreamDescriptionSummary.html
SURE_RECORD_BYTES = 1024 * 1024
LONGEST_KEY_BYTES = 4 * 256

RecordLimit = Callable[[HookDefinition], int]


def sure_limit(_: HookDefinition) -> int:
    """Where nobody can ask Kinesis."""
    return SURE_RECORD_BYTES


class HookFirings:
    """One active hook in one match task; ``limit_of`` is asked once, and only if a record may need to know.

    ``request_bytes`` is the smallest ``batch.max_bytes`` of the hooks that feed the stream: no record may exceed it.
    ``reshape`` is None where the hook has no rules for its payloads, ``hash_key`` where its partition keys stay as they
    are.
    """

    def __init__(
        self, index: int, hook: HookDefinition, limit_of: RecordLimit, request_bytes: int, keys: HashKeys = NO_KEYS
    ) -> None:
        self.name = hook.name
        self.stream = hook.stream
        self.key_fields = hook.partition_key
        self.oversize = hook.oversize
        self._key = key_of(hook, keys)
        self.reshape = reshaper_of(hook.payload, self._key)
        self.hash_key = self._key if hook.hash_partition_key else None
        self.opening = opening_of(hook)
        self.firings = self.staged = 0
        self._max_record_bytes = SURE_RECORD_BYTES
        self._request_bytes = request_bytes
        self._sure_payload_bytes = min(SURE_RECORD_BYTES, request_bytes) - LONGEST_KEY_BYTES
        self._index, self._hook = index, hook
        self._limit_of: RecordLimit | None = limit_of
        self._dead: Counter[str] = Counter()

    def reshape_again(self, body: bytes, before: PayloadRules) -> bytes:
        """Apply the rules to what other ones have shaped before; a hash is never hashed."""
        rules = self._hook.payload
        reshape = reshaper_of(PayloadRules(rules.keep, rules.drop) if before.hash else rules, self._key)
        return body if reshape is None else reshape(body)

    def excess(self, key: str, payload: bytes) -> Excess | None:
        """Say which limit payload and key together exceed, if any."""
        if len(payload) <= self._sure_payload_bytes:
            return None
        size = len(payload) + len(key.encode())
        if size > self._request_bytes:
            return Excess(size, self._request_bytes, "batch.max_bytes allows")
        if size > self._max_record_bytes and self._limit_of is not None:
            self._max_record_bytes, self._limit_of = self._limit_of(self._hook), None
        if size > self._max_record_bytes:
            return Excess(size, self._max_record_bytes, "the stream takes")
        return None

    def set_aside(self, reason: Reason) -> None:
        self._dead[reason.value] += 1

    def result(self) -> HookResult:
        return HookResult(self._index, self.name, self.firings, self.staged, dict(self._dead))
