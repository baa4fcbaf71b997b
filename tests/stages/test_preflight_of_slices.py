"""A slice is checked before it is matched, once for each change of the definitions or the connection."""

from __future__ import annotations

import logging
from pathlib import Path

import msgspec
import pytest
from deployment import LoopbackConnector
from scene import SLICE, Scene, some

from airflow_netmera_kinesis.errors import NotReady, SliceRefused
from airflow_netmera_kinesis.exports.listing import ExportPlace
from airflow_netmera_kinesis.preflight.check import Findings
from airflow_netmera_kinesis.preflight.flow import Subject
from airflow_netmera_kinesis.stages.preflight import check_changes, open_slice_of
from airflow_netmera_kinesis.state.open_slice import end_slice
from airflow_netmera_kinesis.state.preflight_memory import NAME
from airflow_netmera_kinesis.storage import LocalFolder
from airflow_netmera_kinesis.testing import FakeKinesis

STREAMS = ("netmera-purchases", "netmera-logins")
log = logging.getLogger("preflight")


class Checked:
    """A slice that is planned, and the preflight before it."""

    def __init__(self, folder: Path, kinesis: FakeKinesis) -> None:
        self.scene = Scene(folder, kinesis)
        self.scene.stage(some(1))
        self.current = open_slice_of(self.scene.state, SLICE)
        self.connector = LoopbackConnector(kinesis)
        self.now_ms = 0

    def check(self) -> Findings | None:
        self.now_ms += 1
        subject = Subject(
            conn_id="acme",
            connector=self.connector,
            read_definitions=lambda: self.current.hooks,
            fetch_hash_keys=lambda hooks: (),
            open_exports=lambda: ExportPlace(LocalFolder(Path("/"))),
        )
        return check_changes(self.scene.state, self.current, subject, self.now_ms, log)


@pytest.fixture
def checked(tmp_path: Path, fake_kinesis: FakeKinesis) -> Checked:
    for stream in STREAMS:
        fake_kinesis.core.create_stream(stream, 1)
    return Checked(tmp_path, fake_kinesis)


def test_what_was_found_good_is_not_checked_again(checked: Checked, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    assert checked.check() is not None
    assert "there was no good one before" in caplog.text
    assert "ok           stream netmera-logins: status: ACTIVE" in caplog.text
    assert checked.check() is None
    assert "as they were when they were last found good" in caplog.text


def test_changed_definitions_and_a_changed_connection_are_checked_again(
    checked: Checked, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    checked.check()
    purchases, logins = checked.current.hooks
    checked.current = msgspec.structs.replace(
        checked.current, hooks=(purchases, msgspec.structs.replace(logins, active=False))
    )
    assert checked.check() is not None
    checked.connector.fingerprint = "another key"
    assert checked.check() is not None
    assert checked.check() is None
    assert [text for text in ("the definitions changed", "the connection changed") if text in caplog.text] == [
        "the definitions changed",
        "the connection changed",
    ]


def test_what_was_not_found_good_is_checked_until_it_is(checked: Checked) -> None:
    checked.scene.kinesis.core.handle("DeleteStream", {"StreamName": "netmera-logins"})
    for _ in range(2):
        with pytest.raises(NotReady, match=r"NOT ready: 1 fault.*\n.*stream netmera-logins: exists"):
            checked.check()
    checked.scene.kinesis.core.create_stream("netmera-logins", 1)
    assert checked.check() is not None
    assert checked.check() is None


def test_what_is_remembered_shows_neither_a_definition_nor_a_key(checked: Checked) -> None:
    checked.connector.fingerprint = "0" * 32
    checked.check()
    kept = checked.scene.state.read(NAME).decode()
    assert "netmera" not in kept
    assert set(msgspec.json.decode(kept)) == {"definitions", "connection", "checked_ms"}


def test_a_slice_that_is_not_open_is_refused(checked: Checked) -> None:
    end_slice(checked.scene.state, SLICE)
    with pytest.raises(SliceRefused, match="not open any more"):
        open_slice_of(checked.scene.state, SLICE)
