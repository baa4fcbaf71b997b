"""Ask Kinesis what a stream is (its mode, its record limit, its shards), and go on where asking is not allowed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from airflow_netmera_kinesis.delivery.asking import NotAllowed, ask
from airflow_netmera_kinesis.delivery.shard_map import LearnedShardMap, Shard, ShardMap
from airflow_netmera_kinesis.netmera.hook_definition import HookDefinition

# https://docs.aws.amazon.com/kinesis/latest/APIReference/API_CreateStream.html, where nothing else is said
DEFAULT_RECORD_KIB = 1024


class StreamDescription(msgspec.Struct, frozen=True):
    """What decides how a stream is written; the defaults hold where DescribeStreamSummary is not allowed.

    ``distribution`` is empty where nobody says it, and ``kms_key`` where records are not encrypted.
    """

    max_record_bytes: int = DEFAULT_RECORD_KIB * 1024
    on_demand: bool = False
    distribution: str = ""
    status: str = ""
    kms_key: str = ""
    described: bool = False

    @property
    def ignores_keys(self) -> bool:
        return self.distribution == "AUTO"


def address_of(hook: HookDefinition) -> dict[str, str]:
    """How a call names the hook's stream: another account's stream needs the ARN."""
    return {"StreamARN": hook.stream_arn} if hook.stream_arn else {"StreamName": hook.stream_name or ""}


def addresses_of(hooks: tuple[HookDefinition, ...]) -> dict[str, dict[str, str]]:
    """The address of every stream that active hooks feed; where one of them gives the ARN, the ARN."""
    addresses: dict[str, dict[str, str]] = {}
    for hook in hooks:
        if hook.active and (hook.stream not in addresses or hook.stream_arn):
            addresses[hook.stream] = address_of(hook)
    return addresses


def describe_stream(client: Any, stream: str, address: Mapping[str, str]) -> StreamDescription:
    """Ask DescribeStreamSummary; without the right to, the documented defaults are returned.

    :raises StreamRefused: the stream does not exist
    :raises CredentialsRefused: the credentials are refused
    :raises StreamUnreachable: nobody answers
    """
    try:
        summary = ask(client.describe_stream_summary, f"stream {stream}", **address)
    except NotAllowed:
        return StreamDescription()
    about = summary["StreamDescriptionSummary"]
    return StreamDescription(
        max_record_bytes=int(about.get("MaxRecordSizeInKiB") or DEFAULT_RECORD_KIB) * 1024,
        on_demand=(about.get("StreamModeDetails") or {}).get("StreamMode") == "ON_DEMAND",
        distribution=about.get("RecordDistributionStrategy") or "",
        status=about.get("StreamStatus") or "",
        kms_key=(about.get("KeyId") or "a key that is not named") if about.get("EncryptionType") == "KMS" else "",
        described=True,
    )


def list_shards(client: Any, stream: str, address: Mapping[str, str]) -> ShardMap:
    """List the open shards; without the right to, return a map that learns from the answers to what is sent."""
    shards: list[Shard] = []
    asked: dict[str, Any] = {**address, "ShardFilter": {"Type": "AT_LATEST"}}
    while True:
        try:
            page = ask(client.list_shards, f"stream {stream}", **asked)
        except NotAllowed:
            return LearnedShardMap()
        shards.extend(_shard(shard) for shard in page["Shards"] if _is_open(shard))
        if not page.get("NextToken"):
            return ShardMap(shards)
        asked = {"NextToken": page["NextToken"]}


def _is_open(shard: Mapping[str, Any]) -> bool:
    # A stand-in may not know the filter: a closed shard is the one whose sequence numbers have an end.
    return not shard["SequenceNumberRange"].get("EndingSequenceNumber")


def _shard(shard: Mapping[str, Any]) -> Shard:
    hashes = shard["HashKeyRange"]
    parents = tuple(shard[name] for name in ("ParentShardId", "AdjacentParentShardId") if shard.get(name))
    return Shard(shard["ShardId"], int(hashes["StartingHashKey"]), int(hashes["EndingHashKey"]), parents)
