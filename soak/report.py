"""Say in plain figures what a soak has shown."""

from __future__ import annotations

from soak.run import Figures


def report(figures: Figures) -> str:
    """The figures, one a line."""
    found, books = figures.judgement, figures.books
    lines = (
        (
            f"soak: {figures.events:,} events, {figures.kills} kills, {figures.failures} failed tries, "
            f"{figures.seconds:,.0f} s"
        ),
        (
            f"  {figures.delivered:,} delivered + {figures.dead:,} dead letters; Kinesis holds {found.arrived:,} in "
            f"{found.records:,} records"
        ),
        (
            f"  {books.requests:,} requests, {_sum(books.refused):,} of them refused or failed, {books.lost_answers:,} "
            f"without an answer; {_sum(books.rejected):,} records rejected; {books.unanswered:,} stored unknown to the "
            f"sender, {books.zombies:,} of these later; {figures.shards} shards in the end"
        ),
        f"  lost: {found.lost}",
        f"  order breaks, by first occurrences: {found.order_breaks}",
        (
            f"  duplicates: {found.duplicates:,} ≤ {figures.unknown:,} unknown + {figures.in_the_air:,} in the air "
            "when the sender was killed"
        ),
        (
            f"  dead letters that are stored, too, after a lost answer: {len(found.dead_and_stored)}, of these later "
            f"than what came after them: {found.late_dead_letters}; not marked as perhaps stored: {figures.unmarked}"
        ),
    )
    return "\n".join(lines)


def _sum(counts: dict[str, int]) -> int:
    return sum(counts.values())
