from __future__ import annotations

import gzip
import json
import zipfile
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from workbooks import workbook

from airflow_netmera_kinesis.errors import ConfigurationError, ExportError
from airflow_netmera_kinesis.inspection.inspecting import Inspection, inspect
from airflow_netmera_kinesis.storage import LocalFolder

TURKISH = (
    "Müşteri No;Olay;Olay Tarihi;Şehir;Tutar;Detay;GSM;İndirim\r\n"
    'C1;Satın Alma;13.09.2026 21:30;İstanbul;12.50;"{""a"": 1}";905320000001;1,5\r\n'
    'C2;Giriş;14.09.2026 09:05;Muğla;;"{""a"": 2}";905320000002;2,5\r\n'
)


@pytest.fixture
def look(tmp_path: Path) -> Any:
    def inspected(data: bytes | str, name: str = "a.csv", rows: int = 1000, **said: Any) -> Inspection:
        (tmp_path / name).write_bytes(data if isinstance(data, bytes) else data.encode())
        folder = LocalFolder(tmp_path)
        return inspect(folder, folder.info(name), said or None, rows)

    return inspected


def targets(found: Inspection) -> dict[str, str]:
    return {column.heading: column.target for column in found.proposal.columns}


def events(found: Inspection) -> list[Any]:
    assert found.trial is not None
    return [json.loads(json.dumps(event, default=lambda raw: json.loads(bytes(raw)))) for event in found.trial.events]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1254", "utf-16"])
def test_an_unknown_file_becomes_a_working_map(look: Any, encoding: str) -> None:
    found = look(TURKISH.encode(encoding))
    document = found.proposal.document
    assert document == {
        "delimiter": ";",
        **({"encoding": "cp1254"} if encoding == "cp1254" else {}),
        "columns": {
            "Müşteri No": "extId", "Olay": "eventName", "Olay Tarihi": "timestamp", "Şehir": "profile.Şehir",
            "Detay": "params", "GSM": "msisdn",
        },
        "types": {"Tutar": "number"},
        "time_format": "%d.%m.%Y %H:%M",
        "time_zone": "Europe/Istanbul",
    }  # fmt: skip
    assert events(found)[0] == {
        "recordType": "EVENT", "eventName": "Satın Alma", "timestamp": 1_789_324_200_000,
        "params": {"a": 1, "Tutar": 12.5, "İndirim": "1,5"}, "profile": {"Şehir": "İstanbul"},
        "identities": {"extId": "C1", "msisdn": "905320000001"},
    }  # fmt: skip
    assert found.proposal.remarks == (
        "the times tell no zone: they are read as those of Europe/Istanbul",
        "events have names and no codes: let hooks say event_name, or fill names_to_codes",
        "there is no userId: let hooks say partition_key: [userId, extId]",
        "İndirim: numbers with a decimal comma stay text",
    )


def test_what_is_proposed_reads_the_same_when_it_is_said(look: Any) -> None:
    found = look(TURKISH.encode("cp1254"))
    again = look(TURKISH.encode("cp1254"), **yaml.safe_load(yaml.safe_dump(found.proposal.document)))
    assert (again.trial, again.proposal.document) == (found.trial, found.proposal.document)


def test_known_headings_need_nothing_said(look: Any) -> None:
    found = look("Event Code|User ID|Date|screen\nn:ph|u1|2026-09-07T10:00:00Z|Sepet\n")
    assert found.proposal.document == {"delimiter": "|"}
    assert [(column.why, column.type) for column in found.proposal.columns] == [
        ("known", "text"), ("known", "text"), ("known", "time"), ("parameter", "text"),
    ]  # fmt: skip
    assert found.proposal.remarks == ()


def test_cells_tell_what_headings_do_not(look: Any) -> None:
    found = look(
        'a,b,c,d,e\nx,n:ph,1788728400000,"{""k"": 1}",a@example.invalid\ny,n:cl,1788728400001,{},b@example.invalid\n'
    )
    assert targets(found) == {"a": "params.a", "b": "eventCode", "c": "timestamp", "d": "params", "e": "email"}


