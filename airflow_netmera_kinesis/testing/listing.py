"""Decide what callers may learn of streams and shards, page by page."""

from __future__ import annotations

from base64 import b64decode, b64encode

import msgspec

from airflow_netmera_kinesis.testing.account import Account
from airflow_netmera_kinesis.testing.refusal import Body, Refused, invalid, not_found
from airflow_netmera_kinesis.testing.request import (
    DescribeStream,
    ListShards,
    ListStreams,
    Request,
    ShardFilter,
    seconds,
)
from airflow_netmera_kinesis.testing.shard import Shard
from airflow_netmera_kinesis.testing.stream import Stream

# https://docs.aws.amazon.com/kinesis/latest/APIReference/API_ListShards.html
MAX_SHARDS_LISTED = 1000
TOKEN_SECONDS = 300.0
_DEFAULT_STREAMS_LISTED = 100
_DEFAULT_SHARDS_DESCRIBED = 100


class _Token(msgspec.Struct, frozen=True, array_like=True):
    """Where a listing goes on. The filter holds for its first page only: its choice travels as shard indexes."""

    stream: str
    shards: tuple[int, ...]
    issued_at: float


def list_shards(account: Account, request: ListShards) -> Body:
    """List a page of shards."""
    now = account.clock()
    if request.next_token is None:
        stream = account.find(request)
        if stream.status(now) == "CREATING":
            raise Refused(
                "ResourceInUseException", f"Stream {stream.name} under account {account.account_id} is CREATING."
            )
        shards = _asked_for(stream, request)
    else:
        stream, shards = _next_page(account, request, now)
    size = min(request.max_results or MAX_SHARDS_LISTED, MAX_SHARDS_LISTED)
    body: Body = {"Shards": [shard.described() for shard in shards[:size]]}
    if shards[size:]:
        token = _Token(stream.name, tuple(shard.index for shard in shards[size:]), now)
        body["NextToken"] = b64encode(msgspec.json.encode(token)).decode()
    return body


def list_streams(account: Account, request: ListStreams) -> Body:
    """List a page of streams, by name."""
    after = request.exclusive_start_stream_name or request.next_token or ""
    names = sorted(name for name in account.streams if name > after)
    page = names[: request.limit or _DEFAULT_STREAMS_LISTED]
    body: Body = {
        "StreamNames": page,
        "HasMoreStreams": len(page) < len(names),
        "StreamSummaries": [_summary(account, account.streams[name]) for name in page],
    }
    if body["HasMoreStreams"]:
        body["NextToken"] = page[-1]
    return body


def describe_stream(account: Account, request: DescribeStream) -> Body:
    """Describe a stream with a page of its shards."""
    stream = account.find(request)
    shards = [shard for shard in stream.shards if shard.name > (request.exclusive_start_shard_id or "")]
    if stream.status(account.clock()) == "CREATING":
        shards = []
    page = shards[: request.limit or _DEFAULT_SHARDS_DESCRIBED]
    description = {
        **_summary(account, stream),
        **_details(stream),
        "Shards": [shard.described() for shard in page],
        "HasMoreShards": len(page) < len(shards),
    }
    return {"StreamDescription": description}


def describe_stream_summary(account: Account, request: Request) -> Body:
    """Describe a stream without its shards."""
    stream = account.find(request)
    creating = stream.status(account.clock()) == "CREATING"
    description = {
        **_summary(account, stream),
        **_details(stream),
        "OpenShardCount": 0 if creating else len(stream.open_shards),
        "ConsumerCount": 0,
        "MaxRecordSizeInKiB": stream.max_record_kib,
    }
    if stream.on_demand:  # AWS says it of these alone
        description["RecordDistributionStrategy"] = "AUTO" if stream.ignores_keys else "USER_PARTITION_KEY"
    return {"StreamDescriptionSummary": description}


def _asked_for(stream: Stream, request: ListShards) -> list[Shard]:
    moment = request.stream_creation_timestamp
    if moment is not None and int(seconds(moment)) != int(stream.created_at):
        raise not_found(stream.name, stream.arn.split(":")[4])
    after = request.exclusive_start_shard_id or ""
    shards = [shard for shard in stream.shards if shard.name > after]
    return [shard for shard in shards if request.shard_filter is None or _passes(shard, request.shard_filter)]


def _passes(shard: Shard, wanted: ShardFilter) -> bool:
    kind = wanted.type
    if kind == "FROM_TRIM_HORIZON":
        return True
    if kind == "AT_TRIM_HORIZON":  # nothing is ever trimmed: what was open then is what came from no other shard
        return not shard.parents
    if kind == "AT_LATEST":
        return shard.closed_at is None
    if kind == "AFTER_SHARD_ID" and wanted.shard_id is not None:
        return shard.name > wanted.shard_id
    if kind in ("AT_TIMESTAMP", "FROM_TIMESTAMP") and wanted.timestamp is not None:
        moment = seconds(wanted.timestamp)
        if kind == "AT_TIMESTAMP":
            return shard.was_open_at(moment)
        return shard.closed_at is None or shard.closed_at >= moment
    raise invalid(f"ShardFilter of type {kind} is unknown or lacks its ShardId or Timestamp.")


def _next_page(account: Account, request: ListShards, now: float) -> tuple[Stream, list[Shard]]:
    if request.stream_name or request.exclusive_start_shard_id or request.stream_creation_timestamp:
        raise invalid("NextToken and StreamName cannot be provided together.")
    try:
        token = msgspec.json.decode(b64decode(request.next_token or "", validate=True), type=_Token)
    except (ValueError, msgspec.MsgspecError):
        raise invalid("NextToken is invalid.") from None
    if now - token.issued_at > TOKEN_SECONDS:
        raise Refused("ExpiredNextTokenException", f"NextToken expired. Tokens live for {TOKEN_SECONDS:.0f} s.")
    stream = account.find(Request(stream_name=token.stream))
    return stream, [stream.shards[index] for index in token.shards]


def _summary(account: Account, stream: Stream) -> Body:
    return {
        "StreamName": stream.name,
        "StreamARN": stream.arn,
        "StreamStatus": stream.status(account.clock()),
        "StreamModeDetails": {"StreamMode": "ON_DEMAND" if stream.on_demand else "PROVISIONED"},
        "StreamCreationTimestamp": stream.created_at,
    }


def _details(stream: Stream) -> Body:
    encrypted = {"EncryptionType": "KMS", "KeyId": stream.kms_key} if stream.kms_key else {"EncryptionType": "NONE"}
    return {"RetentionPeriodHours": 24, "EnhancedMonitoring": [{"ShardLevelMetrics": []}], **encrypted}
