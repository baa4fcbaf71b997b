from __future__ import annotations

from typing import Any

import msgspec
import pytest

from airflow_netmera_kinesis.errors import ConfigurationError
from airflow_netmera_kinesis.exports.export_format import DELIMITERS, ExportFormat
from airflow_netmera_kinesis.exports.format_parsing import load_export_format, parse_export_format
from airflow_netmera_kinesis.netmera.hook_definition import TriggerType

WIDE = {
    "format": "csv",
    "delimiter": "¦",
    "columns": {"External ID": "extId", "city": "profile.city", "screen": "params.screen", "internal": "ignore"},
    "types": {"duration": "number"},
    "constants": {"appKey": "demoapp", "eventCode": "n:ph"},
    "names_to_codes": {"Purchase": "n:ph"},
    "time_format": "%d.%m.%Y %H:%M:%S",
    "time_zone": "UTC",
    "encoding": "cp1254",
    "sheet": "Olaylar",
    "files": [{"glob": "*_PUSH_*.xlsx", "format": "xlsx", "types": {"age": "integer"}}],
    "record_type": "MESSAGE_LOG",
}


def fault(**fields: Any) -> str:
    with pytest.raises(ConfigurationError) as error:
        parse_export_format(fields, "format.yaml")
    return str(error.value)


@pytest.mark.parametrize("nothing", [None, {}])
def test_nothing_said_is_the_default(nothing: Any) -> None:
    assert parse_export_format(nothing) == ExportFormat(
        format="auto", encoding="auto", delimiter="auto", time_zone="Europe/Istanbul", record_type=TriggerType.EVENT
    )


def test_all_that_may_be_said_is_kept_and_survives_json() -> None:
    parsed = parse_export_format(WIDE)
    assert (parsed.delimiter, parsed.columns["city"], parsed.constants) == ("¦", "profile.city", WIDE["constants"])
    assert msgspec.json.decode(msgspec.json.encode(parsed), type=ExportFormat) == parsed


def test_it_may_be_a_yaml_file() -> None:
    data = 'delimiter: "|"\ncolumns:\n  Müşteri: userId\n'
    assert load_export_format(data.encode(), "format.yaml") == ExportFormat(
        delimiter="|", columns={"Müşteri": "userId"}
    )


@pytest.mark.parametrize("delimiter", DELIMITERS)
def test_netmeras_six_delimiters_are_allowed(delimiter: str) -> None:
    assert parse_export_format({"delimiter": delimiter}).delimiter == delimiter


@pytest.mark.parametrize("delimiter", ["\t", ":", "", ",,", None, 5])
def test_no_other_delimiter_is(delimiter: Any) -> None:
    assert "delimiter is " in fault(delimiter=delimiter)


def test_all_faults_are_told_at_once() -> None:
    told = fault(format="xls", delimeter=",", encoding="base64", time_zone="Mars/Base", time_format="%H:%M")
    assert told.startswith(
        "5 fault(s) in the export format:\n  - format.yaml: unknown key 'delimeter'; allowed: format,"
    )
    for part in (
        "format is 'xls'; allowed: auto, ndjson, csv, xlsx", "encoding is 'base64'",
        "time_zone is 'Mars/Base'", "time_format is '%H:%M'",
    ):  # fmt: skip
        assert part in told


@pytest.mark.parametrize("target", ["user", "params.", "events.x", "", 5, None])
def test_a_column_is_mapped_to_a_field_or_a_member(target: Any) -> None:
    assert f"columns maps 'a' to {target!r}; allowed: recordType, id, appKey" in fault(columns={"a": target})


def test_two_columns_cannot_be_one_field_but_several_may_be_ignored() -> None:
    assert "columns maps both 'a' and 'b' to userId" in fault(columns={"a": "userId", "b": "userId"})
    assert len(parse_export_format({"columns": {"a": "ignore", "b": "ignore"}}).columns) == 2