def test_a_heading_that_its_cells_belie_is_not_believed(look: Any) -> None:
    found = look(
        "Tarih,Zaman,Olay,Data,id,Ciro\n5,2026-09-07 10:00:00,n:ph,x,1,abc\n6,2026-09-07 10:00:00,n:ph,y,1,d\n"
    )
    assert targets(found) == {
        "Tarih": "params.Tarih", "Zaman": "timestamp", "Olay": "eventCode", "Data": "params.Data", "id": "id",
        "Ciro": "params.Ciro",
    }  # fmt: skip


def test_of_two_columns_for_one_field_the_better_known_one_is_it(look: Any) -> None:
    found = look("Üye,Kullanıcı ID,Date\n1,u1,2026-09-07\n")
    assert targets(found)["Kullanıcı ID"] == "userId"
    assert targets(found)["Üye"] == "params.Üye"


@pytest.mark.parametrize(
    ("cell", "kind"),
    [("5", "integer"), ("5.10", "number"), ("007", "text"), ("905321234567", "text"), ("true", "boolean"),
     ("[1]", "json"), ("x", "text"), ("1,5", "text")],
)  # fmt: skip
def test_a_parameter_has_the_type_of_its_cells(look: Any, cell: str, kind: str) -> None:
    found = look(f"Date|x\n2026-09-07|{cell}\n2026-09-07|\n")
    assert found.proposal.document.get("types", {}).get("x", "text") == kind
    assert found.trial is not None
    assert found.trial.malformed == 0


def test_a_workbook_is_inspected_like_a_csv(look: Any) -> None:
    rows: list[list[Any]] = [["Müşteri No", "Olay", "Tarih", "Tutar"], [42.0, "n:ph", datetime(2026, 9, 7, 9, 30), 1.5]]
    found = look(workbook(rows, More=rows), "a.xlsx")
    assert (found.sample.found.format, found.sample.found.sheet) == ("xlsx", "Sheet")
    assert found.proposal.document == {
        "columns": {"Müşteri No": "extId", "Olay": "eventCode", "Tarih": "timestamp"},
        "types": {"Tutar": "number"},
        "time_zone": "Europe/Istanbul",
    }
    assert events(found)[0]["timestamp"] == 1_788_762_600_000
    assert found.trial is not None
    assert found.trial.warnings == ("only sheet 'Sheet' is read, and 1 more hold rows: say which in sheet",)


def test_lines_of_json_say_all_by_themselves(look: Any) -> None:
    found = look(gzip.compress(b'{"code":"n:ph","uid":"u1","ts":1788728400000,"screen":"Sepet"}\n'), "a.ndjson.gz")
    assert found.sample.packing == "gzip"
    assert targets(found) == {"code": "eventCode", "uid": "userId", "ts": "timestamp", "screen": "params.screen"}
    assert found.proposal.document == {}


def test_message_logs_are_known_by_what_they_say(look: Any) -> None:
    found = look('{"status":"SUCCESS","platform":"IOS","extId":"x","timeStamp":1557819194426}\n', "a.ndjson")
    assert found.proposal.document == {"record_type": "MESSAGE_LOG"}
    assert events(found)[0]["recordType"] == "MESSAGE_LOG"


def test_of_an_archive_the_first_file_is_inspected(look: Any, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "made", "w") as archive:
        archive.writestr("b.csv", "Date\n2026-09-07\n")
        archive.writestr("a.csv", "User ID,Date,Event Code\nu1,2026-09-07,n:ph\n")
    found = look((tmp_path / "made").read_bytes(), "a.zip")
    assert (found.sample.packing, found.sample.member) == ("zip", "a.csv")
    assert next(iter(found.sample.columns)) == "User ID"
    assert found.proposal.remarks[-1] == "the archive holds 2 files; this is the first, and the others may differ"


