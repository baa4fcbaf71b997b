"""``netmera-kinesis dead-letters``, as a user types it, against the fake."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from deployment import STREAMS, events, lines
from replaying import LiveRuns, Replays

from airflow_netmera_kinesis.cli import main
from airflow_netmera_kinesis.stages.plan import LEASE
from airflow_netmera_kinesis.state import lease
from airflow_netmera_kinesis.state.letter_archive import replay_key
from airflow_netmera_kinesis.storage import Folder, LocalFolder
from airflow_netmera_kinesis.testing import FakeKinesis, Faults

pytestmark = pytest.mark.fake_kinesis(STREAMS)
HOOKS = """
hooks:
  - {name: purchases, trigger_type: EVENT, event_code: "n:ph", stream_name: netmera-purchases, partition_key: [KEYS]}
  - {name: logins, trigger_type: EVENT, event_code: "n:cl", stream_name: netmera-activity, batch: {max_records: 10}}
"""


@pytest.fixture
def storage(tmp_path: Path) -> Callable[[str], Folder]:
    return lambda name: LocalFolder(tmp_path / name)


@pytest.fixture(autouse=True)
def live(
    storage: Callable[[str], Folder], fake_kinesis: FakeKinesis, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> LiveRuns:
    """A DAG that has set aside two events and a line."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AIRFLOW_CONN_NETMERA_KINESIS_DEFAULT", fake_kinesis.airflow_connection())
    (tmp_path / "hooks.yaml").write_text(HOOKS.replace("KEYS", "userId"))
    (tmp_path / "mended.yaml").write_text(HOOKS.replace("KEYS", "userId, extId"))
    live = LiveRuns(storage, fake_kinesis)
    whole, *lost = events("06", 9)[::3]
    nobody = [{**event, "userId": None, "identities": {"extId": "CRM-7"}} for event in lost]
    live.put("app_20260906.ndjson", whole, *nobody, b'{"broken')
    live.run()
    return live


def dead_letters(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["dead-letters", *arguments, "--state", "state"])


def replay(*arguments: str, hooks: str = "mended.yaml") -> Result:
    return dead_letters("replay", "--hooks", hooks, "--staging", "staging", *arguments)


def open_counts() -> dict[tuple[str, str | None], int]:
    groups = json.loads(dead_letters("list", "--json").stdout)["groups"]
    return {(group["reason"], group["hook"]): group["open"] for group in groups if group["open"]}


def ids(storage: Callable[[str], Folder], kinesis: FakeKinesis) -> list[str]:
    return sorted(payload["eventId"] for payload in Replays(storage, kinesis).payloads())


def test_they_are_listed_by_reason_hook_and_file() -> None:
    listed = dead_letters("list")
    assert listed.exit_code == 0
    assert [line.split() for line in listed.stdout.splitlines()] == [
        ["dead", "letters", "of", "acme"],
        ["reason", "hook", "file", "open", "replayed"],
        ["MALFORMED", "-", "app_20260906.ndjson", "1", "0"],
        ["MISSING_USER_ID", "purchases", "app_20260906.ndjson", "2", "0"],
        ["3", "open,", "0", "replayed"],
    ]
    assert open_counts() == {("MALFORMED", None): 1, ("MISSING_USER_ID", "purchases"): 2}
    assert dead_letters("list", "--hook", "logins").stdout == "No dead letters.\n"


def test_they_are_shown_with_their_events() -> None:
    shown = dead_letters("show", "--limit", "2")
    assert shown.exit_code == 0
    assert "MISSING_USER_ID of hook purchases, stream netmera-purchases: app_20260906.ndjson, line 2" in shown.stdout
    assert '"identities":{"extId":"CRM-7"}' in shown.stdout
    assert shown.stdout.endswith("1 more (--limit)\n")
    document = json.loads(dead_letters("show", "--reason", "MALFORMED", "--json").stdout)
    assert document == {
        "letters": [{
            "dag": "acme", "slice": document["letters"][0]["slice"], "status": "open", "reason": "MALFORMED",
            "message": "the line is not JSON", "file": "app_20260906.ndjson", "line": 4, "event": '{"broken',
            "is_payload": False, "perhaps_stored": False,
        }],
        "more": 0,
    }  # fmt: skip


def test_a_replay_is_shown_first_and_sent_with_yes(storage: Callable[[str], Folder], fake_kinesis: FakeKinesis) -> None:
    shown = replay()
    assert shown.exit_code == 0
    assert "dead letters of acme: 3 to replay" in shown.stdout
    assert "still malformed: 1" in shown.stdout
    assert "Users whom that may concern: 1," in shown.stdout
    assert shown.stdout.endswith("Nothing was sent. To send: --yes\n")
    assert ids(storage, fake_kinesis) == ["06-0"]
    sent = replay("--yes")
    assert sent.exit_code == 1, "a line is still malformed"
    assert sent.stdout.endswith("delivered 2, dead letters again 1, wanted by no hook 0\n")
    assert ids(storage, fake_kinesis) == ["06-0", "06-3", "06-6"]
    assert open_counts() == {("MALFORMED", None): 1}
    again = replay("--yes", "--reason", "MISSING_USER_ID")
    assert (again.exit_code, ids(storage, fake_kinesis)) == (0, ["06-0", "06-3", "06-6"])
    assert "left: 2: delivered by a replay" in again.stdout
    forced = replay("--yes", "--reason", "MISSING_USER_ID", "--again", "--json")
    # What another test has made Airflow say stands before it: a command's own process is told to be quiet.
    assert json.loads(forced.stdout[forced.stdout.index("{") :])["replays"][0]["counts"]["letters_delivered"] == 2
    assert len(ids(storage, fake_kinesis)) == 5


