"""Decide what a hook definition is: its trigger, its stream, its payload's rules, and how its records are sent."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum

import msgspec

from airflow_netmera_kinesis.netmera.payload_rules import KeySource, Oversize, PayloadRules

HOOK_TYPE = "KINESIS"
# https://docs.aws.amazon.com/kinesis/latest/APIReference/API_PutRecords.html
MAX_REQUEST_RECORDS = 500
MAX_REQUEST_BYTES = 10 * 1024 * 1024


class TriggerType(str, Enum):
    """What sets a hook off. Netmera's PUSH_CLICK and GEOFENCE are not among the exports, so no hook can meet them."""

    EVENT = "EVENT"
    MESSAGE_LOG = "MESSAGE_LOG"


class Packing(str, Enum):
    """How several events of one user travel in one record: not at all, a line each, or as a KPL aggregate."""

    NONE = "none"
    NDJSON = "ndjson"
    KPL = "kpl"


class BatchLimits(msgspec.Struct, frozen=True):
    """The size of one request, Kinesis' own limits or smaller ones."""

    max_records: int = MAX_REQUEST_RECORDS
    max_bytes: int = 5 * 1024 * 1024  # every stand-in of Kinesis takes this much; 10 MiB must be asked for


class HookDefinition(msgspec.Struct, frozen=True):
    """One Netmera hook: which events fire it, and the stream that takes its records."""

    name: str
    trigger_type: TriggerType = TriggerType.EVENT
    event_code: str | None = None
    event_name: str | None = None
    stream_name: str | None = None
    stream_arn: str | None = None
    active: bool = True
    batch: BatchLimits = BatchLimits()
    partition_key: tuple[str, ...] = ("userId",)
    hook_type: str = HOOK_TYPE
    packing: Packing = Packing.NONE
    pack_always: bool = False
    allow_unordered: bool = False
    payload: PayloadRules = PayloadRules()
    oversize: Oversize = Oversize()
    hash_key: KeySource | None = None
    hash_partition_key: bool = False

    @property
    def stream(self) -> str:
        """The stream's name, also where the hook gives its ARN: the two are one stream."""
        if self.stream_name is not None:
            return self.stream_name
        return (self.stream_arn or "").rpartition("/")[2]

    @property
    def region(self) -> str:
        """The region in the stream's ARN; empty where the hook gives the stream's name."""
        return self.stream_arn.split(":")[3] if self.stream_arn else ""


def smallest_batches(hooks: Iterable[HookDefinition]) -> dict[str, BatchLimits]:
    """For each stream that active hooks feed: the batch that suits them all."""
    batches: dict[str, BatchLimits] = {}
    for hook in hooks:
        if hook.active:
            other = batches.get(hook.stream, hook.batch)
            batches[hook.stream] = BatchLimits(
                min(other.max_records, hook.batch.max_records), min(other.max_bytes, hook.batch.max_bytes)
            )
    return batches
