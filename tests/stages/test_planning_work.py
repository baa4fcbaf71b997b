"""What a plan costs: a look at the folder's listing and at what is new, however much was sent before."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from deployment import STREAMS, Deployment, events
from served_folder import ServedFolder

from airflow_netmera_kinesis.exports.listing import ExportPlace
from airflow_netmera_kinesis.stages.plan import plan
from airflow_netmera_kinesis.state.checkpoint import Committed, Consumed, advance, load_checkpoint
from airflow_netmera_kinesis.storage import LocalFolder, S3Folder
from airflow_netmera_kinesis.testing import FakeKinesis

pytestmark = pytest.mark.fake_kinesis(STREAMS)

HOUR_MS = 3_600_000


class Counted:
    """A folder that counts what is asked of it, and the bytes that are written to it."""

    def __init__(self, folder: Any) -> None:
        self._folder = folder
        self.asked: Counter[str] = Counter()
        self.written = 0

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._folder, name)
        if not callable(found):
            return found

        def asked(*arguments: Any, **named: Any) -> Any:
            self.asked[name] += 1
            if name in ("write", "create"):
                self.written += len(arguments[1])
            return found(*arguments, **named)

        return asked


def planned(deployment: Deployment, exports: Any, **asked: Any) -> tuple[Counted, Counted, int]:
    """Plan; return the folders of exports and state as they were used, and how many files are new."""
    counted, state = Counted(exports), Counted(deployment.state)
    request = deployment.request(**asked)
    found: Any = plan(state, deployment.staging, ExportPlace(counted), request, "a test", deployment.log)
    return counted, state, len(found.files)


def sent_before(deployment: Deployment, exports: Any) -> None:
    """Remember all that is there as sent."""
    consumed = [
        Consumed(info.name, info.size, info.modified_ms, info.etag, "0" * 64, 1, False) for info in exports.list()
    ]
    advance(deployment.state, load_checkpoint(deployment.state), Committed("before", 0, {}), consumed, (), "")


@pytest.fixture
def local(tmp_path: Path, fake_kinesis: FakeKinesis) -> Deployment:
    return Deployment(lambda name: LocalFolder(tmp_path / name), fake_kinesis)


@pytest.mark.parametrize("known", [20, 2_000])
def test_only_new_files_are_opened_and_the_state_is_asked_no_more_and_told_no_more(
    known: int, local: Deployment, tmp_path: Path
) -> None:
    (tmp_path / "exports").mkdir()
    for number in range(known):
        (tmp_path / "exports" / f"acme_20260901_{number:06d}.ndjson").touch()
    sent_before(local, local.exports)
    for number in range(5):
        local.export(f"acme_20260902_{number:06d}.ndjson", events(f"{number}", 1))
    later = local.exports.now_ms() + HOUR_MS
    local.exports.now_ms = lambda: later  # type: ignore[method-assign]
    exports, state, new = planned(local, local.exports, min_age_ms=60_000)
    assert new == 5
    assert exports.asked == {"list": 1, "open": 5, "now_ms": 1}
    assert sum(state.asked.values()) < 40
    assert state.written < 4_000


def test_object_storage_is_listed_in_pages_and_no_object_is_asked_for_by_itself_unless_it_is_new(
    s3: Any, fake_kinesis: FakeKinesis, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    local = Deployment(lambda name: LocalFolder(tmp_path / name), fake_kinesis)
    exports = S3Folder(s3, f"exports-and-state/{tmp_path.name}/pages", "s3://exports-and-state/pages")
    for number in range(45):
        exports.write(f"acme_20260901_{number:06d}.ndjson", b"{}\n")
    sent_before(local, exports)
    exports.write("acme_20260902.ndjson", b"{}\n")
    requests: Counter[str] = Counter()
    call_s3: Callable[..., Any] = s3.call_s3

    def counted(method: str, **arguments: Any) -> Any:
        requests[method] += 1
        if method == "list_objects_v2":
            arguments.setdefault("MaxKeys", 10)  # S3 itself hands out 1,000 at a time
        return call_s3(method, **arguments)

    monkeypatch.setattr(s3, "call_s3", counted)
    _, _, new = planned(local, exports)
    assert new == 1
    assert requests == {"list_objects_v2": 5}


def test_a_server_of_files_is_asked_for_one_listing_and_for_what_is_new(
    served: ServedFolder, fake_kinesis: FakeKinesis, tmp_path: Path
) -> None:
    local = Deployment(lambda name: LocalFolder(tmp_path / name), fake_kinesis)
    for number in range(300):
        served.local(f"acme_20260901_{number:06d}.ndjson").touch()
    exports = served.open()
    sent_before(local, exports)
    served.write("acme_20260902.ndjson", b"{}\n")
    served.whims.asked.clear()
    later = local.state.now_ms() + 4 * 365 * 24 * HOUR_MS
    local.state.now_ms = lambda: later  # type: ignore[method-assign]
    _, _, new = planned(local, exports, min_age_ms=60_000)
    asked = served.whims.asked
    assert new == 1
    assert asked["list"] + asked["MLSD"] + asked["LIST"] <= 4
    assert (asked["open"] + asked["RETR"], asked["login"] + asked["PASS"]) == (1, 0)
