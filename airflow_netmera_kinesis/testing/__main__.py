"""Run the fake Kinesis as a process: print its URL, serve until SIGTERM, SIGINT or the end of the parent."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Sequence

import msgspec

from airflow_netmera_kinesis.testing.core import FakeKinesisCore
from airflow_netmera_kinesis.testing.faults import Faults
from airflow_netmera_kinesis.testing.quota import ShardQuota
from airflow_netmera_kinesis.testing.server import LOOPBACK, Server

_PARENT_CHECK_SECONDS = 0.5


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the command line and serve."""
    parser = _parser()
    options = parser.parse_args(arguments)
    try:
        faults = _faults(options.fault, options.deny)
    except (msgspec.ValidationError, ValueError) as error:
        parser.error(f"--fault: {error}")
    quota = ShardQuota(
        records_per_second=options.records_per_second,
        bytes_per_second=options.bytes_per_second,
        burst_seconds=options.burst_seconds,
    )
    core = FakeKinesisCore(
        region=options.region,
        account_id=options.account,
        faults=faults,
        quota=quota if options.quota else None,
        seed=options.seed,
        keep_records=not options.counts_only,
    )
    for stream in options.stream:
        name, _, shards = stream.partition("=")
        core.create_stream(name, int(shards or 1))
    asyncio.run(_serve(core, options.port, with_parent=options.with_parent))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m airflow_netmera_kinesis.testing", description=__doc__)
    add = parser.add_argument
    add("--port", type=int, default=0, help="0 takes a free one (default)")
    add("--stream", action="append", default=[], metavar="NAME[=SHARDS]", help="create a stream at once")
    add("--region", default="eu-central-1")
    add("--account", default="111122223333")
    add("--seed", type=int, default=0, help="of the dice that faults are thrown with")
    add("--fault", action="append", default=[], metavar="NAME=VALUE", help="a field of Faults, such as rejected=0.05")
    add("--deny", action="append", default=[], metavar="ACTION", help="an action to which there is no right")
    add("--quota", action="store_true", help="limit each shard, as the next three say")
    add("--records-per-second", type=float, default=1000.0)
    add("--bytes-per-second", type=float, default=1_000_000.0)
    add("--burst-seconds", type=float, default=1.0)
    add("--counts-only", action="store_true", help="keep no records, so that memory stays flat")
    add("--with-parent", action="store_true", help="end when the process that started this one has ended")
    return parser


def _faults(given: Sequence[str], denied: Sequence[str]) -> Faults:
    fields = dict(fault.split("=", 1) for fault in given)
    unknown = fields.keys() - set(Faults.__struct_fields__)
    if unknown:
        raise ValueError(f"unknown: {', '.join(sorted(unknown))}")
    return msgspec.convert({**fields, "denied": denied}, Faults, strict=False)


async def _serve(core: FakeKinesisCore, port: int, *, with_parent: bool) -> None:
    stopped = asyncio.Event()
    parent = os.getppid()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    server = Server(core)
    sys.stdout.write(f"http://{LOOPBACK}:{await server.listen(port)}\n")
    sys.stdout.flush()
    while not stopped.is_set() and (not with_parent or os.getppid() == parent):
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(stopped.wait(), _PARENT_CHECK_SECONDS if with_parent else None)
    await server.close()


if __name__ == "__main__":
    main()
