"""Run the DAG on the sample exports against an embedded Kinesis, read the streams back, and report."""

from __future__ import annotations

import argparse
import shutil
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

from airflow_netmera_kinesis.testing import FakeKinesisProcess
from demo.airflow_process import AirflowProcess, connection
from demo.export import active_definitions, firings, stream_names
from demo.read_back import consumer, judge, read_stream
from demo.report import print_report
from demo.state_folder import StateFolder

ROOT = Path(__file__).resolve().parent.parent
EXPORTS = ROOT / "samples" / "events"
HOOKS = ROOT / "samples" / "hooks.yaml"
DAG_ID = "netmera_events_to_kinesis"
SHARDS = 2


def main() -> int:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop)
    parser = argparse.ArgumentParser(prog="python -m demo", description=__doc__)
    parser.add_argument("--home", type=Path, default=ROOT / ".demo", help="the folder of everything that it writes")
    return show(parser.parse_args().home.resolve())


def show(home: Path) -> int:
    """Return the exit status: 0 only if the streams hold what was sent."""
    streams = stream_names(HOOKS)
    with marked_as_unfinished(home), FakeKinesisProcess(*(f"--stream={name}={SHARDS}" for name in streams)) as kinesis:
        print(f"demo: embedded Kinesis at {kinesis.endpoint_url} with {', '.join(streams)}", flush=True)
        state = StateFolder(home / "state", DAG_ID, str(EXPORTS))
        run_dag(home, kinesis.endpoint_url)
        commit = state.committed_since()
        with step("reading the streams back"):
            sent = firings([EXPORTS / name for name in commit.files], HOOKS)
            client = consumer(kinesis.endpoint_url)
            arrived = [judge(name, read_stream(client, name), sent) for name in streams]
    hooks = [hook["name"] for hook in active_definitions(HOOKS)]
    return 0 if print_report(commit, hooks, sent, arrived) else 1


@contextmanager
def marked_as_unfinished(home: Path) -> Iterator[None]:
    """Start afresh after a demo that was cut off: what it had delivered went with its embedded Kinesis."""
    unfinished = home / "unfinished"
    if unfinished.exists():
        print("demo: the last one did not come to its end, so this one starts afresh")
        for folder in ("state", "staging"):
            shutil.rmtree(home / folder, ignore_errors=True)
    home.mkdir(parents=True, exist_ok=True)
    unfinished.touch()
    yield
    unfinished.unlink()


def run_dag(home: Path, endpoint_url: str) -> None:
    log = home / "airflow.log"
    log.write_bytes(b"")
    airflow = AirflowProcess(home / "airflow", log, {**connection(endpoint_url), **settings(home)})
    for what, arguments in (
        ("making Airflow's database", ("db", "migrate")),
        (f"running the DAG {DAG_ID} (its log: {log})", ("dags", "test", DAG_ID)),
    ):
        with step(what):
            status = airflow.run(*arguments)
        if status:
            sys.exit(f"{airflow.last_lines()}\ndemo: 'airflow {' '.join(arguments)}' failed, its log is {log}")


def settings(home: Path) -> dict[str, str]:
    """Configure the shipped DAG as a deployment would, by environment variables."""
    options = {
        "EXPORTS": str(EXPORTS),
        "HOOKS": str(HOOKS),
        "STAGING": str(home / "staging"),
        "STATE": str(home / "state"),
        "PARTITIONS": "2",
        "MIN_AGE": "0",
    }
    ours = {f"AIRFLOW__NETMERA_KINESIS__{name}": value for name, value in options.items()}
    return {"AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "dags"), **ours}


@contextmanager
def step(what: str) -> Iterator[None]:
    started = time.monotonic()
    print(f"demo: {what} … ", end="", flush=True)
    yield
    print(f"{time.monotonic() - started:.0f} s", flush=True)


def stop(number: int, _frame: object) -> NoReturn:
    signal.signal(number, signal.SIG_IGN)  # a second Ctrl-C must not cut the clearing up short
    print("\ndemo: stopped", file=sys.stderr)
    sys.exit(128 + number)


if __name__ == "__main__":
    sys.exit(main())
