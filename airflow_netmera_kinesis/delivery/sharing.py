"""Share a shard's capacity among the send tasks that write to it at the same time."""

from __future__ import annotations

from collections.abc import Iterable

from airflow_netmera_kinesis.delivery.shard_map import ShardMap
from airflow_netmera_kinesis.state.lease import held
from airflow_netmera_kinesis.storage import Folder


def send_task(partition: int) -> str:
    """The name of a partition's lease within its slice."""
    return f"send-{partition:04d}"


def running_partitions(state: Folder, slice_id: str) -> set[int]:
    """The partitions of a slice that are being sent now, by their leases."""
    names = held(state, f"{slice_id}/send-")
    return {int(name.rpartition("-")[2]) for name in names}


def shares_of(shards: ShardMap, partitions: int, running: Iterable[int]) -> dict[str, float]:
    """Give each running partition an equal part of every shard that its range of the hash space meets.

    A partition is the range ``[p, p + 1) / partitions`` of the hash space; the caller's own counts as running.
    """
    busy = set(running)
    shares: dict[str, float] = {}
    for shard in shards.shards:
        first, last = shard.first_hash * partitions >> 128, shard.last_hash * partitions >> 128
        shares[shard.shard_id] = 1.0 / max(1, sum(first <= partition <= last for partition in busy))
    return shares
