"""Send one stream's part of a partition: what the ledger does not know, in order; prove the order; mark it done."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import closing
from random import Random

import msgspec

from airflow_netmera_kinesis.delivery.auto_distribution import DealtShardMap, check_allowed
from airflow_netmera_kinesis.delivery.counts import DeliveryCounts
from airflow_netmera_kinesis.delivery.gathering import gather
from airflow_netmera_kinesis.delivery.journal import StateJournal
from airflow_netmera_kinesis.delivery.loop import (
    DEFAULT_CONCURRENCY,
    STALL_TIMEOUT_SECONDS,
    Delivery,
    DeliverySettings,
)
from airflow_netmera_kinesis.delivery.metering import Meter
from airflow_netmera_kinesis.delivery.order_proof import Lineage
from airflow_netmera_kinesis.delivery.outcome import Outcome, Withheld
from airflow_netmera_kinesis.delivery.packing import packer_of
from airflow_netmera_kinesis.delivery.progress import Progress
from airflow_netmera_kinesis.delivery.receipt import check_no_break, count_firings, prove_order
from airflow_netmera_kinesis.delivery.request import Request, RequestLimits
from airflow_netmera_kinesis.delivery.shard_map import ShardMap
from airflow_netmera_kinesis.delivery.sharing import running_partitions, shares_of
from airflow_netmera_kinesis.delivery.spill import DiskSpill
from airflow_netmera_kinesis.delivery.stream_description import StreamDescription, describe_stream, list_shards
from airflow_netmera_kinesis.delivery.transport import ThreadedTransport
from airflow_netmera_kinesis.delivery.wire import Wire
from airflow_netmera_kinesis.errors import CountsDisagree, CredentialsRefused, StreamRefused
from airflow_netmera_kinesis.log import Log
from airflow_netmera_kinesis.metrics import Metrics
from airflow_netmera_kinesis.netmera.hook_definition import HookDefinition, smallest_batches
from airflow_netmera_kinesis.quota import Quota
from airflow_netmera_kinesis.stages.gate import check_dead_letters, load_matched
from airflow_netmera_kinesis.stages.refitting import what_fits
from airflow_netmera_kinesis.stages.renewal import Connector, Renewal
from airflow_netmera_kinesis.stages.unsettled import unsettled
from airflow_netmera_kinesis.state.ledger import Ledger, open_ledger
from airflow_netmera_kinesis.state.slice import Slice
from airflow_netmera_kinesis.state.staging import PartRef, check_part
from airflow_netmera_kinesis.storage import Folder

SHARE_EVERY_SECONDS = 5.0


class SendSettings(msgspec.Struct, frozen=True):
    """How to send: requests on their way per stream, seconds without a delivery, and how much Kinesis may refuse."""

    concurrency: int = DEFAULT_CONCURRENCY
    stall_timeout: float = STALL_TIMEOUT_SECONDS
    max_dead_letters: Quota | None = None


class Sending(msgspec.Struct, frozen=True):
    """One stream of one partition, with all that sending it needs.

    ``renewal`` holds the connector. ``check`` is called before every request: it raises when the partition's
    lease is lost. ``stopped`` tells that the task was asked to end.
    """

    slice: Slice
    stream: str
    partition: int
    parts: list[PartRef]
    address: Mapping[str, str]
    state: Folder
    staging: Folder
    settings: SendSettings
    renewal: Renewal
    check: Callable[[], None]
    stopped: Callable[[], bool]
    log: Log
    metrics: Metrics

    @property
    def staged(self) -> int:
        """How many records are staged."""
        return sum(part.records for part in self.parts)

    @property
    def largest_block(self) -> int:
        """No staged record has more bytes: its payload and its key."""
        return max(part.largest_block for part in self.parts)

    @property
    def hooks(self) -> list[HookDefinition]:
        """The hooks that feed the stream; they agree on its key and its packing."""
        return [hook for hook in self.slice.hooks if hook.active and hook.stream == self.stream]

    @property
    def ordered(self) -> bool:
        """Whether order is to be proved: where all hooks do without, nobody may know that the stream ignores keys."""
        return not all(hook.allow_unordered for hook in self.hooks)


def send_stream(sending: Sending) -> None:
    """Deliver, compare the counts, prove the order from all receipts, and only then mark the ledger done."""
    check_no_break(sending.state, sending.slice.id, sending.stream, sending.partition)
    for part in sending.parts:
        check_part(sending.staging, part)
    description = _describe(sending)
    _check_distribution(sending, description)
    with open_ledger(sending.state, sending.slice.id, sending.stream, sending.partition) as ledger:
        earlier = ledger.delivered_count + ledger.dead_count
        counts, lineage = _deliver(sending, description, ledger)
        _check_counts(sending, ledger)
        place = (sending.state, sending.slice.id, sending.stream, sending.partition)
        receipts = prove_order(*place, lineage) if sending.ordered else count_firings(*place)
        sending.check()
        ledger.done()
    _report(sending, counts, ledger, earlier, receipts)


def _describe(sending: Sending) -> StreamDescription:
    try:
        return sending.renewal.ask(
            lambda connector: describe_stream(connector.get_conn(), sending.stream, sending.address)
        )
    except CredentialsRefused:
        raise
    except StreamRefused as refusal:
        raise StreamRefused(
            f"{refusal}. A part of slice {sending.slice.id} was sent before, so it is finished with the definitions "
            f"that it was planned with; to go on with mended ones, run once with abandon_slice={sending.slice.id}"
        ) from None


def _deliver(sending: Sending, description: StreamDescription, ledger: Ledger) -> tuple[DeliveryCounts, Lineage]:
    log, stream, settings, renewal = sending.log, sending.stream, sending.settings, sending.renewal
    connector = renewal.current
    delivery_settings = _delivery_settings(sending, description)
    hook = sending.hooks[0]
    progress = Progress(log, stream, sending.staged - ledger.counts().settled, time.monotonic)
    shared = time.monotonic()

    def put_with(connector: Connector) -> Callable[[Request], Outcome]:
        wire = Wire(connector.put_records_client(settings.concurrency), sending.address)
        return _while_allowed(sending.check, wire.put)

    def renew() -> Callable[[Request], Outcome]:
        nonlocal connector
        connector = renewal.renew(connector)
        return put_with(connector)

    def shares(shards: ShardMap) -> dict[str, float]:
        if sending.slice.partitions == 1:
            return {}
        running = running_partitions(sending.state, sending.slice.id) | {sending.partition}
        return shares_of(shards, sending.slice.partitions, running)

    def shards() -> ShardMap:
        listed = renewal.ask(lambda connector: list_shards(connector.get_conn(), stream, sending.address))
        return DealtShardMap(listed.shards) if description.ignores_keys else listed

    def tick(delivery: Delivery) -> None:
        nonlocal shared
        progress.look(delivery)
        meter.look(delivery.counts)
        if sending.slice.partitions > 1 and time.monotonic() - shared > SHARE_EVERY_SECONDS:
            shared = time.monotonic()
            delivery.share()

    with (
        closing(DiskSpill()) as spill,
        closing(_journal(sending, ledger)) as journal,
        closing(
            ThreadedTransport(
                put_with(connector),
                concurrency=settings.concurrency,
                renew=renew,
                shards=shards,
            )
        ) as transport,
    ):
        meter = _meter(sending, ledger, journal)
        delivery = Delivery(
            delivery_settings,
            transport,
            journal,
            spill,
            clock=time.monotonic,
            rng=Random(),
            packer=packer_of(hook.packing, min(description.max_record_bytes, delivery_settings.limits.size)),
            shares=shares,
            stopped=sending.stopped,
            tick=tick,
        )
        records = unsettled(sending.staging, sending.slice, sending.parts, ledger)
        if description.described and sending.largest_block > description.max_record_bytes:
            records = what_fits(records, sending.slice, description.max_record_bytes, journal.too_large)
        try:
            delivery.run(gather(records) if hook.pack_always else records)
        finally:
            meter.tell(delivery.counts)
    # Nothing else of it is kept: the memory is wanted for the proof.
    return delivery.counts, delivery.lineage


def _meter(sending: Sending, ledger: Ledger, journal: StateJournal) -> Meter:
    return Meter(
        sending.metrics,
        sending.stream,
        {index: hook.name for index, hook in enumerate(sending.slice.hooks)},
        delivered=lambda: ledger.counts().delivered,
        dead=lambda: journal.dead,
        clock=time.monotonic,
        now_ms=lambda: int(time.time() * 1000),
    )


def _while_allowed(check: Callable[[], None], put: Callable[[Request], Outcome]) -> Callable[[Request], Outcome]:
    """Check in the request's own thread, right before it leaves: the process may have been paused in between."""

    def checked(request: Request) -> Outcome:
        try:
            check()
        except Exception as error:  # noqa: BLE001 - a lease that is lost, or a store that does not answer
            return Withheld(error)
        return put(request)

    return checked


