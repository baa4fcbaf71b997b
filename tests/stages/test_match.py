"""Every event of a file ends staged, unmatched or as a dead letter, and every count adds up."""

from __future__ import annotations

import gzip
import json
import logging
import os
from pathlib import Path

import msgspec
import pytest
from match_scene import HOOKS, SAMPLES, SLICE, Scene, line
from workbooks import workbook

from airflow_netmera_kinesis.errors import CountsDisagree, ExportChanged, SliceRefused
from airflow_netmera_kinesis.exports.export_format import ExportFormat
from airflow_netmera_kinesis.exports.format_parsing import parse_export_format
from airflow_netmera_kinesis.netmera.definition_parsing import parse_definitions
from airflow_netmera_kinesis.netmera.hook_definition import BatchLimits, HookDefinition
from airflow_netmera_kinesis.netmera.partition_key import partition_of
from airflow_netmera_kinesis.stages.match import _check_counts, counts_of
from airflow_netmera_kinesis.state.dead_letter import Reason
from airflow_netmera_kinesis.state.match_result import FileResult, HookResult, MatchResult
from airflow_netmera_kinesis.state.open_slice import end_slice
from airflow_netmera_kinesis.state.staging import read_part

EXPECTED = json.loads((SAMPLES / "expected.json").read_text(encoding="utf-8"))
WIDE = parse_export_format(
    {"columns": {"city": "profile.city", "age": "profile.age"}, "types": {"duration": "number", "es": "number"}}
)


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path)


def firings(result: MatchResult) -> dict[str, int]:
    return {hook.name: hook.firings for hook in result.hooks if hook.firings}


def sample(scene: Scene, path: Path, export_format: ExportFormat = ExportFormat()) -> MatchResult:  # noqa: B008
    scene.put(**{path.name: path.read_bytes()})
    scene.plan(export_format=export_format)
    return scene.match()


@pytest.mark.parametrize("name", EXPECTED["files"])
def test_sample_events_fire_what_was_expected(scene: Scene, name: str) -> None:
    result = sample(scene, SAMPLES / "events" / name)
    assert result.files[0].lines == EXPECTED["files"][name]["read"]
    assert firings(result) == EXPECTED["files"][name]["hooks"]
    assert counts_of(result)["dead_letters"] == 0


@pytest.mark.parametrize("path", sorted((SAMPLES / "csv").glob("*.csv")), ids=lambda path: path.stem)
def test_csv_samples_of_six_delimiters_and_two_layouts_fire_the_same(scene: Scene, path: Path) -> None:
    result = sample(scene, path, WIDE if "wide" in path.name else ExportFormat())
    assert result.files[0].lines == EXPECTED["csv"]["read"]
    assert firings(result) == EXPECTED["csv"]["hooks"]


FAULTY = {name: counts for name, counts in EXPECTED["faulty"].items() if "fails" not in counts}


@pytest.mark.parametrize("name", FAULTY)
def test_faulty_samples_end_as_expected(scene: Scene, name: str) -> None:
    result = sample(scene, SAMPLES / "faulty" / name)
    dead = {reason: sum(hook.dead.get(reason.value, 0) for hook in result.hooks) for reason in Reason}
    counts = counts_of(result)
    assert FAULTY[name] == {
        "read": counts["read"],
        "delivered": counts["staged"],
        **({"malformed": counts["malformed"]} if counts["malformed"] else {}),
        **({"missing_user": dead[Reason.MISSING_USER_ID]} if dead[Reason.MISSING_USER_ID] else {}),
        **({"too_large": dead[Reason.TOO_LARGE]} if dead[Reason.TOO_LARGE] else {}),
    }
    assert len(scene.dead_letters()) == counts["malformed"] + counts["dead_letters"]


def test_faulty_samples_that_fail_leave_the_gate_what_it_must_know(scene: Scene) -> None:
    scene.put(**{name: (SAMPLES / "faulty" / name).read_bytes() for name in EXPECTED["faulty"] if name not in FAULTY})
    scene.plan()
    told = {file.name: (file.lines, file.malformed, file.set_aside) for file in scene.match().files}
    assert told == {
        "truncated.ndjson.gz": (0, 0, "truncated gzip"),
        "mostly_broken.ndjson": (170, 150, ""),
        "no_line_readable.ndjson": (2, 2, ""),
    }


