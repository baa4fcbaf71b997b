"""Write the report of ``netmera-kinesis plan`` for people: short tables that fit 80 columns."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Console
from rich.table import Table

from airflow_netmera_kinesis.forecast.report import ForecastReport, HotUser, StreamReport
from airflow_netmera_kinesis.forecast.stream_load import MAX_USERS

_FULL = 1.0
_LONGEST_KEY = 32


def print_report(console: Console, report: ForecastReport) -> None:
    """Print the whole report; the totals first, then the hooks, then each stream."""
    span = f"; matched events from {report.first} to {report.last}" if report.first else ""
    console.print(
        f"{report.files} files, {_size(report.bytes)}: read {report.read:,} = malformed {report.malformed:,} "
        f"+ events {report.events:,}{span}"
    )
    for damaged in report.damaged:
        console.print(f"damaged: {damaged.file}: {damaged.why}", markup=False)
    console.print()
    console.print(_hooks(report))
    if report.inactive_hooks:
        console.print(f"inactive: {', '.join(report.inactive_hooks)}", markup=False)
    _print_unmatched(console, report)
    for stream in report.streams:
        _print_stream(console, report, stream)


def _hooks(report: ForecastReport) -> Table:
    table = _table("hook", "stream", "matches", "records", "no user id", "too large", text=2)
    for hook in report.hooks:
        table.add_row(
            hook.hook, hook.stream,
            *(f"{number:,}" for number in (hook.matches, hook.records, hook.missing_user_id, hook.too_large)),
        )  # fmt: skip
    return table


def _print_unmatched(console: Console, report: ForecastReport) -> None:
    if not report.unmatched:
        return
    console.print("\nNo hook matches these codes or names:")
    for code, count in report.unmatched.items():
        console.print(f"  {count:>12,}  {code}", markup=False)


def _print_stream(console: Console, report: ForecastReport, stream: StreamReport) -> None:
    about = "" if stream.users_exact else f" at most (more than {MAX_USERS:,} are not told apart)"
    console.print(f"\nstream {stream.stream}, packing {stream.packing}", markup=False)
    console.print(
        f"  {stream.records:,} records, {_size(stream.bytes)}, the largest {_size(stream.largest_record)}; "
        f"users {stream.users:,}{about}"
    )
    if not stream.records:
        return
    console.print(_shards(stream))
    console.print(_advice(report, stream))
    if stream.top_by_events:
        console.print(_users("busiest users by events", stream.top_by_events))
        if stream.top_by_bytes != stream.top_by_events:
            console.print(_users("busiest users by bytes", stream.top_by_bytes))
    console.print(_order(report, stream))
    console.print(_costs(report, stream))


def _shards(stream: StreamReport) -> Table:
    table = _table("shards", "records/s", "MB/s", "of a shard's limit", text=0)
    for shard in stream.shards:
        note = "  too much" if shard.share > _FULL else ""
        table.add_row(
            str(shard.shards), f"{shard.records_per_second:,.1f}", f"{shard.megabytes_per_second:.3f}",
            f"{shard.share:.1%}{note}",
        )  # fmt: skip
    return table


def _advice(report: ForecastReport, stream: StreamReport) -> str:
    if stream.recommended_shards is None:
        return (
            f"  No count of shards takes this in {report.within:g} s: one user alone fills a shard. Allow more time, "
            f"or pack."
        )
    return f"  recommended to send all in {report.within:g} s: {stream.recommended_shards} shard(s)"


def _users(title: str, users: Iterable[HotUser]) -> Table:
    table = _table(title, "events", "bytes", "in order", "packed", text=1)
    for user in users:
        key = user.key if len(user.key) <= _LONGEST_KEY else user.key[: _LONGEST_KEY - 1] + "…"
        table.add_row(key, f"{user.events:,}", _size(user.bytes), _seconds(user.seconds), _seconds(user.seconds_packed))
    return table


def _order(report: ForecastReport, stream: StreamReport) -> str:
    limits = _seconds(stream.seconds_by_shards) if stream.seconds_by_shards is not None else "too long"
    return (
        f"  strict order: the busiest user takes at least {_seconds(stream.seconds_in_order)}, packed "
        f"{_seconds(stream.seconds_packed)}\n  ({report.latency:g} s a request, one on its way at a time); the shards' "
        f"own limits: {limits}"
    )


def _costs(report: ForecastReport, stream: StreamReport) -> Table:
    prices = report.prices
    title = f"  cost of a month like these {report.days:g} day(s): {prices.currency}, {prices.region}, {prices.as_of}"
    table = _table("", "PUT units", "on demand", "provisioned", "on demand", title=title)
    for name, cost in (("one event a record", stream.cost), ("packed, at best", stream.cost_packed)):
        provisioned = "-" if cost.provisioned_a_month is None else f"{cost.provisioned_a_month:,.2f} a month"
        table.add_row(
            name,
            f"{cost.put_units:,}",
            f"{cost.gigabytes:.3f} GB",
            provisioned,
            f"{cost.on_demand_a_month:,.2f} a month",
        )
    return table


def _table(*headings: str, text: int = 1, title: str | None = None) -> Table:
    table = Table(box=None, header_style="bold", title=title, title_justify="left", title_style="")
    for place, heading in enumerate(headings):
        table.add_column(heading, justify="left" if place < text else "right", overflow="fold")
    return table


def _size(size: int) -> str:
    for unit, whole in (("GB", 1024**3), ("MB", 1024**2), ("KB", 1024)):
        if size >= whole:
            return f"{size / whole:,.1f} {unit}"
    return f"{size} B"


def _seconds(seconds: float) -> str:
    return f"{seconds:,.3f} s" if seconds < 1 else f"{seconds:,.1f} s"