def _delivery_settings(sending: Sending, description: StreamDescription) -> DeliverySettings:
    batch = smallest_batches(sending.hooks)[sending.stream]
    return DeliverySettings(
        stream=sending.stream,
        limits=RequestLimits(batch.max_records, batch.max_bytes),
        concurrency=sending.settings.concurrency,
        stall_timeout=sending.settings.stall_timeout,
        elastic=description.on_demand,
        ordered=sending.ordered,
    )


def _journal(sending: Sending, ledger: Ledger) -> StateJournal:
    matched = load_matched(sending.state, sending.slice.id)
    hooks = {hook.hook: hook for hook in matched.hooks} if matched else {}
    allowed = sending.settings.max_dead_letters

    def allow(dead: Mapping[int, int]) -> None:
        for index, count in dead.items():
            if allowed is not None and index in hooks:
                hook = hooks[index]
                check_dead_letters(hook.name, count + sum(hook.dead.values()), hook.firings, allowed)

    return StateJournal(sending.state, sending.slice, sending.stream, sending.partition, ledger, allow, sending.check)


def _check_distribution(sending: Sending, description: StreamDescription) -> None:
    if description.ignores_keys:
        check_allowed(sending.stream, sending.hooks)
        sending.log.warning(
            "stream %s: its RecordDistributionStrategy is AUTO, so no user's order is kept; its hooks allow that",
            sending.stream,
        )
    if not sending.ordered:
        sending.log.info("stream %s: all its hooks say allow_unordered, so the order is not proved", sending.stream)
    if not description.described:
        sending.log.warning(
            "stream %s: not allowed to call DescribeStreamSummary, so the documented defaults apply: records of at "
            "most %d bytes, and nobody can tell whether the stream ignores partition keys",
            sending.stream, description.max_record_bytes,
        )  # fmt: skip


