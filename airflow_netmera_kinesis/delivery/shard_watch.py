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
# Who else writes is asked when a shard rejects: at once, and less and less often as long as nothing changes.
FIRST_SHARE_PAUSE_SECONDS, LONGEST_SHARE_PAUSE_SECONDS = 1.0, 16.0


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
        self._shared: dict[str, float] = {}
        self._share_at = clock()
        self._share_pause = FIRST_SHARE_PAUSE_SECONDS
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
        self._lanes.resort(shards.shard_at)

    def share(self) -> None:
        """Ask again how much of each shard is ours: other tasks that write to the stream come and go."""
        now, shares = self._clock(), self._shares(self._requests.shards)
        changed = shares != self._shared
        self._shared = shares
        self._share_pause = FIRST_SHARE_PAUSE_SECONDS if changed else 2.0 * self._share_pause
        self._share_at = now + min(LONGEST_SHARE_PAUSE_SECONDS, self._share_pause)
        self._paces.share(shares, now)

    def suspect(self, now: float) -> None:
        """A shard rejects: perhaps somebody else has begun to write to it."""
        if now >= self._share_at:
            self.share()

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
                self._lanes.resort(shards.shard_at)
        elif not shards.known.issuperset(places.values()) and now - self._loaded >= RELOAD_PAUSE_SECONDS:
            # The old map still tells who may be sent what; the next answer asks for the new one again.
            with suppress(StreamRefused, StreamUnreachable):
                self.load()
