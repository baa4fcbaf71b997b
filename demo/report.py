"""Print what became of the exports, short enough to be read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from demo.export import Firing
from demo.read_back import Arrived
from demo.state_folder import Commit


def print_report(commit: Commit, hooks: Sequence[str], sent: Sequence[Firing], arrived: Sequence[Arrived]) -> bool:
    """Print the report; return whether the streams hold what was sent, no more and no less."""
    if not commit.slice:
        print_nothing_new(commit)
        return print_verdict(commit, arrived)
    print_hooks(commit, hooks, sent, arrived)
    print_streams(arrived)
    for payload in [payload for stream in arrived for payload in stream.payloads][:2]:
        print(f"\nA payload as it arrived:\n{payload}")
    return print_verdict(commit, arrived)


def print_nothing_new(commit: Commit) -> None:
    print(f"\nNothing new: all {commit.consumed_before} exports were sent before, so every task was skipped.")
    print("Nothing was sent, and the embedded Kinesis, which starts empty, was left empty.")
    print("A new file in samples/events is sent by the next `make demo`; `make demo-reset` starts afresh.")


def print_hooks(commit: Commit, hooks: Sequence[str], sent: Sequence[Firing], arrived: Sequence[Arrived]) -> None:
    """Print a row for each hook, also for those that nothing matched."""
    counts = commit.counts
    print(
        f"\nSlice {commit.slice}: {counts['files']} files, read {counts['read']} = malformed {counts['malformed']} "
        f"+ events {counts['events']}; {counts['firings']} firings"
    )
    matched = Counter(firing.hook for firing in sent)
    delivered = sum((stream.by_hook for stream in arrived), Counter[str]())
    rows = [(hook, matched[hook], delivered[hook], commit.dead_letters.get(hook, 0)) for hook in hooks]
    print_table(("hook", "matched", "delivered", "dead letters"), rows)


def print_streams(arrived: Sequence[Arrived]) -> None:
    rows = [
        (
            stream.stream,
            stream.shards,
            stream.records,
            stream.users,
            "held" if not stream.users_out_of_order else "BROKEN",
        )
        for stream in arrived
    ]
    print("\nRead back from the streams, as a consumer would:")
    print_table(("stream", "shards", "records", "users", "order"), rows)


def print_table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    cells = [[str(cell) for cell in row] for row in (head, *rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for row in cells:
        first, *others = (
            f"{cell:<{w}}" if at == 0 else f"{cell:>{w}}" for at, (cell, w) in enumerate(zip(row, widths, strict=True))
        )
        print("  " + "   ".join([first, *others]))


def print_verdict(commit: Commit, arrived: Sequence[Arrived]) -> bool:
    records = sum(stream.records for stream in arrived)
    delivered = commit.counts.get("delivered", 0)
    faults = [
        f"{stream.stream}: {stream.missing} missing, {stream.unexpected} unexpected, "
        f"{stream.users_out_of_order} users out of order"
        for stream in arrived
        if not stream.whole
    ]
    if records != delivered:
        faults.append(f"{delivered} records were delivered, {records} were read back")
    for fault in faults:
        print(f"\nNOT as sent: {fault}")
    if not faults:
        print(f"\nRead back equals sent: {records} records" + (", each user's events in order." if records else "."))
    return not faults
