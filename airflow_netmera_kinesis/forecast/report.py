"""Draw the conclusions from a survey: load per shard, the price of order, what packing saves, what a month costs."""

from __future__ import annotations

from datetime import datetime, timezone

import msgspec

from airflow_netmera_kinesis.delivery.pacing import SHARD_BYTES_PER_SECOND, SHARD_RECORDS_PER_SECOND
from airflow_netmera_kinesis.forecast.prices import DAYS_A_MONTH, Prices, gigabytes
from airflow_netmera_kinesis.forecast.stream_load import BUCKETS, ShardLoad, StreamLoad, UserLoad
from airflow_netmera_kinesis.forecast.survey import Survey
from airflow_netmera_kinesis.netmera.hook_definition import HookDefinition, Packing
from airflow_netmera_kinesis.stages.offline_match import Damaged
from airflow_netmera_kinesis.state.dead_letter import Reason

# A shard that is planned to its limit has no room for the next hour.
COMFORTABLE_SHARE = 0.8
MOST_SHARDS = 4_096
SHOWN_CODES = 20
_DAY_MS = 86_400_000


class Assumptions(msgspec.Struct, frozen=True):
    """What the exports cannot tell: how fast it has to go, how long a request takes, what it costs.

    :param within: seconds in which all of it is to be sent
    :param latency: seconds that a PutRecords request takes
    :param days: days that the exports stand for; 0: as many as the matched events' times span, at least one
    """

    within: float
    latency: float
    days: float
    shards: tuple[int, ...]
    top: int
    prices: Prices


class HookReport(msgspec.Struct, frozen=True):
    """How one active hook's firings would end: ``matches`` = ``records`` + the two reasons to set an event aside."""

    hook: str
    stream: str
    trigger_type: str
    matches: int
    records: int
    missing_user_id: int
    too_large: int


class ShardReport(msgspec.Struct, frozen=True):
    """The shard that gets most, if all is sent within the time; ``share`` is of what a shard takes: 1 is full."""

    shards: int
    records_per_second: float
    megabytes_per_second: float
    share: float


class HotUser(msgspec.Struct, frozen=True):
    """One user, and the seconds that strict order takes at least: one record on its way at a time."""

    key: str
    events: int
    bytes: int
    seconds: float
    seconds_packed: float


class CostReport(msgspec.Struct, frozen=True):
    """What these exports are billed, and a month like them, in ``currency``."""

    put_units: int
    gigabytes: float
    put_units_a_month: float
    gigabytes_a_month: float
    provisioned_a_month: float | None
    on_demand_a_month: float


class StreamReport(msgspec.Struct, frozen=True):
    """What one stream would take; ``users_exact`` is false where there were too many users to count exactly.

    ``seconds_by_shards`` is how long its limits make the recommended shards write, ``seconds_in_order`` how long strict
    order keeps the busiest user's records apart, and ``seconds_packed`` the same if they travel together.
    """

    stream: str
    packing: str
    records: int
    bytes: int
    largest_record: int
    users: int
    users_exact: bool
    top_by_events: tuple[HotUser, ...]
    top_by_bytes: tuple[HotUser, ...]
    shards: tuple[ShardReport, ...]
    recommended_shards: int | None
    seconds_by_shards: float | None
    seconds_in_order: float
    seconds_packed: float
    cost: CostReport
    cost_packed: CostReport


class ForecastReport(msgspec.Struct, frozen=True):
    """All that the exports foretell."""

    files: int
    bytes: int
    read: int
    malformed: int
    events: int
    damaged: tuple[Damaged, ...]
    first: str | None
    last: str | None
    days: float
    within: float
    latency: float
    prices: Prices
    hooks: tuple[HookReport, ...]
    inactive_hooks: tuple[str, ...]
    unmatched: dict[str, int]
    streams: tuple[StreamReport, ...]


def report_of(found: Survey, hooks: tuple[HookDefinition, ...], assumed: Assumptions) -> ForecastReport:
    """Return the report; it holds users' ids only where it names the busiest ones."""
    days = assumed.days or _days_of(found)
    packings = {hook.stream: hook.packing for hook in hooks if hook.active}
    return ForecastReport(
        files=found.files,
        bytes=found.bytes,
        read=found.read,
        malformed=found.malformed,
        events=found.events,
        damaged=found.damaged,
        first=_time(found.first_ms),
        last=_time(found.last_ms),
        days=days,
        within=assumed.within,
        latency=assumed.latency,
        prices=assumed.prices,
        hooks=tuple(_hooks(found, hooks)),
        inactive_hooks=tuple(hook.name for hook in hooks if not hook.active),
        unmatched=dict(found.unmatched.most_common(SHOWN_CODES)),
        streams=tuple(
            _stream(name, load, packings[name], assumed, DAYS_A_MONTH / days) for name, load in found.streams.items()
        ),
    )