def test_a_format_that_was_said_is_tried_and_what_it_leaves_open_is_proposed(look: Any) -> None:
    found = look(
        "who,Tarih,x\nu1,2026-09-07,5\n",
        columns={"who": "userId", "Tarih": "timestamp"},
        constants={"eventCode": "n:ph"},
    )
    (event,) = events(found)
    assert (event["eventCode"], event["userId"], event["params"]) == ("n:ph", "u1", {"x": "5"})
    assert found.proposal.document == {
        "columns": {"who": "userId", "Tarih": "timestamp"},
        "constants": {"eventCode": "n:ph"},
        "delimiter": ",",
        "types": {"x": "integer"},
        "time_zone": "Europe/Istanbul",
    }


def test_a_format_that_does_not_fit_is_told_and_another_one_proposed(look: Any) -> None:
    found = look("who,Tarih\nu1,2026-09-07\n", columns={"nobody": "userId"})
    assert found.trial is None
    assert found.why_not == "its header has no column 'nobody'; it has 'who', 'Tarih'"
    assert found.proposal.document["columns"] == {"nobody": "userId", "Tarih": "timestamp"}
    with pytest.raises(ConfigurationError, match="unknown key 'colums'"):
        look("who,Tarih\nu1,2026-09-07\n", colums={})


def test_a_file_without_headings_is_told_as_such(look: Any) -> None:
    remark = "the first row looks like values, not like headings: such a file needs a row of headings above it"
    rows = 'C1;Satın Alma;13.09.2026 21:30;"{""a"": 1}"\nC2;Giriş;14.09.2026 09:05;"{""a"": 2}"\n'
    assert remark in look(rows).proposal.remarks
    assert remark not in look(TURKISH).proposal.remarks
    assert remark not in look('{"2026-09-13": 1, "ts": 1788728400527}\n', "a.ndjson").proposal.remarks


def test_a_table_that_is_called_ndjson_is_told_from_an_empty_file(look: Any) -> None:
    with pytest.raises(ExportError, match=r"none of its 3 lines is NDJSON, line 1: .*say format: csv in export_format"):
        look(TURKISH, "a.ndjson")
    assert look(TURKISH, "a.ndjson", format="csv").sample.rows == 2
    with pytest.raises(ExportError, match="holds no row"):
        look("", "a.ndjson")


def test_faults_and_codes_are_counted_in_the_sample(look: Any) -> None:
    text = (
        "Date,User ID,Event Code,Event Name\n"
        + "2026-09-07,u,n:ph,\n" * 3
        + "2026-09-07,u,,Login\nnever,u,n:ph,\nx\nnever,u,,\n"
    )
    found = look(text)
    trial = found.trial
    assert trial is not None
    assert (trial.rows, trial.malformed, trial.is_whole_file, trial.codes) == (7, 3, True, {"n:ph": 3, "Login": 1})
    assert [(fault.message, fault.count, fault.line) for fault in trial.faults] == [
        ("timestamp is not a time in any form that is accepted", 2, 6), ("the row has 1 cells, the header 4", 1, 7),
    ]  # fmt: skip


def test_no_more_is_read_of_a_large_file_than_was_asked(look: Any) -> None:
    found = look("Date,User ID\n" + "2026-09-07,u1\n" * 50_000, rows=10)
    assert found.sample.rows == 10
    assert found.trial is not None
    assert (found.trial.is_whole_file, found.trial.rows < 10_000) == (False, True)


def test_without_a_time_it_is_said_what_is_missing(look: Any) -> None:
    found = look("a,b\nx,y\n")
    assert found.why_not.startswith("its header has no column for the timestamp (map one in columns)")
    assert found.proposal.remarks[0] == "no column is surely the time: map one, as in columns: {Date: timestamp}"


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "holds no row"),
        (b"Date,User ID\n", "holds no row"),
        (bytes(range(256)) * 9, "is not text"),
        (b"%PDF-1.7", "is a PDF"),
    ],
)
def test_what_cannot_be_inspected_is_told(look: Any, data: bytes, why: str) -> None:
    with pytest.raises(ExportError, match=rf"^a\.csv: {why}"):
        look(data)
