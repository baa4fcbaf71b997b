"""Follow a stream's shards: load their map, learn from answers, and sort what is ready whenever the map changes."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from airflow_netmera_kinesis.delivery.order_proof import Lineage
from airflow_netmera_kinesis.delivery.ordering import Lanes
from airflow_netmera_kinesis.delivery.pacing import Paces
from airflow_netmera_kinesis.delivery.request import Requests
from airflow_netmera_kinesis.delivery.seams import Transport
from airflow_netmera_kinesis.delivery.shard_map import ShardMap
from airflow_netmera_kinesis.errors import StreamRefused, StreamUnreachable

RELOAD_PAUSE_SECONDS = 1.0


class ShardWatch:
    """The shards of one stream, as far as they are known; ``shares`` tells how much of each is ours."""

    def __init__(
        self,
        transport: Transport,
        lanes: Lanes,
        requests: Requests,
        paces: Paces,
        shares: Callable[[ShardMap], dict[str, float]],
        clock: Callable[[], float],
    ) -> None:
        self._transport = transport
        self._lanes = lanes
        self._requests = requests
        self._paces = paces
        self._shares = shares
        self._clock = clock
        self._loaded = clock()
        self.lineage = Lineage()

    def load(self) -> None:
        """Ask for the open shards.

        :raises StreamRefused, StreamUnreachable: the stream cannot be asked now
        """
        self._loaded = self._clock()
        shards = self._transport.shards()
        self._requests.shards = shards
        self.lineage.learn({shard.shard_id: shard.parents for shard in shards.shards})
        self.share()
        self._lanes.resort(shards.shard_of)

    def share(self) -> None:
        """Ask again how much of each shard is ours: other tasks that write to the stream come and go."""
        self._paces.share(self._shares(self._requests.shards), 1.0)

    def shard_of(self, key: str) -> str:
        """Where the key goes, by all that is known now."""
        return self._requests.shards.shard_of(key)

    def accept(self, keys: list[str], shards: list[str], now: float) -> None:
        """These keys were stored on these shards."""
        places = set(shards)
        self._paces.accept(places)
        known = self._requests.shards.known
        if not known or not known.issuperset(places):
            self.follow(dict(zip(keys, shards, strict=True)), now)

    def follow(self, places: dict[str, str], now: float) -> None:
        """Learn from where keys are: a shard that the map does not know means that the stream was resharded."""
        shards = self._requests.shards
        if not shards.known:
            changes = [shards.learn(key, shard) for key, shard in places.items()]
            if any(changes):
                self._lanes.resort(shards.shard_of)
        elif not shards.known.issuperset(places.values()) and now - self._loaded >= RELOAD_PAUSE_SECONDS:
            # The old map still tells who may be sent what; the next answer asks for the new one again.
            with suppress(StreamRefused, StreamUnreachable):
                self.load()