def _hooks(found: Survey, hooks: tuple[HookDefinition, ...]) -> list[HookReport]:
    return [
        HookReport(
            hook=result.name,
            stream=hooks[result.hook].stream,
            trigger_type=hooks[result.hook].trigger_type.value,
            matches=result.firings,
            records=result.staged,
            missing_user_id=result.dead.get(Reason.MISSING_USER_ID.value, 0),
            too_large=result.dead.get(Reason.TOO_LARGE.value, 0),
        )
        for result in found.hooks
    ]


def _stream(name: str, load: StreamLoad, packing: Packing, assumed: Assumptions, months: float) -> StreamReport:
    recommended = _recommended(load, assumed.within)
    busiest = load.top_by_events(assumed.top or 1)
    return StreamReport(
        stream=name,
        packing=packing.value,
        records=load.records,
        bytes=load.bytes,
        largest_record=load.largest,
        users=load.users,
        users_exact=load.exact,
        top_by_events=tuple(_hot(user, assumed.latency) for user in busiest[: assumed.top]),
        top_by_bytes=tuple(_hot(user, assumed.latency) for user in load.top_by_bytes(assumed.top)),
        shards=tuple(_shards(shard, assumed.within) for shard in load.shard_loads(assumed.shards)),
        recommended_shards=recommended.shards if recommended else None,
        seconds_by_shards=round(seconds_of(recommended), 3) if recommended else None,
        seconds_in_order=round(max((user.events for user in busiest), default=0) * assumed.latency, 3),
        seconds_packed=round(load.most_packed_records() * assumed.latency, 3),
        cost=_cost(load.alone.units, gigabytes(load.alone), recommended, assumed.prices, months),
        cost_packed=_cost(load.packed.units, gigabytes(load.packed), recommended, assumed.prices, months),
    )


def _recommended(load: StreamLoad, within: float) -> ShardLoad | None:
    """Return the fewest shards of which none is filled beyond what is comfortable; None if one user alone fills it."""
    most = within * COMFORTABLE_SHARE
    if any(seconds_of(user) > most for user in load.shard_loads([BUCKETS])):
        return None
    return next((shard for shard in load.shard_loads(range(1, MOST_SHARDS + 1)) if seconds_of(shard) <= most), None)


def seconds_of(shard: ShardLoad) -> float:
    """Return how long a shard's limits make the load last."""
    return max(shard.records / SHARD_RECORDS_PER_SECOND, shard.bytes / SHARD_BYTES_PER_SECOND)


def _shards(shard: ShardLoad, within: float) -> ShardReport:
    return ShardReport(
        shards=shard.shards,
        records_per_second=round(shard.records / within, 2),
        megabytes_per_second=round(shard.bytes / within / SHARD_BYTES_PER_SECOND, 4),
        share=round(seconds_of(shard) / within, 4),
    )


def _hot(user: UserLoad, latency: float) -> HotUser:
    seconds, packed = user.events * latency, user.packed_records * latency
    return HotUser(user.key, user.events, user.bytes, round(seconds, 3), round(packed, 3))


def _cost(units: int, size: float, recommended: ShardLoad | None, prices: Prices, months: float) -> CostReport:
    return CostReport(
        put_units=units,
        gigabytes=round(size, 6),
        put_units_a_month=round(units * months),
        gigabytes_a_month=round(size * months, 3),
        provisioned_a_month=round(prices.provisioned(recommended.shards, units * months), 2) if recommended else None,
        on_demand_a_month=round(prices.on_demand(size * months), 2),
    )


def _days_of(found: Survey) -> float:
    if found.first_ms is None or found.last_ms is None:
        return 1.0
    return round(max(1.0, (found.last_ms - found.first_ms) / _DAY_MS), 2)


def _time(time_ms: int | None) -> str | None:
    if time_ms is None:
        return None
    return datetime.fromtimestamp(time_ms / 1000, timezone.utc).isoformat(timespec="seconds").replace("+00:00", "Z")
