"""Whole runs on a local path and on S3: whatever the files do, everything arrives, in order, and the counts add up."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime

import msgspec
import pytest
from deployment import STREAMS, Deployment, events, half_sent, lines
from full_disk import FullDisk

from airflow_netmera_kinesis import grouping
from airflow_netmera_kinesis.errors import (
    ExportError,
    LeaseTaken,
    NetmeraKinesisError,
    QuotaExceeded,
    SliceCommitted,
    SliceRefused,
    StagingError,
)
from airflow_netmera_kinesis.netmera.definition_parsing import parse_definitions
from airflow_netmera_kinesis.quota import Quota
from airflow_netmera_kinesis.state import lease as leases
from airflow_netmera_kinesis.state.checkpoint import load_checkpoint
from airflow_netmera_kinesis.state.lease import hold
from airflow_netmera_kinesis.state.match_result import load_result
from airflow_netmera_kinesis.state.open_slice import begin_slice, end_slice
from airflow_netmera_kinesis.state.slice import save_slice
from airflow_netmera_kinesis.storage import Folder, LocalFolder
from airflow_netmera_kinesis.testing import FakeKinesis

pytestmark = pytest.mark.fake_kinesis(STREAMS)


@pytest.fixture
def deployment(storage: Callable[[str], Folder], fake_kinesis: FakeKinesis) -> Deployment:
    return Deployment(storage, fake_kinesis)


@pytest.fixture
def local(tmp_path: object, fake_kinesis: FakeKinesis) -> Deployment:
    """For what no storage can make a difference to."""
    return Deployment(lambda name: LocalFolder(f"{tmp_path}/{name}"), fake_kinesis)


@pytest.fixture
def quick_leases(monkeypatch: pytest.MonkeyPatch) -> None:
    # Who finds a lease taken reads who has it before the next renewal, however slow the machine is.
    monkeypatch.setattr(leases, "RENEW_EVERY_SECONDS", 0.5)
    monkeypatch.setattr(leases, "LOOK_EVERY_SECONDS", 0.1)


class TestFiles:
    def test_what_is_new_arrives_once_in_order_and_nothing_is_left_behind(self, deployment: Deployment) -> None:
        deployment.export("app_EVENT_DATA_20260906.ndjson", events("06", 90))
        deployment.export("app_EVENT_DATA_20260907.ndjson", events("07", 60))
        counts = deployment.run(partitions=3)
        assert counts is not None
        assert (counts["files"], counts["read"], counts["events"], counts["firings"]) == (2, 150, 150, 100)
        assert (counts["staged"], counts["delivered"], counts["dead_letters"]) == (100, 100, 0)
        deployment.assert_all_arrived()
        deployment.assert_tidy()
        assert deployment.run(partitions=3) is None
        assert deployment.arrived == 100

    def test_an_empty_folder_is_nothing_new(self, deployment: Deployment) -> None:
        assert deployment.run() is None
        assert list(deployment.state.list()) == []
        assert deployment.arrived == 0

    def test_a_late_file_with_an_older_name_is_new(self, deployment: Deployment) -> None:
        deployment.export("app_20260907.ndjson", events("07", 30))
        deployment.run()
        deployment.export("app_20260906.ndjson", events("06", 30))
        deployment.run()
        deployment.assert_all_arrived(files=["app_20260907.ndjson", "app_20260906.ndjson"])

    def test_of_a_file_that_grew_only_the_tail_is_sent(self, deployment: Deployment) -> None:
        deployment.export("app_20260906.ndjson", events("06", 30))
        deployment.run()
        deployment.export("app_20260906.ndjson", events("06", 45))
        counts = deployment.run()
        assert counts is not None
        assert (counts["read"], counts["delivered"], counts["files_again"]) == (15, 10, 0)
        deployment.assert_all_arrived()

    def test_the_same_content_under_a_new_time_is_nothing_and_is_read_once(self, deployment: Deployment) -> None:
        deployment.export("app_20260906.ndjson", events("06", 30))
        deployment.run()
        deployment.exports.write("app_20260906.ndjson", lines(events("06", 30)))
        assert deployment.run() is None
        # S3 says itself that the content is the same.
        remembered = deployment.state.list("plan.json")
        assert len(list(remembered)) == isinstance(deployment.exports, LocalFolder)
        deployment.export("app_20260907.ndjson", events("07", 30))
        deployment.run()
        deployment.run()
        deployment.assert_all_arrived()

    def test_other_content_under_the_same_name_is_sent_again_as_a_whole_and_counted(
        self, deployment: Deployment
    ) -> None:
        deployment.export("app_20260906.ndjson", events("06", 30))
        deployment.run()
        replaced = [*events("06", 15), *events("06-corrected", 15)]
        deployment.export("app_20260906.ndjson", replaced)
        counts = deployment.run()
        assert counts is not None
        assert (counts["read"], counts["delivered"], counts["files_again"]) == (30, 20, 1)
        deployment.sent["app_20260906.ndjson"] = [*events("06", 30), *events("06-corrected", 15)]
        deployment.assert_all_arrived(duplicates=10)

    def test_a_file_deleted_between_plan_and_match_fails_by_name_and_the_next_run_goes_on_without_it(
        self, deployment: Deployment
    ) -> None:
        deployment.export("app_20260906.ndjson", events("06", 30))
        deployment.export("app_20260907.ndjson", events("07", 30))
        current = deployment.planned()
        deployment.exports.delete("app_20260906.ndjson")
        with pytest.raises(ExportError, match=r"app_20260906\.ndjson"):
            deployment.match(current)
        del deployment.sent["app_20260906.ndjson"]
        assert deployment.run() is not None
        deployment.assert_all_arrived()
        deployment.assert_tidy()

    def test_vanished_names_are_forgotten_and_new_if_they_come_back(self, deployment: Deployment) -> None:
        deployment.export("app_20260906.ndjson", events("06", 30))
        deployment.run()
        deployment.exports.delete("app_20260906.ndjson")
        assert deployment.run() is None
        deployment.export("app_20260907.ndjson", events("07", 30))
        deployment.run()
        deployment.export("app_20260906.ndjson", events("06", 30))
        counts = deployment.run()
        assert counts is not None
        assert (counts["files"], counts["delivered"]) == (1, 20)

    def test_a_file_still_being_written_waits_until_it_stands_still(
        self, deployment: Deployment, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        an_hour_later(deployment, monkeypatch)
        whole = lines(events("06", 30))
        deployment.exports.write("app_20260906.ndjson", whole[:-40])
        old = {"min_age_ms": 60_000}
        assert deployment.plan(**old) is None
        deployment.exports.write("app_20260906.ndjson", whole[:-20])
        assert deployment.plan(**old) is None, "it has grown since the last plan"
        deployment.export("app_20260906.ndjson", events("06", 30))
        assert deployment.run(**old) is not None
        deployment.assert_all_arrived()

    def test_a_last_line_that_never_gets_its_newline_is_sent_after_two_plans(
        self, deployment: Deployment, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        an_hour_later(deployment, monkeypatch)
        deployment.export("app_20260906.ndjson", events("06", 30))
        deployment.exports.write("app_20260906.ndjson", lines(events("06", 30)).rstrip(b"\n"))
        assert deployment.plan(min_age_ms=60_000) is None
        assert deployment.run(min_age_ms=60_000) is not None
        deployment.assert_all_arrived()

    def test_a_half_line_that_was_sent_as_malformed_is_sent_when_it_is_whole(self, local: Deployment) -> None:
        whole = lines(events("06", 31))
        local.exports.write("app_20260906.ndjson", whole[:-20])
        counts = local.run()
        assert counts is not None
        assert counts["malformed"] == 1
        local.export("app_20260906.ndjson", events("06", 31))
        assert local.run() is not None
        local.assert_all_arrived()

    def test_files_younger_than_min_age_by_the_stores_clock_are_left(
        self, local: Deployment, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        local.export("app_20260906.ndjson", events("06", 30))
        assert local.plan(min_age_ms=60_000) is None
        an_hour_later(local, monkeypatch)
        assert local.plan(min_age_ms=60_000) is not None

    @pytest.mark.parametrize("hours", [-1, 1])
    def test_a_machine_whose_clock_is_an_hour_off_takes_neither_less_nor_more(
        self, deployment: Deployment, monkeypatch: pytest.MonkeyPatch, hours: int
    ) -> None:
        seconds, nanoseconds = time.time, time.time_ns
        monkeypatch.setattr(time, "time", lambda: seconds() + hours * 3_600)
        monkeypatch.setattr(time, "time_ns", lambda: nanoseconds() + hours * 3_600 * 10**9)
        deployment.export("app_20260906.ndjson", events("06", 30))
        assert deployment.plan(min_age_ms=600_000) is None
        with monkeypatch.context() as patched:
            an_hour_later(deployment, patched)
            assert deployment.run(min_age_ms=600_000) is not None
        deployment.assert_all_arrived()

    def test_files_older_than_start_after_are_left_out_for_good(self, deployment: Deployment) -> None:
        deployment.export("app_20260905.ndjson", events("05", 30))
        deployment.export("app_20260906.ndjson", events("06", 30))
        counts = deployment.run(start_after=datetime.fromisoformat("2026-09-06"))
        assert counts is not None
        assert counts["files"] == 1
        assert deployment.run() is None, "what was left out stays out, whatever is asked later"
        deployment.assert_all_arrived(files=["app_20260906.ndjson"])

    def test_the_oldest_files_come_first_when_there_are_more_than_max_files(self, deployment: Deployment) -> None:
        for day in ("08", "06", "07"):
            deployment.export(f"app_202609{day}.ndjson", events(day, 6))
        names = []
        while current := deployment.plan(max_files=1):
            names += [file.name for file in current.files]
            deployment.match(current)
            deployment.gate(current)
            deployment.send(current)
            deployment.commit(current)
        assert names == ["app_20260906.ndjson", "app_20260907.ndjson", "app_20260908.ndjson"]

    def test_a_byte_and_a_large_file_are_one_slice(
        self, deployment: Deployment, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(grouping, "GROUP_BYTES", 10_000)
        deployment.exports.write("app_20260905.ndjson", b"\n")
        deployment.export("app_20260906.ndjson", events("06", 300))
        deployment.export("app_20260907.ndjson", events("07", 3))
        current = deployment.planned()
        assert current.groups == ((0,), (1,), (2,))
        assert deployment.run() is not None
        deployment.assert_all_arrived()

    def test_a_slice_without_a_match_is_committed_with_a_warning_of_the_commonest_codes(
        self, deployment: Deployment, caplog: pytest.LogCaptureFixture
    ) -> None:
        seen = [event for event in events("06", 30) if event["eventCode"] == "n:vp"]
        deployment.export("app_20260906.ndjson", seen)
        with caplog.at_level(logging.INFO, "deployment"):
            counts = deployment.run()
        assert counts is not None
        assert (counts["events"], counts["firings"]) == (10, 0)
        assert "10 events matched no hook; the commonest codes: n:vp (10)" in caplog.text
        assert deployment.run() is None
        deployment.assert_all_arrived()
        deployment.assert_tidy()


class TestRunsThatFail:
    def test_what_kinesis_refused_in_the_middle_is_finished_by_the_next_run(self, deployment: Deployment) -> None:
        deployment.export("app_20260906.ndjson", events("06", 90))
        current = half_sent(deployment)
        deployment.export("app_20260905.ndjson", events("05", 30))
        again = deployment.planned()
        assert again == current, "new files wait until the open slice is done"
        counts = deployment.run()
        assert counts is not None
        assert counts["delivered"] == 60
        deployment.assert_all_arrived(files=["app_20260906.ndjson"])
        deployment.run()
        deployment.assert_all_arrived(files=["app_20260906.ndjson", "app_20260905.ndjson"])
        deployment.assert_tidy()

    def test_one_partition_that_fails_does_not_keep_the_others_and_is_finished_by_the_next_run(
        self, deployment: Deployment
    ) -> None:
        deployment.export("app_20260906.ndjson", events("06", 90))
        current = deployment.planned(partitions=3)
        deployment.match(current)
        deployment.gate(current)
        deployment.send(current, partitions=[0])
        deployment.send_some(current, requests=1, partitions=[1])
        deployment.send(current, partitions=[2])
        before = deployment.arrived
        with pytest.raises(SliceRefused, match=r"partition 1 of stream .* is not sent to its end"):
            deployment.commit(current)
        assert deployment.run(partitions=3) is not None
        assert deployment.arrived > before > 0
        deployment.assert_all_arrived()
        deployment.assert_tidy()

    def test_a_disk_that_is_full_while_staging_is_told_and_nothing_is_sent_or_committed(
        self, deployment: Deployment, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        deployment.export("app_20260906.ndjson", events("06", 30))
        writer = deployment.staging.writer

        @contextmanager
        def on_a_full_disk(name: str) -> Iterator[FullDisk]:
            with writer(name) as file:
                yield FullDisk(file, room=0)

        with monkeypatch.context() as patched:
            patched.setattr(deployment.staging, "writer", on_a_full_disk)
            with pytest.raises(StagingError, match=r"no space left while staging to .*: nothing was committed"):
                deployment.run()
        assert (deployment.arrived, load_checkpoint(deployment.state).generation) == (0, 0)
        assert list(deployment.staging.list()) == []
        deployment.run()
        deployment.assert_all_arrived()
        deployment.assert_tidy()

    def test_whole_parts_are_not_matched_again_and_a_broken_one_is(self, deployment: Deployment) -> None:
        deployment.export("app_20260906.ndjson", events("06", 90))
        current = deployment.planned()
        deployment.match(current)
        part = load_result(deployment.staging, current.id, 0).parts[0]
        stored = deployment.staging.info(part.name)
        deployment.match(current)
        assert deployment.staging.info(part.name) == stored
        deployment.gate(current)
        deployment.staging.write(part.name, deployment.staging.read(part.name)[:-1])
        with pytest.raises(StagingError, match="Clear the match tasks of this run, or start a new run"):
            deployment.send(current)
        assert deployment.run() is not None
        deployment.assert_all_arrived()

    def test_staging_that_expired_in_mid_send_is_staged_again_from_the_same_files(self, deployment: Deployment) -> None:
        deployment.export("app_20260906.ndjson", events("06", 90))
        current = half_sent(deployment)
        deployment.staging.delete_tree(current.id)
        with pytest.raises(StagingError, match="staging must be shared by all workers"):
            deployment.send(current)
        assert deployment.run() is not None
        deployment.assert_all_arrived()

    def test_a_file_replaced_after_a_part_of_it_was_sent_is_not_mixed_with_the_old_one(
        self, deployment: Deployment
    ) -> None:
        deployment.export("app_20260906.ndjson", events("06", 90))
        current = half_sent(deployment)
        deployment.staging.delete_tree(current.id)
        changed = list(reversed(events("06", 90)))
        deployment.exports.write("app_20260906.ndjson", lines(changed))
        with pytest.raises(ExportError, match="app_20260906"):
            deployment.run()
        assert deployment.planned().id == current.id

    def test_a_damaged_file_fails_by_name_and_is_sent_once_it_is_mended(self, deployment: Deployment) -> None:
        deployment.export("app_20260906.ndjson", events("06", 30))
        deployment.exports.write("app_20260907.ndjson.gz", b"\x1f\x8b\x08\x00 and nothing more")
        with pytest.raises(ExportError, match=r"app_20260907\.ndjson\.gz"):
            deployment.run()
        assert deployment.arrived == 0
        deployment.exports.delete("app_20260907.ndjson.gz")
        deployment.export("app_20260907.ndjson", events("07", 30))
        assert deployment.run() is not None
        deployment.assert_all_arrived()

    def test_a_damaged_file_may_be_set_aside(self, deployment: Deployment) -> None:
        deployment.export("app_20260906.ndjson", events("06", 30))
        deployment.exports.write("app_20260907.ndjson.gz", b"\x1f\x8b\x08\x00 and nothing more")
        current = deployment.planned()
        deployment.match(current)
        deployment.gate(current, on_bad_file="set_aside")
        deployment.send(current)
        assert deployment.commit(current)["files_set_aside"] == 1
        deployment.assert_all_arrived()
        assert deployment.plan() is None

    def test_too_many_malformed_lines_fail_the_run_before_anything_is_sent(self, deployment: Deployment) -> None:
        deployment.exports.write("app_20260906.ndjson", lines(events("06", 30)) + b"{\n" * 6)
        deployment.tolerance = Quota(number=5)
        with pytest.raises(
            QuotaExceeded, match=r"app_20260906\.ndjson: 6 of 36 lines malformed, more than max_malformed"
        ):
            deployment.run()
        assert deployment.arrived == 0
        deployment.tolerance = Quota(number=6)
        deployment.sent["app_20260906.ndjson"] = events("06", 30)
        assert deployment.run() is not None, "limits are never frozen"
        deployment.assert_all_arrived()


class TestTermsThatChange:
    MORE = parse_definitions(
        [
            {"name": "purchases", "trigger_type": "EVENT", "event_code": "n:ph", "stream_name": "netmera-purchases"},
            {"name": "views", "trigger_type": "EVENT", "event_code": "n:vp", "stream_name": "netmera-activity"},
        ],
        "hooks",
    )

    def test_before_the_first_record_a_slice_is_planned_anew_with_the_new_terms(self, deployment: Deployment) -> None:
        deployment.export("app_20260906.ndjson", events("06", 90))
        current = deployment.planned()
        deployment.match(current)
        deployment.gate(current)
        again = deployment.planned(hooks=self.MORE, partitions=2)
        assert again.id != current.id
        assert (again.partitions, len(again.hooks)) == (2, 2)
        assert list(deployment.staging.list()) == []
        with pytest.raises(SliceRefused, match=f"slice {current.id} is not open any more"):
            deployment.send(current)
        deployment.hooks = self.MORE
        counts = deployment.run(partitions=2)
        assert counts is not None
        assert counts["delivered"] == 60
        deployment.assert_all_arrived()
        deployment.assert_tidy()

    def test_after_the_first_record_it_is_finished_as_frozen_and_the_log_says_what_differs(
        self, deployment: Deployment, caplog: pytest.LogCaptureFixture
    ) -> None:
        deployment.export("app_20260906.ndjson", events("06", 90))
        current = half_sent(deployment, partitions=2)
        with caplog.at_level(logging.INFO, "deployment"):
            again = deployment.planned(hooks=self.MORE, partitions=5, order="timestamp")
        assert again == current
        assert "finishing it as frozen, files 1, hooks 2, partitions 2, order file" in caplog.text
        assert "differs in hooks, partitions (5), order (timestamp)" in caplog.text
        assert f"abandon_slice={current.id}" in caplog.text
        assert deployment.run(hooks=self.MORE, partitions=5) is not None
        deployment.assert_all_arrived()

    def test_new_files_alone_do_not_make_an_open_slice_be_matched_again(self, deployment: Deployment) -> None:
        deployment.export("app_20260906.ndjson", events("06", 30))
        current = deployment.planned()
        deployment.match(current)
        deployment.export("app_20260905.ndjson", events("05", 30))
        assert deployment.planned() == current

    def test_a_file_mended_before_the_first_record_is_read_anew(self, deployment: Deployment) -> None:
        deployment.exports.write("app_20260906.ndjson", b"not an event\n" * 3)
        with pytest.raises(QuotaExceeded, match="not one line could be read, of 3"):
            deployment.run()
        deployment.export("app_20260906.ndjson", events("06", 30))
        assert deployment.run() is not None
        deployment.assert_all_arrived()


class TestTasksThatAreCleared:
    def test_match_and_send_of_a_committed_slice_do_nothing(self, deployment: Deployment) -> None:
        deployment.export("app_20260906.ndjson", events("06", 30))
        current = deployment.planned()
        counts = deployment.run()
        for task in (deployment.match, deployment.gate, deployment.send):
            with pytest.raises(SliceCommitted, match=f"slice {current.id} is committed: there is nothing left to do"):
                task(current)
        assert deployment.commit(current) == counts
        assert deployment.arrived == 20
        deployment.assert_tidy()

    def test_receipts_that_come_late_go_with_the_next_commit_and_those_that_are_kept_stay(
        self, deployment: Deployment
    ) -> None:
        slices = []
        for day, keep_receipts in (("05", True), ("06", False), ("07", False)):
            deployment.export(f"app_202609{day}.ndjson", events(day, 9))
            slices.append(deployment.planned())
            deployment.match(slices[-1])
            deployment.gate(slices[-1])
            deployment.send(slices[-1])
            deployment.commit(slices[-1], keep_receipts=keep_receipts)
            deployment.state.write(f"receipts/{slices[-1].id}/netmera-purchases/0000.000099.log", b"late")
        left = {info.name.split("/")[1] for info in deployment.state.list("receipts/")}
        assert left == {slices[0].id, slices[2].id}

    def test_an_old_run_that_is_cleared_after_newer_ones_moves_nothing_back(self, deployment: Deployment) -> None:
        deployment.export("app_20260906.ndjson", events("06", 30))
        old = half_sent(deployment, requests=1)
        deployment.run()
        deployment.export("app_20260907.ndjson", events("07", 30))
        deployment.run()
        before = load_checkpoint(deployment.state)
        with pytest.raises(SliceCommitted):
            deployment.send(old)
        deployment.commit(old)
        assert load_checkpoint(deployment.state) == before
        assert deployment.run() is None
        deployment.assert_all_arrived()

    def test_when_everything_is_cleared_what_was_sent_is_not_sent_again(self, deployment: Deployment) -> None:
        """As ``airflow tasks clear`` without dates does; the runs are tried again one after another."""
        runs = []
        for day in ("05", "06"):
            deployment.export(f"app_202609{day}.ndjson", events(day, 30))
            runs.append(deployment.planned())
            deployment.run()
        deployment.export("app_20260907.ndjson", events("07", 90))
        runs.append(half_sent(deployment))
        already = deployment.arrived
        for of_the_run in runs:
            current = deployment.plan() or of_the_run
            for task in (deployment.match, deployment.gate, deployment.send):
                with suppress(SliceCommitted):  # the task is skipped
                    task(current)
            deployment.commit(current)
        assert deployment.arrived > already
        assert load_checkpoint(deployment.state).generation == 3
        assert deployment.run() is None
        deployment.assert_all_arrived()
        deployment.assert_tidy()

    def test_a_slice_that_nobody_knows_is_refused(self, deployment: Deployment) -> None:
        deployment.export("app_20260906.ndjson", events("06", 30))
        old = deployment.planned()
        deployment.planned(partitions=2)
        for task in (deployment.match, deployment.gate, deployment.send, deployment.commit):
            with pytest.raises(SliceRefused, match="start a new run instead of clearing an old one"):
                task(old)

    def test_a_slice_planned_before_another_was_committed_is_refused_by_all_tasks_and_planned_anew(
        self, deployment: Deployment
    ) -> None:
        """As after a plan that was paused for long, or a state folder that was put back from a copy."""
        deployment.export("app_20260906.ndjson", events("06", 30))
        deployment.run()
        deployment.export("app_20260907.ndjson", events("07", 30))
        current = deployment.planned()
        end_slice(deployment.state, current.id)
        outdated = msgspec.structs.replace(current, predecessor="20260905-old")
        save_slice(deployment.state, outdated)
        begin_slice(deployment.state, outdated)
        for task in (deployment.match, deployment.gate, deployment.send, deployment.commit):
            with pytest.raises(
                SliceRefused, match="was planned after slice 20260905-old, but the last one committed is"
            ):
                task(outdated)
        assert deployment.run() is not None
        deployment.assert_all_arrived()
        deployment.assert_tidy()

    def test_commit_before_its_time_is_refused(self, deployment: Deployment) -> None:
        deployment.export("app_20260906.ndjson", events("06", 30))
        current = deployment.planned()
        with pytest.raises(SliceRefused, match="has not passed the gate"):
            deployment.commit(current)
        deployment.match(current)
        deployment.gate(current)
        with pytest.raises(SliceRefused, match="is not sent to its end"):
            deployment.commit(current)
        assert load_checkpoint(deployment.state).generation == 0


class TestRunsAtOnce:
    @pytest.mark.usefixtures("quick_leases")
    @pytest.mark.parametrize("task", ["plan-and-commit", "match-00000", "send-0000"])
    def test_each_task_is_for_one_at_a_time_and_says_who_has_it(self, deployment: Deployment, task: str) -> None:
        deployment.export("app_20260906.ndjson", events("06", 30))
        current = deployment.planned()
        if task == "send-0000":
            deployment.match(current)
            deployment.gate(current)
        name = task if task.startswith("plan") else f"{current.id}/{task}"
        act = {"p": deployment.plan, "m": deployment.match, "s": deployment.send}[task[0]]
        with (
            hold(deployment.state, name, "task x of run y, try 1"),
            pytest.raises(
                LeaseTaken, match=r"is held by task x of run y, try 1 \(host .*, pid \d+\) since .*run again"
            ),
        ):
            act() if task.startswith("plan") else act(current)  # type: ignore[operator]
        assert deployment.run() is not None
        deployment.assert_all_arrived()

    @pytest.mark.usefixtures("quick_leases")
    def test_a_slice_is_not_replaced_under_the_feet_of_who_works_on_it(self, deployment: Deployment) -> None:
        deployment.export("app_20260906.ndjson", events("06", 30))
        current = deployment.planned()
        with hold(deployment.state, f"{current.id}/match-00000", "the first run"):
            with pytest.raises(LeaseTaken, match="is worked on by the first run"):
                deployment.plan(partitions=2)
            with pytest.raises(LeaseTaken, match="is worked on by the first run"):
                deployment.plan(abandon_slice=current.id)
        deployment.match(current)
        assert deployment.planned().id == current.id

    @pytest.mark.usefixtures("quick_leases")
    def test_two_runs_at_once_send_everything_once(
        self, storage: Callable[[str], Folder], fake_kinesis: FakeKinesis
    ) -> None:
        deployments = [Deployment(storage, fake_kinesis) for _ in range(2)]
        deployments[0].export("app_20260906.ndjson", events("06", 90))
        refused: list[BaseException] = []

        def run(deployment: Deployment) -> None:
            try:
                deployment.run()
            except NetmeraKinesisError as error:
                refused.append(error)

        threads = [threading.Thread(target=run, args=(deployment,)) for deployment in deployments]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert all(isinstance(error, (LeaseTaken, SliceRefused)) for error in refused), refused
        deployments[0].run()
        deployments[0].assert_all_arrived()
        deployments[0].assert_tidy()


def an_hour_later(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the clock of the store that holds the exports stand an hour later."""
    now = deployment.exports.now_ms()
    monkeypatch.setattr(deployment.exports, "now_ms", lambda: now + 3_600_000)
