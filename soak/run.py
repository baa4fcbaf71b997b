"""Send a slice with a sender that is killed again and again, and gather the figures that tell whether it went well."""

from __future__ import annotations

import subprocess
import sys
import time
from array import array
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

import msgspec

from airflow_netmera_kinesis.testing import FakeKinesisProcess, Faults, Tally, stream_records
from soak.events import choose_users, write_export
from soak.judge import Judgement, judge
from soak.sender import FAILED
from soak.work import READ_TIMEOUT_SECONDS, STREAM, Work, client

SHARDS = 12
LOOK_EVERY_SECONDS = 0.02
MOST_FAILURES = 50
FAULTS = Faults(
    rejected=0.002,
    internal_failure=0.002,
    internal_failure_stored=0.002,
    unheard_of=0.0005,
    throttled=0.01,
    kms_throttled=0.005,
    expired_token=0.002,
    access_denied=0.001,
    error_500_before=0.005,
    error_500_after=0.005,
    error_503_before=0.005,
    error_503_after=0.005,
    dropped_before=0.005,
    dropped_after=0.01,
    zombie=0.005,
    slow=0.002,
    slow_seconds=READ_TIMEOUT_SECONDS * 1.5,
    resharded=0.002,
    shuffled=True,
    explicit_nulls=True,
    miscounted=True,
    latency=0.005,
)


class Plan(msgspec.Struct, frozen=True):
    """How much is sent, and how often the sender is killed."""

    events: int
    users: int
    kills: int
    seed: int = 1
    packing: str = "none"
    partitions: int = 2


class Figures(msgspec.Struct):
    """What came of it; ``in_the_air`` is what was sent and not in the ledger yet, summed over the kills."""

    events: int
    judgement: Judgement
    books: Tally
    kills: int = 0
    failures: int = 0
    seconds: float = 0.0
    shards: int = 0
    delivered: int = 0
    dead: int = 0
    unknown: int = 0
    in_the_air: int = 0
    unmarked: int = 0

    @property
    def holds(self) -> bool:
        """Nothing lost, no order broken, and every duplicate accounted for."""
        found = self.judgement
        return (
            found.lost == found.order_breaks == found.strangers == self.unmarked == 0
            and found.duplicates <= self.unknown + self.in_the_air
            and self.delivered + self.dead == self.events
            and found.records == self.books.stored
        )


def run(root: str, plan: Plan, say: Callable[[str], object]) -> Figures:
    """Carry the plan out in the folder ``root``."""
    users = choose_users(plan.events, plan.users, plan.seed)
    with FakeKinesisProcess(f"--stream={STREAM}={SHARDS}", "--quota", f"--seed={plan.seed}") as kinesis:
        work = Work(root, kinesis.endpoint_url, partitions=plan.partitions)
        write_export(Path(work.exports), users)
        work = work.prepare(plan.packing)
        say(f"{plan.events:,} events of {len(set(users)):,} users are staged")
        kinesis.set_faults(FAULTS)
        figures = Figures(plan.events, Judgement(), Tally())
        began = time.monotonic()
        in_the_air = _send(work, kinesis, plan, figures, say)
        figures.seconds = time.monotonic() - began
        kinesis.set_faults(Faults())
        kinesis.store_zombies()
        _read_ledgers(work, figures)
        say("all is sent; reading the stream back")
        _judge(work, kinesis, users, in_the_air, figures)
        work.commit()
    return figures


def _send(
    work: Work, kinesis: FakeKinesisProcess, plan: Plan, figures: Figures, say: Callable[[str], object]
) -> set[int]:
    """Start the sender until it ends well, and kill it when so many bytes are stored as the dice say.

    Returns the events that were in the air at a kill.
    """
    in_the_air: set[int] = set()
    dice = Random(plan.seed)
    moments = sorted(dice.randrange(work.payload_bytes()) for _ in range(plan.kills))
    for number in range(plan.kills + MOST_FAILURES):
        notes = Path(work.root) / f"notes-{number:03d}"
        command = [sys.executable, "-m", "soak.sender", msgspec.json.encode(work).decode(), str(notes)]
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as sender:
            try:
                killed = bool(moments) and _kill_at(sender, kinesis, moments[0], dice)
                _, words = sender.communicate()
            finally:
                sender.kill()
        if killed:
            moments.pop(0)
            figures.kills += 1
            found = _in_the_air(work, notes)
            figures.in_the_air += len(found)
            in_the_air |= found
            say(f"kill {figures.kills}: {kinesis.counts(STREAM).stored:,} stored, {len(found):,} in the air")
        elif sender.returncode == FAILED:
            figures.failures += 1
            say(f"a try failed, as it should, and is tried again: {words.strip().splitlines()[-1][:160]}")
        elif sender.returncode:
            raise RuntimeError(f"the sender ended with code {sender.returncode}: {words}")
        else:
            return in_the_air
    raise RuntimeError("the sender never came to its end")


def _kill_at(sender: subprocess.Popen[str], kinesis: FakeKinesisProcess, stored_bytes: int, dice: Random) -> bool:
    """Send SIGKILL a little after so many bytes are stored, unless the sender has ended before."""
    while sender.poll() is None:
        if kinesis.counts(STREAM).stored_bytes >= stored_bytes:
            time.sleep(dice.uniform(0.0, 0.5))
            sender.kill()
            return sender.wait() < 0
        time.sleep(LOOK_EVERY_SECONDS)
    return False


def _in_the_air(work: Work, notes: Path) -> set[int]:
    """Find the events that a killed sender has sent, and that the ledger does not know as settled."""
    unsettled = {int(number) for line in _lines(notes) for number in line.split()}
    for partition in range(work.partitions):
        with work.ledger(partition) as ledger:
            unsettled = {number for number in unsettled if not ledger.settled(0, number, 0)}
    return unsettled


def _lines(notes: Path) -> Iterator[str]:
    if notes.exists():
        with notes.open() as file:
            yield from file


def _read_ledgers(work: Work, figures: Figures) -> None:
    for partition in range(work.partitions):
        with work.ledger(partition) as ledger:
            figures.delivered += ledger.delivered_count
            figures.dead += ledger.dead_count
            figures.unknown += ledger.unknown_count


def _judge(work: Work, kinesis: FakeKinesisProcess, users: array[int], in_the_air: set[int], figures: Figures) -> None:
    """Read the stream back as any consumer would; the ledger has no say in it."""
    consumer = client(kinesis.endpoint_url)
    dead = work.dead_letters()
    records = stream_records(consumer, STREAM)
    figures.judgement = judge(((record["PartitionKey"], record["Data"]) for record in records), users, dead)
    figures.books = kinesis.counts(STREAM)
    figures.shards = consumer.describe_stream_summary(StreamName=STREAM)["StreamDescriptionSummary"]["OpenShardCount"]
    # Whose answer was lost is in the ledger; what was in the air at a kill nobody could write down.
    figures.unmarked = sum(
        number in figures.judgement.dead_and_stored and not letter.perhaps_stored and number not in in_the_air
        for number, letter in dead.items()
    )
