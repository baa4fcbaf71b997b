from __future__ import annotations

from typing import Any

import msgspec
import pytest

from airflow_netmera_kinesis.errors import SliceRefused
from airflow_netmera_kinesis.exports.export_format import ExportFormat
from airflow_netmera_kinesis.netmera.definition_parsing import parse_definitions
from airflow_netmera_kinesis.state.slice import (
    ExportFile,
    Slice,
    Target,
    Terms,
    delete_slice,
    load_slice,
    save_slice,
    slice_id,
    state_key,
)
from airflow_netmera_kinesis.storage import Folder

HOOKS = parse_definitions(
    [{"name": "purchases", "trigger_type": "EVENT", "event_code": "n:ph", "stream_name": "purchases"}], "hooks"
)
TERMS = Terms(HOOKS, ExportFormat(), 1, "file", Target("eu-central-1"))
FILES = (ExportFile("a.ndjson", 5, 1), ExportFile("b.ndjson", 6, 2))


def an_id(**changed: Any) -> str:
    known = {"key": "k", "files": FILES, "terms": TERMS, "predecessor": "p", "history": "", "date": "20260906"}
    return slice_id(**{**known, **changed})


def test_the_same_plan_is_the_same_slice() -> None:
    assert an_id() == an_id()
    assert an_id().startswith("20260906-")
    assert len(an_id()) == 29


@pytest.mark.parametrize(
    "changed",
    [
        {"key": "other"},
        {"predecessor": "q"},
        {"history": "h"},
        {"files": FILES[:1]},
        {"files": FILES[::-1]},
        {"files": (msgspec.structs.replace(FILES[0], size=6), FILES[1])},
        {"files": (msgspec.structs.replace(FILES[0], modified_ms=2), FILES[1])},
        {"files": (msgspec.structs.replace(FILES[0], etag="e"), FILES[1])},
        {"files": (msgspec.structs.replace(FILES[0], skip_lines=1), FILES[1])},
        {"terms": msgspec.structs.replace(TERMS, partitions=2)},
        {"terms": msgspec.structs.replace(TERMS, order="timestamp")},
        {"terms": msgspec.structs.replace(TERMS, target=Target("eu-west-1"))},
        {"terms": msgspec.structs.replace(TERMS, target=Target("eu-central-1", "http://127.0.0.1:4567"))},
        {"terms": msgspec.structs.replace(TERMS, export_format=ExportFormat(time_zone="UTC"))},
        {"terms": msgspec.structs.replace(TERMS, hooks=(msgspec.structs.replace(HOOKS[0], event_code="n:cl"),))},
    ],
)
def test_whatever_decides_what_is_sent_makes_another_slice(changed: dict[str, Any]) -> None:
    assert an_id(**changed) != an_id()


def test_a_slice_is_read_as_it_was_frozen(folder: Folder) -> None:
    frozen = Slice(
        "20260906-abc",
        "s3://b/exports",
        (*FILES, ExportFile("c", 1, 2, "e", 3, again=True)),
        ((0, 1), (2,)),
        HOOKS,
        ExportFormat(columns={"Date": "timestamp"}, delimiter="|"),
        4,
        "timestamp",
        Target("eu-central-1", "http://127.0.0.1:4567"),
        "20260905-xyz",
        1_788_000_000_000,
        "2026-09-01T00:00:00",
        (FILES[0],),
        ("gone",),
    )
    save_slice(folder, frozen)
    assert load_slice(folder, frozen.id) == frozen
    delete_slice(folder, frozen.id)
    with pytest.raises(SliceRefused, match=r"slice 20260906-abc is not in the state folder .* Start a new run"):
        load_slice(folder, frozen.id)


def test_the_state_of_each_dag_and_place_of_exports_is_apart() -> None:
    keys = {
        state_key("dag", "/exports"),
        state_key("dag2", "/exports"),
        state_key("dag", "/exports2"),
        state_key("dag", "s3://bucket/exports"),
        state_key("dag", "s3://bucket2/exports"),
        state_key("dag", "s3://bucket/exports/*.csv"),
    }
    assert len(keys) == 6


def test_a_slash_at_the_end_or_another_connection_is_the_same_place() -> None:
    assert state_key("dag", "/exports/") == state_key("dag", "/exports")
    assert state_key("dag", "s3://a@bucket/exports") == state_key("dag", "s3://bucket/exports/")
    # Each login sees a root of its own, so on a server of files it is the connection that makes the place.
    assert state_key("dag", "sftp://a@/exports") == state_key("dag", "sftp://a@host/exports/")
    assert state_key("dag", "sftp://a@host/exports") != state_key("dag", "sftp://b@host/exports")
    assert state_key("dag", "file:///exports/") == state_key("dag", "/exports")


def test_a_key_is_a_safe_name_that_a_person_recognises() -> None:
    assert state_key("netmera events/İ", "/x").startswith("netmera_events__-")
