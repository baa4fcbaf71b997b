"""Decide how a stream's shards change while it is written to: SplitShard, MergeShards, UpdateShardCount."""

from __future__ import annotations

from airflow_netmera_kinesis.testing.account import Account
from airflow_netmera_kinesis.testing.refusal import Body, Refused, invalid
from airflow_netmera_kinesis.testing.request import MergeShards, SplitShard, UpdateShardCount
from airflow_netmera_kinesis.testing.rules import HASH_KEYS
from airflow_netmera_kinesis.testing.shard import Shard
from airflow_netmera_kinesis.testing.stream import Stream, even_ranges

_MAX_RANDOM_SHARDS = 16
_ROUNDING = 2**32


def split_shard(account: Account, request: SplitShard) -> Body:
    """Close a shard and open two in its place."""
    stream = _provisioned(account, request)
    shard = _open_shard(account, stream, request.shard_to_split)
    at = int(request.new_starting_hash_key or 0)
    if not shard.start + 1 < at < shard.end:
        raise invalid(
            f"NewStartingHashKey {at} used in SplitShard() on shard {shard.name} in stream {stream.name} under account "
            f"{account.account_id} is not both greater than one plus the shard's StartingHashKey {shard.start} and "
            f"less than the shard's EndingHashKey {shard.end}."
        )
    stream.split(shard, at, account.clock())
    _keep_busy(account, stream)
    return {}


def merge_shards(account: Account, request: MergeShards) -> Body:
    """Close two neighbours and open one in their place."""
    stream = _provisioned(account, request)
    left = _open_shard(account, stream, request.shard_to_merge)
    right = _open_shard(account, stream, request.adjacent_shard_to_merge)
    if left.end + 1 != right.start:
        raise invalid(
            f"Shards {left.name} and {right.name} in stream {stream.name} under account {account.account_id} "
            "are not an adjacent pair of shards eligible for merging"
        )
    stream.merge(left, right, account.clock())
    _keep_busy(account, stream)
    return {}


def update_shard_count(account: Account, request: UpdateShardCount) -> Body:
    """Reshard to so many shards of one size, within twice and half of what there are."""
    stream = _provisioned(account, request)
    current, target = len(stream.open_shards), request.target_shard_count or 1
    for too_far, direction in ((target > 2 * current, "up over double"), (2 * target < current, "down below half")):
        if too_far:
            raise invalid(
                f"UpdateShardCount cannot scale {direction} your current open shard count. "
                f"Current open shard count: {current} Target shard count: {target}"
            )
    reshard_evenly(stream, target, account.clock())
    _keep_busy(account, stream)
    return {
        "StreamName": stream.name,
        "StreamARN": stream.arn,
        "CurrentShardCount": current,
        "TargetShardCount": target,
    }


def reshard_evenly(stream: Stream, count: int, now: float) -> None:
    """Split and merge until there are ``count`` shards of one size; as on AWS, some live for this only."""
    starts = [_cut(stream, start, now) for start, _ in even_ranges(count)]
    for start, end in zip(starts, [*starts[1:], HASH_KEYS], strict=True):
        pieces = [shard for shard in stream.open_shards if start <= shard.start < end]
        while len(pieces) > 1:
            pieces[:2] = [stream.merge(pieces[0], pieces[1], now)]


def reshard_at_random(account: Account, stream: Stream) -> None:
    """Split a random shard in the middle, or merge a random pair; the number of shards stays between 1 and 16."""
    shards, now = stream.open_shards, account.clock()
    if len(shards) == 1 or (len(shards) < _MAX_RANDOM_SHARDS and account.dice.random() < 0.5):
        shard = max(shards, key=lambda shard: (shard.end - shard.start, account.dice.random()))
        stream.split(shard, (shard.start + shard.end) // 2 + 1, now)
    else:
        place = account.dice.randrange(len(shards) - 1)
        stream.merge(shards[place], shards[place + 1], now)


def _cut(stream: Stream, at: int, now: float) -> int:
    """Make a shard begin at hash key ``at``, or find one that begins or ends so near that it is only rounding."""
    shard = next(shard for shard in stream.open_shards if shard.start <= at <= shard.end)
    for edge in (shard.start, shard.end + 1):
        if abs(at - edge) < _ROUNDING:
            return edge
    stream.split(shard, at, now)
    return at


def _provisioned(account: Account, request: SplitShard | MergeShards | UpdateShardCount) -> Stream:
    stream = account.find_idle(request)
    if stream.on_demand:
        message = f"Request is invalid. Stream {stream.name} under account {account.account_id} is in On-Demand mode."
        raise Refused("ValidationException", message)
    return stream


def _open_shard(account: Account, stream: Stream, name: str | None) -> Shard:
    shard = stream.shard_named(name or "")
    where = f"in stream {stream.name} under account {account.account_id}"
    if shard is None:
        raise Refused("ResourceNotFoundException", f"Could not find shard {name} {where}.")
    if shard.closed_at is not None:
        raise invalid(
            f"Shard {shard.name} {where} has already been merged or split, "
            "and thus is not eligible for merging or splitting."
        )
    return shard


def _keep_busy(account: Account, stream: Stream) -> None:
    stream.keep_busy("UPDATING", account.clock(), account.updating_seconds)
