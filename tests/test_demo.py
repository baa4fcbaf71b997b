from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from demo.export import Firing
from demo.read_back import Arrived, judge
from demo.report import print_hooks
from demo.state_folder import Commit

ROOT = Path(__file__).parent.parent
SENT = [
    Firing("purchases", "shop", "ayse", "e1"),
    Firing("purchases", "shop", "mehmet", "e2"),
    Firing("carts", "shop", "ayse", "e3"),
    Firing("logins", "activity", "ayse", "e4"),
]


def record(user: str, hook: str, event_id: str) -> dict[str, Any]:
    return {"Data": json.dumps({"userId": user, "hookName": hook, "eventId": event_id}).encode()}


AYSE_1, MEHMET_2, AYSE_3 = (record(firing.user, firing.hook, firing.event_id) for firing in SENT[:3])


def arrived(*shards: list[dict[str, Any]]) -> Arrived:
    return judge("shop", {f"shard-{n}": records for n, records in enumerate(shards)}, SENT)


def test_a_stream_that_holds_what_was_sent_is_whole() -> None:
    stream = arrived([AYSE_1, AYSE_3], [MEHMET_2])
    assert stream.whole
    assert (stream.shards, stream.records, stream.users) == (2, 3, 2)
    assert stream.by_hook == {"purchases": 2, "carts": 1}


def test_a_record_that_never_arrived_is_missing() -> None:
    stream = arrived([AYSE_1, AYSE_3], [])
    assert (stream.whole, stream.missing, stream.unexpected) == (False, 1, 0)


@pytest.mark.parametrize("extra", [AYSE_1, record("ayse", "purchases", "e9"), record("fatma", "purchases", "e1")])
def test_a_record_too_many_is_unexpected(extra: dict[str, Any]) -> None:
    stream = arrived([AYSE_1, AYSE_3, extra], [MEHMET_2])
    assert (stream.whole, stream.missing, stream.unexpected) == (False, 0, 1)


def test_a_user_whose_events_changed_places_is_out_of_order() -> None:
    stream = arrived([AYSE_3, AYSE_1], [MEHMET_2])
    assert (stream.whole, stream.users_out_of_order) == (False, 1)


def test_a_hook_that_nothing_matched_is_reported_with_0(capsys: pytest.CaptureFixture[str]) -> None:
    commit = Commit("monday", ["a.ndjson"], {"files": 1, "read": 4, "malformed": 0, "events": 4, "firings": 4}, {}, 0)
    print_hooks(commit, ["purchases", "carts", "logins", "message-logs"], SENT, [arrived([AYSE_1, MEHMET_2, AYSE_3])])
    rows = [line.split() for line in capsys.readouterr().out.splitlines()[-4:]]
    assert [(hook, int(matched)) for hook, matched, *_ in rows] == [
        ("purchases", 2), ("carts", 1), ("logins", 1), ("message-logs", 0),
    ]  # fmt: skip


def demo(home: Path) -> list[str]:
    return [sys.executable, "-m", "demo", "--home", str(home)]


def test_the_demo_delivers_what_it_says_and_its_second_run_finds_nothing_new(tmp_path: Path) -> None:
    first, second = (
        subprocess.run(demo(tmp_path), cwd=ROOT, capture_output=True, text=True, check=False) for _ in range(2)
    )
    assert first.returncode == 0, first.stdout + first.stderr
    assert "Read back equals sent: 471 records, each user's events in order." in first.stdout
    assert second.returncode == 0, second.stdout + second.stderr
    assert "Nothing new: all 2 exports were sent before" in second.stdout
    assert "Read back equals sent: 0 records." in second.stdout


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_demo_that_is_stopped_leaves_no_process_behind(tmp_path: Path, number: signal.Signals) -> None:
    process = subprocess.Popen(demo(tmp_path), cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    marks = ("airflow db migrate", "airflow_netmera_kinesis.testing")
    while not all(any(mark in line for line in family(process.pid)) for mark in marks):
        assert process.poll() is None
        time.sleep(0.05)
    members = set(family(process.pid))
    process.send_signal(number)
    process.communicate(timeout=30)
    assert process.returncode == 128 + number
    assert members & set(processes().values()) == set()


def processes() -> dict[int, str]:
    """Name every process by its id, its parent and its command."""
    listed = subprocess.run(
        ["ps", "-e", "-ww", "-o", "pid=,ppid=,args="], capture_output=True, text=True, check=True
    ).stdout
    return {int(line.split(None, 1)[0]): line.strip() for line in listed.splitlines()}


def family(pid: int) -> list[str]:
    """List the descendants of a process."""
    everyone = processes()
    children = [child for child, line in everyone.items() if int(line.split()[1]) == pid]
    return [line for child in children for line in (everyone[child], *family(child))]
