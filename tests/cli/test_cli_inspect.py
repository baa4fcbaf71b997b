from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from airflow_netmera_kinesis.cli import main
from airflow_netmera_kinesis.exports.format_parsing import load_export_format

CSV = (
    "Müşteri No;Olay;Tarih;Şehir;Tutar\n"
    "C1;Satın Alma;13.09.2026 21:30;İstanbul;12.50\nC2;Giriş;14.09.2026 09:05;Muğla;3\nC3\n"
)
TEXT = """\
export.csv: CSV, 117 bytes
  encoding   cp1254 (guessed: Turkish in Windows-1254)
  delimiter  ;

column      for example       read as        type    why
Müşteri No  C1                extId          text    a guess
Olay        Satın Alma        eventName      text    a guess
Tarih       13.09.2026 21:30  timestamp      time    a guess
Şehir       İstanbul          profile.Şehir  text    a guess
Tutar       12.50             params.Tutar   number  parameter

Read all 3 rows = malformed 1 + events 2
  1 malformed, from line 4: the row has 1 cells, the header 5

Events by code, or by name where there is none:
         1  Satın Alma
         1  Giriş

Event 1: {"recordType": "EVENT", "eventName": "Satın Alma", "timestamp": 1789324200000, \
"params": {"Tutar": 12.50}, "profile": {"Şehir": "İstanbul"}, "identities": {"extId": "C1"}}

Event 2: {"recordType": "EVENT", "eventName": "Giriş", "timestamp": 1789365900000, \
"params": {"Tutar": 3}, "profile": {"Şehir": "Muğla"}, "identities": {"extId": "C2"}}

To know:
- the times tell no zone: they are read as those of Europe/Istanbul
- events have names and no codes: let hooks say event_name, or fill names_to_codes
- there is no userId: let hooks say partition_key: [userId, extId]

The export format:

delimiter: ;
encoding: cp1254
columns:
  Müşteri No: extId
  Olay: eventName
  Tarih: timestamp
  Şehir: profile.Şehir
types:
  Tutar: number
time_format: '%d.%m.%Y %H:%M'
time_zone: Europe/Istanbul
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("export.csv").write_bytes(CSV.encode("cp1254"))
    return tmp_path


def call(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["inspect", *arguments])


def test_all_is_told_that_a_user_must_know(folder: Path) -> None:
    result = call("export.csv")
    assert "\n".join(map(str.rstrip, result.stdout.splitlines())) + "\n" == TEXT
    assert result.exit_code == 0
    assert call(str(folder / "export.csv")).stdout == call(f"file://{folder}/export.csv").stdout == result.stdout


def test_the_export_format_can_be_written_and_tried(folder: Path) -> None:
    assert call("export.csv", "--write", "export_format.yaml").exit_code == 0
    written = (folder / "export_format.yaml").read_bytes()
    assert TEXT.endswith(written.decode())
    assert load_export_format(written, "export_format.yaml").columns["Olay"] == "eventName"
    told: Any = json.loads(call("export.csv", "--export-format", "export_format.yaml", "--json").stdout)
    assert told["trial"]["malformed"] == 1
    assert told["trial"]["codes"] == {"Satın Alma": 1, "Giriş": 1}
    again = call("export.csv", "--write", "export_format.yaml")
    assert again.exit_code == 2
    assert "export_format.yaml', which is there already" in again.stderr


def test_json_holds_the_same(folder: Path) -> None:
    told: Any = json.loads(call("export.csv", "--json").stdout)
    assert (told["format"], told["delimiter"], told["encoding"]["name"]) == ("csv", ";", "cp1254")
    assert told["columns"][3] == {
        "heading": "Şehir", "target": "profile.Şehir", "why": "proposed", "type": "text", "example": "İstanbul",
    }  # fmt: skip
    assert told["export_format"]["time_format"] == "%d.%m.%Y %H:%M"
    assert told["trial"]["events"][1]["identities"] == {"extId": "C2"}
    assert len(told["remarks"]) == 3


@pytest.mark.parametrize(
    ("arguments", "status", "told"),
    [
        (["missing.csv"], 2, "there is no file 'missing.csv'"),
        (["."], 2, "'.' is a folder, or several files: name one file, such as bad.csv"),
        (["empty.csv"], 1, "empty.csv: holds no row: there is nothing to inspect"),
        (["image.csv"], 1, "image.csv: is not text"),
        (["export.csv", "--export-format", "none.yaml"], 2, "none.yaml': there is no such file"),
        (["export.csv", "--export-format", "bad.yaml"], 2, "delimiter is 'x'; allowed: auto or one of"),
        (["export.csv", "--lines", "0"], 2, "0 is not in the range x>=1"),
        ([], 2, "Missing argument 'FILE'"),
    ],
)
def test_what_cannot_be_inspected_is_told(folder: Path, arguments: list[str], status: int, told: str) -> None:
    (folder / "empty.csv").touch()
    (folder / "image.csv").write_bytes(bytes(range(256)) * 5)
    (folder / "bad.csv").touch()
    (folder / "bad.yaml").write_text("delimiter: x\n")
    result = call(*arguments)
    assert (result.exit_code, result.stdout) == (status, "")
    assert told in result.stderr


def test_a_file_of_which_no_row_can_be_read_fails(folder: Path) -> None:
    (folder / "bad.csv").write_text("Date,User ID\nnever,u1\n")
    assert call("bad.csv").exit_code == 1
    (folder / "bad.csv").write_text("a,b\nx,y\n")
    result = call("bad.csv")
    assert result.exit_code == 1
    assert "It cannot be read: its header has no column for the timestamp (map one in columns)" in result.stdout


def test_its_help_has_an_example_and_fits_a_terminal() -> None:
    result = CliRunner().invoke(main, ["inspect", "--help"])
    assert "netmera-kinesis inspect events.csv --write export_format.yaml" in result.stdout
    assert max(map(len, result.stdout.splitlines())) <= 80