def test_a_replay_that_kinesis_cut_short_goes_on_when_it_is_called_again(
    live: LiveRuns, storage: Callable[[str], Folder], fake_kinesis: FakeKinesis
) -> None:
    nobody = [{**event, "userId": None, "identities": {"extId": "CRM-7"}} for event in events("07", 300)[::3]]
    live.put("app_20260907.ndjson", *nobody)
    live.run()
    fake_kinesis.core.inject(*[None] * 10)
    fake_kinesis.faults = Faults(access_denied=1.0)
    failed = replay("--yes", "--reason", "MISSING_USER_ID")
    assert failed.exit_code == 1
    assert "Kinesis refuses with AccessDeniedException" in failed.stderr
    by_then = len(ids(storage, fake_kinesis))
    assert 1 < by_then < 103
    fake_kinesis.faults = Faults()
    assert "Nothing was sent. To send: --yes" in replay("--file", "nothing").stdout
    assert replay("--yes", "--reason", "MISSING_USER_ID").exit_code == 0
    assert len(ids(storage, fake_kinesis)) == len(set(ids(storage, fake_kinesis))) == 103


def test_while_somebody_else_plans_a_replay_nothing_is_sent(
    storage: Callable[[str], Folder], fake_kinesis: FakeKinesis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lease, "RENEW_EVERY_SECONDS", 0.05)
    monkeypatch.setattr(lease, "LOOK_EVERY_SECONDS", 0.02)
    with lease.hold(storage("state").child(replay_key("acme")), LEASE, "the DAG's replay"):
        refused = replay("--yes")
    assert refused.exit_code == 3
    assert "the DAG's replay" in refused.stderr
    assert ids(storage, fake_kinesis) == ["06-0"]


def test_what_is_perhaps_stored_is_said(storage: Callable[[str], Folder], fake_kinesis: FakeKinesis) -> None:
    state = LiveRuns(storage, fake_kinesis).state
    (name,) = [info.name for info in state.list("dead_letters/") if info.name.endswith(".ndjson")]
    first, *others = state.read(name).splitlines()
    marked = json.dumps({**json.loads(first), "PERHAPS_STORED": True}).encode()
    state.write(name, b"\n".join([marked, *others, b""]))
    assert (
        "PERHAPS_STORED: 1 of the open ones; replayed, they may be in the stream twice" in dead_letters("list").stdout
    )
    assert "PERHAPS_STORED: 1, which may then be in the stream twice" in replay().stdout
    assert "MALFORMED, PERHAPS_STORED: app_20260906.ndjson, line 4" in dead_letters("show").stdout


def test_with_several_dags_it_must_be_said_whose_letters_are_meant(
    storage: Callable[[str], Folder], fake_kinesis: FakeKinesis
) -> None:
    bank = LiveRuns(storage, fake_kinesis, dag="bank")
    bank.exports.write("app_20260907.ndjson", lines([{**events("07", 1)[0], "userId": None}]))
    bank.run()
    refused = replay("--yes")
    assert refused.exit_code == 2
    assert "--dag is not given, and there are dead letters of acme, bank: say whose" in refused.stderr
    assert "dead letters of bank: 4 to replay" in replay("--dag", "bank").stdout


@pytest.mark.parametrize(
    ("arguments", "status", "told"),
    [
        (["list", "--reason", "BROKEN"], 2, "'BROKEN' is not one of"),
        (["replay", "--hooks", "nowhere.yaml"], 2, "there is no such file"),
        (["replay", "--hooks", "hooks.yaml", "--yes", "--abandon-slice", "x", "--staging", "s"], 1, "no slice is open"),
        (["show", "--limit", "0"], 2, "0 is not in the range"),
    ],
    ids=str,
)
def test_a_slip_of_the_pen_is_told(arguments: list[str], status: int, told: str) -> None:
    failed = dead_letters(*arguments)
    assert failed.exit_code == status
    assert told in failed.stderr


def test_a_state_that_holds_nothing_is_a_slip_of_the_pen() -> None:
    failed = CliRunner().invoke(main, ["dead-letters", "list", "--state", "nowhere"])
    assert failed.exit_code == 2
    assert "there is no DAG's state in it" in failed.stderr


def test_an_inactive_connector_sends_nothing(fake_kinesis: FakeKinesis, monkeypatch: pytest.MonkeyPatch) -> None:
    connection: dict[str, Any] = json.loads(fake_kinesis.airflow_connection())
    connection["extra"]["active"] = False
    monkeypatch.setenv("AIRFLOW_CONN_NETMERA_KINESIS_DEFAULT", json.dumps(connection))
    asleep = replay("--yes")
    assert (asleep.exit_code, asleep.stdout) == (0, "")
    assert "is inactive" in asleep.stderr