def _check_counts(sending: Sending, ledger: Ledger) -> None:
    if ledger.counts().settled != sending.staged:
        raise CountsDisagree(
            f"stream {sending.stream}, partition {sending.partition}: staged {sending.staged} is not delivered "
            f"{ledger.delivered_count} + delivered by an abandoned slice {ledger.carried_count} + dead letters "
            f"{ledger.dead_count}"
        )


def _report(sending: Sending, counts: DeliveryCounts, ledger: Ledger, earlier: int, receipts: int) -> None:
    missing = ledger.delivered_count - receipts
    if missing > 0:
        sending.log.warning(
            "stream %s, partition %d: %d delivered records have no receipt: an earlier try was killed before that",
            sending.stream, sending.partition, missing,
        )  # fmt: skip
    sending.log.info(
        "stream %s, partition %d: staged %d = delivered %d + dead letters %d, of which earlier tries settled %d; "
        "%d requests, %d records rejected and sent again, %d unknown and perhaps stored twice; %d receipts%s",
        sending.stream, sending.partition, sending.staged, ledger.delivered_count + ledger.carried_count,
        ledger.dead_count, earlier + ledger.carried_count, counts.requests, counts.rejected, counts.unknown, receipts,
        " in order" if sending.ordered else "",
    )  # fmt: skip
    saving = counts.saving
    if saving.records:
        sending.log.info(
            "stream %s, partition %d: %d events were packed into %d records: that saved %d of %d PUT payload units "
            "of 25 KB, or %.3f GB on demand",
            sending.stream, sending.partition, saving.events, saving.records, saving.units, saving.alone.units,
            saving.gigabytes,
        )  # fmt: skip
