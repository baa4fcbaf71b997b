"""The DAGs that send again, run by Airflow: what a user of them sees, judged by reading the streams back."""

from __future__ import annotations

import json
from collections import Counter

from airflow_session import Workplace
from sample_exports import arrivals
from test_dag_run import EVENTS

MENDED = {
    "name": "logins", "trigger_type": "EVENT", "event_code": "n:cl", "stream_name": "netmera-activity",
    "partition_key": ["userId", "installationId"],
}  # fmt: skip


def ids(workplace: Workplace) -> Counter[tuple[str, str]]:
    return Counter((arrival.payload["hookName"], arrival.payload["eventId"]) for arrival in arrivals(workplace.kinesis))


def test_what_was_sent_is_sent_again_and_what_was_set_aside_is_replayed(workplace: Workplace) -> None:
    workplace.take(*EVENTS)
    logins = [event for event in map(json.loads, EVENTS[0].read_bytes().splitlines()) if event["eventCode"] == "n:cl"]
    nobody = [json.dumps({**event, "id": f"{event['id']}-nobody", "userId": None}) for event in logins[:3]]
    (workplace.exports / "app_EVENT_DATA_20260801.ndjson").write_text("\n".join(nobody) + "\n")
    live = workplace.run("netmera_events_to_kinesis", min_age=0)
    assert live.state == "success", live.log
    sent = ids(workplace)
    assert set(sent.values()) == {1}

    resent = workplace.run("netmera_resend", min_age=0, files=[EVENTS[0].name], dry_run=False, partitions=2)
    assert resent.state == "success", resent.log
    assert resent.tasks["send"] == ["success"] * 2
    assert "newer events of the same users may have been sent already" in resent.log
    twice = ids(workplace)
    assert twice.keys() == sent.keys()
    assert set(twice.values()) == {1, 2}

    hooks = workplace.root / "mended.json"
    hooks.write_text(json.dumps({"hooks": [MENDED]}))
    replayed = workplace.run("netmera_replay_dead_letters", hooks=str(hooks), dry_run=False)
    assert replayed.state == "success", replayed.log
    assert ids(workplace) - twice == {("logins", f"{event['id']}-nobody"): 1 for event in logins[:3]}
    assert "Users whom that may concern:" in replayed.log
