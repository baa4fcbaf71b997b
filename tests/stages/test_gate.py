"""Between match and send: counts that do not add up, and too much that went wrong, stop a slice before it is sent."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import msgspec
import pytest
from deployment import HOOKS

from airflow_netmera_kinesis.errors import CountsDisagree, ExportError, QuotaExceeded, StagingError
from airflow_netmera_kinesis.exports.export_format import ExportFormat
from airflow_netmera_kinesis.quota import Quota, parse_quota
from airflow_netmera_kinesis.stages.commit import commit
from airflow_netmera_kinesis.stages.gate import Limits, load_matched, pass_gate
from airflow_netmera_kinesis.state.ledger import LedgerCounts, open_ledger
from airflow_netmera_kinesis.state.match_result import FileResult, HookResult, MatchResult, save_result
from airflow_netmera_kinesis.state.open_slice import begin_slice
from airflow_netmera_kinesis.state.slice import ExportFile, Slice, Target, save_slice
from airflow_netmera_kinesis.state.staging import PartRef
from airflow_netmera_kinesis.storage import LocalFolder

log = logging.getLogger("gate")
DEFAULT = parse_quota("1%, 100", "max")
SLICE = Slice(
    "20260906-abc",
    "/exports",
    (ExportFile("a.ndjson", 1, 1), ExportFile("b.ndjson", 1, 1)),
    ((0,), (1,)),
    HOOKS,
    ExportFormat(),
    2,
    "file",
    Target("eu-central-1"),
    "",
    1,
)


class Scene:
    """An open slice of two files, matched in two groups."""

    def __init__(self, root: Path) -> None:
        self.state, self.staging = LocalFolder(root / "state"), LocalFolder(root / "staging")
        save_slice(self.state, SLICE)
        begin_slice(self.state, SLICE)

    def match(self, group: int, *, part: int | None = None, hook: dict[str, Any] | None = None, **file: Any) -> None:
        """Save the result of one group: by default 300 lines, 200 firings of the first hook."""
        read = {"lines": 300, "malformed": 0, "events": 300, "digest": f"{group}", "last_line": 300, **file}
        fired = {"firings": 200, "staged": 200, "dead": {}, **(hook or {})}
        name = SLICE.files[group].name
        result = MatchResult(
            SLICE.id,
            group,
            (FileResult(group, name, **read),),
            (HookResult(0, "purchases", **fired), HookResult(1, "logins", 0, 0)),
            (PartRef("p", "netmera-purchases", group, group, fired["staged"] if part is None else part, 1, "d"),),
        )
        save_result(self.staging, result)

    def gate(self, malformed: Quota = DEFAULT, dead: Quota = DEFAULT, on_bad_file: str = "fail") -> int:
        return pass_gate(self.state, self.staging, SLICE.id, Limits(malformed, dead, on_bad_file), log)

    def commit(self, dead: Quota = DEFAULT) -> Any:
        return commit(self.state, self.staging, SLICE.id, dead, "a test", log)


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    scene = Scene(tmp_path)
    scene.match(0)
    scene.match(1)
    return scene


def test_a_slice_that_adds_up_may_be_sent_in_its_partitions(scene: Scene) -> None:
    assert scene.gate() == 2
    matched = load_matched(scene.state, SLICE.id)
    assert matched is not None
    assert matched.counts == {"read": 600, "malformed": 0, "events": 600, "firings": 400, "staged": 400}
    assert matched.staged == {"netmera-purchases": {0: 200, 1: 200}}


def test_every_group_must_have_been_matched(scene: Scene) -> None:
    scene.staging.delete(f"{SLICE.id}/results/00001.json")
    with pytest.raises(StagingError, match="the result of match group 1"):
        scene.gate()
    assert load_matched(scene.state, SLICE.id) is None


@pytest.mark.parametrize(
    ("broken", "says"),
    [
        ({"events": 299}, r"b\.ndjson: read 300 is not malformed 0 \+ events 299"),
        ({"hook": {"staged": 199}}, r"hook purchases: firings 400 is not staged 399 \+ dead letters 0"),
        ({"hook": {"dead": {"TOO_LARGE": 1}}}, r"hook purchases: firings 400 is not staged 400 \+ dead letters 1"),
        ({"part": 199}, "stream netmera-purchases: staged 400, but its parts hold 399 records"),
    ],
)
def test_counts_that_do_not_add_up_say_which(scene: Scene, broken: dict[str, Any], says: str) -> None:
    scene.match(1, **broken)
    with pytest.raises(CountsDisagree, match=says):
        scene.gate()


@pytest.mark.parametrize(("malformed", "lines", "passes"), [(100, 170, True), (101, 170, False), (150, 15_000, True)])
def test_malformed_lines_are_judged_file_by_file(scene: Scene, malformed: int, lines: int, passes: bool) -> None:
    scene.match(1, lines=lines, malformed=malformed, events=lines - malformed)
    if passes:
        assert scene.gate() == 2
        return
    with pytest.raises(
        QuotaExceeded, match=r"b\.ndjson: 101 of 170 lines malformed, more than max_malformed \(1%, 100\)"
    ):
        scene.gate()


def test_a_file_of_which_not_one_line_could_be_read_fails_whatever_is_allowed(scene: Scene) -> None:
    scene.match(1, lines=3, malformed=3, events=0, hook={"firings": 0, "staged": 0})
    with pytest.raises(QuotaExceeded, match=r"b\.ndjson: not one line could be read, of 3"):
        scene.gate(malformed=Quota(number=1_000))


def test_an_empty_file_is_fine(scene: Scene) -> None:
    scene.match(1, lines=0, events=0, hook={"firings": 0, "staged": 0})
    assert scene.gate() == 2


@pytest.mark.parametrize(("dead", "passes"), [(100, True), (101, False)])
def test_dead_letters_are_judged_hook_by_hook_over_all_files(scene: Scene, dead: int, passes: bool) -> None:
    half = {"MISSING_USER_ID": 50}
    rest = {"MISSING_USER_ID": dead - 60, "TOO_LARGE": 10}
    scene.match(0, hook={"staged": 150, "dead": half})
    scene.match(1, hook={"staged": 200 - (dead - 50), "dead": rest})
    if passes:
        assert scene.gate() == 2
        return
    with pytest.raises(QuotaExceeded, match=r"hook purchases: 101 of 400 firings .* max_dead_letters \(1%, 100\)"):
        scene.gate()
    assert scene.gate(dead=Quota(number=101)) == 2


def test_a_damaged_file_fails_unless_it_may_be_set_aside(scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    scene.match(1, lines=0, events=0, hook={"firings": 0, "staged": 0}, set_aside="truncated gzip")
    says = r"b\.ndjson: truncated gzip\. Replace the file or mend export_format, or set on_bad_file"
    with pytest.raises(ExportError, match=says):
        scene.gate()
    assert "set aside" not in caplog.text
    assert scene.gate(on_bad_file="set_aside") == 2
    assert "set aside b.ndjson: truncated gzip" in caplog.text


def test_what_becomes_a_dead_letter_is_a_warning_with_reasons(scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    scene.match(1, malformed=2, events=298, hook={"staged": 197, "dead": {"TOO_LARGE": 1, "MISSING_USER_ID": 2}})
    assert scene.gate() == 2
    place = f"see dead_letters/{SLICE.id} in the state folder"
    assert f"b.ndjson: 2 of 300 lines are malformed; {place}" in caplog.text
    reasons = "(MISSING_USER_ID 2, TOO_LARGE 1)"
    assert f"hook purchases: 3 of 400 firings became dead letters {reasons}; {place}" in caplog.text


def test_no_match_at_all_is_a_warning_with_the_commonest_codes(scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    for group, codes in enumerate(({"n:vp": 5, "a": 1}, {"n:vp": 1, "b": 3})):
        scene.match(group, hook={"firings": 0, "staged": 0}, unmatched=codes)
    assert scene.gate() == 2
    assert "600 events matched no hook; the commonest codes: n:vp (6), b (3), a (1)" in caplog.text


def test_a_file_that_changed_after_a_part_of_it_was_sent_is_refused_by_name(scene: Scene) -> None:
    scene.gate()
    scene.match(1, digest="another")
    assert scene.gate() == 2, "nothing was sent yet"
    with open_ledger(scene.state, SLICE.id, "netmera-purchases", 0) as ledger:
        ledger.unknown([(0, 1, 0)])
    scene.match(1, digest="a third")
    with pytest.raises(ExportError, match=rf"b\.ndjson has changed .* abandon_slice={SLICE.id}"):
        scene.gate()


class TestCommit:
    def settle(self, scene: Scene, *counts: LedgerCounts) -> None:
        """Mark the partitions finished with these counts."""
        for partition, each in enumerate(counts):
            name = f"ledgers/{SLICE.id}/netmera-purchases/{partition:04d}.done"
            scene.state.write(name, msgspec.json.encode(each))

    def test_it_counts_what_became_of_every_firing(self, scene: Scene) -> None:
        scene.match(1, hook={"staged": 190, "dead": {"TOO_LARGE": 10}})
        scene.gate()
        self.settle(scene, LedgerCounts({0: 199}, {0: 1}, unknown=4), LedgerCounts({0: 150}, carried={0: 40}))
        assert scene.commit() == {
            "files": 2,
            "files_again": 0,
            "files_set_aside": 0,
            "read": 600,
            "malformed": 0,
            "events": 600,
            "firings": 400,
            "staged": 390,
            "delivered": 349,
            "delivered_before": 40,
            "dead_letters": 11,
            "answers_lost": 4,
        }

    def test_a_partition_whose_counts_are_off_is_named(self, scene: Scene) -> None:
        scene.gate()
        self.settle(scene, LedgerCounts({0: 200}), LedgerCounts({0: 190}, {0: 5}, {0: 4}))
        with pytest.raises(
            CountsDisagree,
            match=r"stream netmera-purchases, partition 1: staged 200 is not delivered 190 .* 4 \+ dead letters 5",
        ):
            scene.commit()

    def test_a_hook_whose_counts_are_off_is_named(self, scene: Scene) -> None:
        scene.gate()
        self.settle(scene, LedgerCounts({0: 200}), LedgerCounts({0: 199, 1: 1}))
        with pytest.raises(CountsDisagree, match=r"hook purchases: staged 400 is not delivered 399"):
            scene.commit()

    def test_dead_letters_of_both_stages_count_together(self, scene: Scene) -> None:
        scene.match(1, hook={"staged": 110, "dead": {"TOO_LARGE": 90}})
        scene.gate()
        self.settle(scene, LedgerCounts({0: 190}, {0: 10}), LedgerCounts({0: 109}, {0: 1}))
        with pytest.raises(QuotaExceeded, match="hook purchases: 101 of 400 firings became dead letters"):
            scene.commit()
        assert scene.commit(dead=Quota(number=101))["dead_letters"] == 101