def test_a_record_knows_where_it_comes_from(scene: Scene) -> None:
    scene.put(a=line("other") + line(id="e1", params={"a": 1}), b=b"\n" + line("n:cl", id="e2"))
    scene.plan()
    purchase, login = scene.staged(scene.match())
    assert (purchase.file, purchase.line, purchase.hook) == (0, 2, 0)
    assert (purchase.key, purchase.event_id, purchase.time_ms) == ("u-ayşe", "e1", 1_788_728_400_000)
    assert json.loads(purchase.payload) == {
        "hookName": "purchases", "hookType": "KINESIS", "triggerType": "EVENT", "eventCode": "n:ph",
        "userId": "u-ayşe", "eventId": "e1", "eventData": {"timestamp": 1_788_728_400_000, "params": {"a": 1}},
        "identities": {"userId": "u-ayşe"},
    }  # fmt: skip
    assert (login.file, login.line, login.hook) == (1, 2, 2)


def test_records_stand_in_a_part_for_each_stream_and_partition(scene: Scene) -> None:
    users = [f"u{n}" for n in range(40)]
    scene.put(a=b"".join(line(code, userId=user) for user in users for code in ("n:ph", "n:cl", "n:sv")))
    scene.plan(partitions=4)
    result = scene.match()
    assert len(result.parts) == 8
    assert {part.group for part in result.parts} == {0}
    for part in result.parts:
        records = list(read_part(scene.staging, part))
        assert {partition_of(record.key, 4) for record in records} == {part.partition}
        assert {HOOKS[record.hook].stream for record in records} == {part.stream}
        assert [record.line for record in records] == sorted(record.line for record in records)


def test_one_event_may_fire_several_hooks_into_one_stream(scene: Scene) -> None:
    hook = {"trigger_type": "EVENT", "event_code": "n:ph", "stream_name": "s"}
    hooks = parse_definitions([{**hook, "name": "one"}, {**hook, "name": "two"}], "hooks")
    scene.put(a=line(id="e1"))
    scene.plan(hooks=hooks)
    records = scene.staged(scene.match())
    assert [(record.hook, record.event_id) for record in records] == [(0, "e1"), (1, "e1")]
    assert [json.loads(record.payload)["hookName"] for record in records] == ["one", "two"]


def test_ordered_by_timestamp_each_file_has_parts_of_its_own(scene: Scene) -> None:
    scene.put(a=line(), b=line(), c=line())
    scene.plan(order="timestamp", groups=((0,), (1, 2)))
    assert [part.group for part in scene.match(1).parts] == [1, 2]
    assert [part.group for part in scene.match(0).parts] == [0]


