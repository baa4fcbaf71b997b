"""Decide what may be sent to a stream that ignores partition keys, and where its records may be expected.

Kinesis deals the records of a stream with RecordDistributionStrategy AUTO out to its shards, whatever their keys.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import cycle

import msgspec

from airflow_netmera_kinesis.delivery.shard_map import ANY_SHARD, HASH_SPACE, Shard, ShardMap
from airflow_netmera_kinesis.errors import ConfigurationError
from airflow_netmera_kinesis.netmera.hook_definition import HookDefinition, Packing


def check_allowed(stream: str, hooks: Sequence[HookDefinition]) -> None:
    """Refuse a stream that ignores keys, unless all hooks that feed it do without order.

    :raises ConfigurationError: with the reason and what to do
    """
    ordered = [hook.name for hook in hooks if not hook.allow_unordered]
    if ordered:
        raise ConfigurationError(
            f"stream {stream}: its RecordDistributionStrategy is AUTO, so Kinesis ignores partition keys and no user's "
            f"order would hold, which hook {', '.join(ordered)} asks for: choose a stream with another strategy, or "
            "say allow_unordered: true on each hook of this stream"
        )
    if any(hook.packing is Packing.KPL for hook in hooks):
        raise ConfigurationError(
            f"stream {stream}: its RecordDistributionStrategy is AUTO, and packing is kpl: a consumer with KCL drops "
            "the events of an aggregate whose keys do not belong to its shard, without a word. Choose packing: ndjson "
            "or none, or a stream with another strategy"
        )


class DealtShardMap(ShardMap):
    """Expects records on all shards in turn: each takes its even part of the whole stream, of every partition."""

    def __init__(self, shards: Iterable[Shard] = ()) -> None:
        super().__init__(msgspec.structs.replace(shard, first_hash=0, last_hash=HASH_SPACE - 1) for shard in shards)
        self._deal()

    def learn(self, key: str, shard: str) -> bool:
        """Take note of a shard that was not known, where they may not be listed."""
        if shard in self._ids:
            return False
        self._ids.append(shard)
        self._deal()
        return True

    def shard_at(self, digest: bytes) -> str:
        """Whose turn it is: the key makes no difference."""
        return next(self._turns)

    def _deal(self) -> None:
        self._turns = cycle(self._ids or [ANY_SHARD])