def test_types_constants_and_codes_are_checked() -> None:
    assert "types gives 'a' the type 'float'; allowed: text, number, integer, boolean, json" in fault(
        types={"a": "float"}
    )
    assert "constants gives a value to 'params'" in fault(constants={"params": 1})
    assert "constants gives userId the value True" in fault(constants={"userId": True})
    assert "names_to_codes maps 'a' to 5" in fault(names_to_codes={"a": 5})
    assert "names_to_codes maps True to 'x'" in fault(names_to_codes={True: "x"})


@pytest.mark.parametrize("document", [[], "csv", 5])
def test_anything_but_a_mapping_is_refused(document: Any) -> None:
    with pytest.raises(ConfigurationError, match="allowed: a mapping"):
        parse_export_format(document)


PER_CODE = {
    "constants": {"appKey": "demoapp"},
    "columns": {"Tarih": "timestamp"},
    "files": [
        {"glob": "*_PURCHASE_*", "constants": {"eventCode": "n:ph"}, "columns": {"Tutar": "revenue"}},
        {"glob": "old/**", "constants": {"eventCode": "n:cl", "appKey": "old"}, "time_zone": "UTC", "delimiter": "|"},
        {"glob": "*.csv", "constants": {"eventCode": "n:cv"}},
    ],
}


@pytest.mark.parametrize(
    ("name", "constants", "columns"),
    [
        ("a_PURCHASE_1.csv", {"appKey": "demoapp", "eventCode": "n:ph"}, {"Tarih": "timestamp", "Tutar": "revenue"}),
        ("2026/a_PURCHASE_", {"appKey": "demoapp", "eventCode": "n:ph"}, {"Tarih": "timestamp", "Tutar": "revenue"}),
        ("old/2025/a.csv", {"appKey": "old", "eventCode": "n:cl"}, {"Tarih": "timestamp"}),
        ("new/a.csv", {"appKey": "demoapp", "eventCode": "n:cv"}, {"Tarih": "timestamp"}),
        ("a.xlsx", {"appKey": "demoapp"}, {"Tarih": "timestamp"}),
    ],
)  # fmt: skip
def test_some_files_may_differ_and_the_first_glob_that_fits_counts(name: str, constants: Any, columns: Any) -> None:
    found = parse_export_format(PER_CODE).of_file(name)
    assert (found.constants, found.columns) == (constants, columns)
    assert (found.time_zone, found.delimiter) == (
        ("UTC", "|") if name.startswith("old") else ("Europe/Istanbul", "auto")
    )


def test_the_faults_of_some_files_are_told_with_all_others_and_those_of_all_files_once() -> None:
    told = fault(
        delimiter="x",
        files=[{"glob": "a*", "constants": {"recordType": "PUSH"}}, {"names_to_codes": {}, "sheet": 1}, "b*"],
    )
    assert told == (
        "6 fault(s) in the export format:\n"
        "  - format.yaml: delimiter is 'x'; allowed: auto or one of , | ~ ¦ ^ ;\n"
        "  - format.yaml: files, entry 1: constants gives recordType the value 'PUSH'; allowed: EVENT, MESSAGE_LOG\n"
        "  - format.yaml: files, entry 2: unknown key 'names_to_codes'; allowed: glob, format, record_type, encoding, "
        "delimiter, sheet, columns, types, constants, time_format, time_zone\n"
        "  - format.yaml: files, entry 2: glob is missing; allowed: a file's name, or a pattern such as *_PURCHASE_*\n"
        '  - format.yaml: files, entry 2: sheet is 1, a number; allowed: text (in YAML put it in quotes: sheet: "…")\n'
        "  - format.yaml: files, entry 3 is 'b*'; allowed: a mapping"
    )
    assert "files is 5; allowed: a list of mappings" in fault(files=5)


def test_a_constant_time_must_be_one() -> None:
    assert "constants gives timestamp the value 'soon'; allowed: a time" in fault(constants={"timestamp": "soon"})
    said = {"constants": {"timestamp": "06.09.2026"}, "time_format": "%d.%m.%Y"}
    assert parse_export_format(said).constants == {"timestamp": "06.09.2026"}