def test_a_group_that_is_matched_and_whole_is_not_matched_again(scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    scene.put(a=line() + b"broken\n")
    scene.plan()
    first = scene.match()
    scene.exports.delete("a")
    with caplog.at_level(logging.INFO):
        assert scene.match() == first
    assert "matched before" in caplog.text
    assert len(scene.dead_letters()) == 1


def test_a_group_whose_part_is_damaged_is_matched_again_alike(scene: Scene) -> None:
    scene.put(a=line() + line(userId=None))
    scene.plan()
    first = scene.match()
    scene.staging.write(first.parts[0].name, b"cut")
    assert scene.match() == first
    assert len(scene.staged(first)) == 1
    assert len(scene.dead_letters()) == 1


def test_a_slice_that_is_not_open_is_refused(scene: Scene) -> None:
    scene.put(a=line())
    scene.plan()
    end_slice(scene.state, SLICE)
    with pytest.raises(SliceRefused):
        scene.match()


def test_a_file_that_vanished_after_plan_fails_by_name(scene: Scene) -> None:
    scene.put(gone=line())
    scene.plan()
    scene.exports.delete("gone")
    with pytest.raises(ExportChanged, match="exports/gone vanished after it had been planned"):
        scene.match()


@pytest.mark.parametrize("now", [b"", line()[:-5] + b"xxxx\n"])
def test_a_file_that_changed_after_plan_fails_by_name(scene: Scene, now: bytes) -> None:
    scene.put(other=line())
    scene.plan()
    scene.put(other=now)
    os.utime(scene.exports.path / "other", (1, 1))
    with pytest.raises(ExportChanged, match="exports/other changed after it had been planned"):
        scene.match()


def test_of_a_file_that_grew_after_plan_the_planned_part_is_matched(scene: Scene) -> None:
    scene.put(a=line(id="e1"))
    scene.plan()
    scene.put(a=line(id="e1") + line(id="e2"))
    result = scene.match()
    assert [record.event_id for record in scene.staged(result)] == ["e1"]
    assert result.files[0].last_line == 1


def test_of_a_file_that_grew_since_it_was_sent_only_the_tail_is_matched_with_the_ids_of_the_whole(scene: Scene) -> None:
    scene.put(a=line() + b"broken\n" + line("other") + line() + b"broken too\n" + line() + line("other"))
    scene.plan()
    whole = scene.staged(scene.match())
    scene.staging.delete_tree(SLICE)
    scene.plan(skip_lines=3)
    result = scene.match()
    assert scene.staged(result) == [record for record in whole if record.line > 3]
    assert result.files[0] == FileResult(
        0, "a", lines=4, malformed=1, events=3, digest=result.files[0].digest, last_line=7, unmatched={"other": 1}
    )
    assert [letter.line for letter in scene.dead_letters()] == [5]


def test_a_guessed_encoding_is_told_by_file_and_so_are_sheets_that_nobody_reads(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    header = ["Event Code", "User ID", "Date"]
    rows = ",".join(header) + "\nn:ph,u-ışıl,2026-09-07\n"
    sheets = workbook([header, ["n:ph", "u-ayşe", "2026-09-07"]], More=[header, ["n:ph", "u-ali", "2026-09-07"]])
    files = {"a.csv": rows.encode("cp1254"), "b.csv": rows.encode("cp1254"), "c.csv": rows.encode(), "d.xlsx": sheets}
    scene.put(**files, **{"e.csv": b"Date\n", "f.ndjson": line(id="f")})
    scene.plan()
    with caplog.at_level("INFO"):
        result = scene.match()
    assert [record.key for record in scene.staged(result)] == ["u-ışıl", "u-ışıl", "u-ışıl", "u-ayşe", "u-ayşe"]
    turkish = "read as cp1254 (guessed: Turkish in Windows-1254); say encoding if it is another one"
    assert caplog.messages[:3] == [
        f"a.csv, b.csv: {turkish}",
        "c.csv: read as utf-8 (guessed: it is UTF-8); say encoding if it is another one",
        "d.xlsx: only sheet 'Sheet' is read, and 1 more hold rows: say which in sheet",
    ]


def test_nothing_of_a_file_is_staged_that_turns_out_to_be_damaged_at_its_end(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    many = b"".join(line(id=f"e{n}", params={"n": str(n) * 100}) for n in range(5000))
    cut = gzip.compress(b"broken\n" + many)[:-8]
    scene.put(**{"a.ndjson": line(id="a"), "b.ndjson.gz": cut, "c.ndjson": line(id="c"), "d.ndjson.gz": cut})
    scene.plan()
    result = scene.match()
    assert [record.event_id for record in scene.staged(result)] == ["a", "c"]
    assert [file.set_aside for file in result.files] == ["", "truncated gzip", "", "truncated gzip"]
    assert counts_of(result) == {
        "files": 4, "read": 2, "malformed": 0, "events": 2, "firings": 2, "staged": 2, "dead_letters": 0,
    }  # fmt: skip
    assert scene.dead_letters() == []
    assert "b.ndjson.gz is damaged as a whole" in caplog.text


def test_a_malformed_line_is_a_dead_letter_as_it_came(scene: Scene) -> None:
    scene.put(a=line() + b"broken\n" + b'{"x":"\xff"}\n' + b'{"timestamp": "soon"}\n')
    scene.plan()
    scene.match()
    text, bytes_, event = scene.dead_letters()
    assert msgspec.to_builtins(text) == {
        "reason": "MALFORMED", "message": "the line is not JSON", "file": "a", "line": 2, "event": "broken",
    }  # fmt: skip
    assert (bytes_.line, bytes_.event, bytes_.event_base64) == (3, None, "eyJ4Ijoi/yJ9")
    assert (event.line, event.event) == (4, {"timestamp": "soon"})


def test_a_malformed_row_of_csv_is_a_dead_letter_by_its_headings(scene: Scene) -> None:
    scene.put(**{"a.csv": "User ID,Date\nayşe,soon\nfatma\n".encode() + b"\xff,2026-09-07\n"})
    scene.plan()
    scene.match()
    soon, short, encoded = scene.dead_letters()
    assert (soon.line, soon.event) == (2, {"User ID": "ayşe", "Date": "soon"})
    assert (short.line, short.event) == (3, {"User ID": "fatma"})
    assert (encoded.line, encoded.event_base64 is not None) == (4, True)


def test_an_event_without_a_key_is_a_dead_letter_of_its_hook(scene: Scene) -> None:
    scene.put(a=line(userId=None, id="e1", extId="CRM-1"))
    scene.plan()
    result = scene.match()
    assert result.hooks[0] == HookResult(0, "purchases", firings=1, staged=0, dead={"MISSING_USER_ID": 1})
    (letter,) = scene.dead_letters()
    assert (letter.reason, letter.hook, letter.stream, letter.event_id, letter.line) == (
        Reason.MISSING_USER_ID, "purchases", "netmera-purchases", "e1", 1,
    )  # fmt: skip
    assert letter.message == "the event has no userId"


def test_a_hook_may_fall_back_to_other_ids(scene: Scene) -> None:
    hooks = parse_definitions(
        [{"name": "p", "trigger_type": "EVENT", "event_code": "n:ph", "stream_name": "s",
          "partition_key": ["userId", "extId"]}], "hooks",
    )  # fmt: skip
    scene.put(a=line(userId=None, extId="CRM-1"))
    scene.plan(hooks=hooks)
    assert [record.key for record in scene.staged(scene.match())] == ["CRM-1"]


def test_message_logs_fire_the_hook_for_them(scene: Scene) -> None:
    results = [
        row for n in range(3) for row in json.loads((SAMPLES / f"push_results/page-{n}.json").read_text())["list"]
    ]
    scene.put(**{"logs.ndjson": b"".join(json.dumps(row).encode() + b"\n" for row in results)})
    scene.plan(export_format=parse_export_format({"record_type": "MESSAGE_LOG"}))
    result = scene.match()
    assert (counts_of(result)["read"], counts_of(result)["staged"]) == (25, EXPECTED["push_results"]["delivered"])
    assert result.hooks[-1].dead == {"MISSING_USER_ID": EXPECTED["push_results"]["missing_user"]}
    assert len({record.event_id for record in scene.staged(result)}) == 20


def sized(size: int, key: str = "u-ayşe") -> bytes:
    """A line whose payload and key have ``size`` bytes together."""
    frame = line(userId=key, id="e1", params={"x": ""})
    empty = len(
        '{"hookName":"purchases","hookType":"KINESIS","triggerType":"EVENT","eventCode":"n:ph","userId":"","eventId":"e1",'
        '"eventData":{"timestamp":1788728400000,"params":{"x":""}},"identities":{"userId":""}}'
    )
    return frame.replace(b'{"x": ""}', b'{"x": "%s"}' % (b"x" * (size - empty - 3 * len(key.encode()))))


@pytest.mark.parametrize(("size", "staged"), [(1_048_576, 1), (1_048_577, 0)])
def test_a_record_may_have_as_many_bytes_as_its_stream_takes_the_key_included(
    scene: Scene, size: int, staged: int
) -> None:
    scene.put(a=sized(size))
    scene.plan()
    result = scene.match()
    assert result.hooks[0].staged == staged
    assert sum(len(r.payload) + len(r.key.encode()) for r in scene.staged(result)) == size * staged
    assert [letter.reason for letter in scene.dead_letters()] == [Reason.TOO_LARGE] * (1 - staged)


def test_kinesis_is_asked_for_a_streams_limit_once_and_only_if_a_record_may_need_it(scene: Scene) -> None:
    asked: list[str] = []

    def limit_of(hook: HookDefinition) -> int:
        asked.append(hook.stream)
        return 2_000_000

    scene.put(a=line() + sized(1_048_577) + sized(2_000_000) + sized(2_000_001), b=line("n:cl"))
    scene.plan()
    result = scene.match(limit_of=limit_of)
    assert (result.hooks[0].staged, result.hooks[0].dead) == (3, {"TOO_LARGE": 1})
    assert asked == ["netmera-purchases"]


def test_a_record_larger_than_the_batch_of_its_streams_hooks_is_a_dead_letter(scene: Scene) -> None:
    small = msgspec.structs.replace(HOOKS[0], batch=BatchLimits(500, 5_000))
    scene.put(a=sized(5_000) + sized(5_001))
    scene.plan(hooks=(small, *HOOKS[1:]))
    assert scene.match().hooks[0].dead == {"TOO_LARGE": 1}
    (letter,) = scene.dead_letters()
    assert letter.message == "payload and key have more than the 5000 bytes that batch.max_bytes allows"


def test_the_commonest_codes_that_no_hook_wants_are_told(scene: Scene) -> None:
    named = line(None, eventName="Open App")  # type: ignore[arg-type]
    scene.put(a=line("x") * 3 + line("y") * 2 + line("n:vp") + line() + named + line(None))  # type: ignore[arg-type]
    scene.plan()
    assert scene.match().files[0].unmatched == {"x": 3, "y": 2, "n:vp": 1, "Open App": 1}


def test_names_stand_for_codes_where_the_export_has_none(scene: Scene) -> None:
    scene.put(**{"a.csv": b"Event Name,User ID,Timestamp\nPurchase,u1,1788728400\nOther,u1,1788728400\n"})
    scene.plan(export_format=parse_export_format({"names_to_codes": {"Purchase": "n:ph"}}))
    (record,) = scene.staged(scene.match())
    assert json.loads(record.payload)["eventCode"] == "n:ph"


def test_one_line_of_counts_is_logged_and_nothing_of_the_events(scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    scene.put(a=line(params={"secret": "gizli"}) + b"gizli\n" + line(userId=None) + line("n:vp"))
    scene.plan()
    with caplog.at_level(logging.DEBUG):
        scene.match()
    (told,) = [record.getMessage() for record in caplog.records if record.name == "test"]
    assert told == (
        f"slice {SLICE}, group 0: files 1, read 4 = malformed 1 + events 3; firings 2 = staged 1 + dead letters 1; "
        "hooks: active 6, inactive 1"
    )
    assert "ayşe" not in caplog.text
    assert "gizli" not in caplog.text


@pytest.mark.parametrize("own_id", [None, "e1"])
def test_a_line_of_any_depth_of_nesting_ends_somewhere_and_the_file_goes_on(scene: Scene, own_id: str | None) -> None:
    depths = [*range(850, 1010, 3), 5000]
    deep = b"".join(line(id=own_id, params={"x": 0}).replace(b"0}", b"[" * n + b"]" * n + b"}") for n in depths)
    scene.put(a=deep + line())
    scene.plan()
    counts = counts_of(scene.match())
    assert counts["read"] == len(depths) + 1
    assert counts["staged"] == counts["events"] > 1
    (name,) = [info.name for info in scene.state.list("dead_letters")]
    assert len(scene.state.read(name).splitlines()) == counts["malformed"] > 0


RIGHT = FileResult(0, "a", lines=3, malformed=1, events=2, digest="")


@pytest.mark.parametrize(
    ("files", "hooks", "says"),
    [
        ([FileResult(0, "a", 3, 1, 1, "")], [], "a: read 3 is not malformed 1 \\+ events 1"),
        ([RIGHT], [HookResult(0, "h", 2, 1)], "staged 1, in its parts 0"),
        ([RIGHT], [HookResult(0, "h", 2, 0, {"TOO_LARGE": 1})], "hook h: firings 2 is not staged 0 \\+ dead letters 1"),
    ],
)
def test_counts_that_do_not_add_up_fail_the_task_and_say_which(
    files: list[FileResult], hooks: list[HookResult], says: str
) -> None:
    with pytest.raises(CountsDisagree, match=says):
        _check_counts(MatchResult(SLICE, 0, tuple(files), tuple(hooks), ()))


def test_the_part_of_another_try_does_not_count(scene: Scene) -> None:
    scene.put(a=line() + line("n:cl"))
    scene.plan()
    scene.staging.write(f"{SLICE}/parts/00000/netmera-carts/0000.part", b"from a try that was killed")
    assert {part.stream for part in scene.match().parts} == {"netmera-purchases", "netmera-activity"}
