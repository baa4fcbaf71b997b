"""What inspect proposes for a sample, fed back as it is written, reads all of it."""

from __future__ import annotations

import csv
import io
import zipfile
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from sample_exports import EXPECTED, SAMPLES, SampleDeployment, arrivals, by_hook
from workbooks import workbook

from airflow_netmera_kinesis.cli import main
from airflow_netmera_kinesis.exports.format_parsing import load_export_format

CSVS = sorted((SAMPLES / "csv").iterdir())
COMMA, PIPE = (SAMPLES / "csv" / f"demoapp_EVENT_DATA_{name}.csv" for name in ("comma_json", "pipe_wide"))
# The same columns, as somebody in Turkey may have called them.
RENAMED = {
    "External ID": "Müşteri No", "User ID": "Kullanıcı", "Event Code": "Olay Kodu", "Date": "Olay Tarihi",
    "city": "Şehir", "age": "Yaş", "duration": "Süre", "es": "Tutar", "screen": "Ekran", "currency": "Para Birimi",
}  # fmt: skip


def rows_of(path: Path, delimiter: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(path.read_text(encoding="utf-8"), newline=""), delimiter=delimiter))


def inspected(deployment: SampleDeployment, tmp_path: Path, name: str, data: bytes) -> Any:
    """Inspect a file, and read it by what was proposed."""
    file, proposed = tmp_path / name, tmp_path / "export_format.yaml"
    file.write_bytes(data)
    result = CliRunner().invoke(main, ["inspect", str(file), "--write", str(proposed)])
    assert result.exit_code == 0, result.output
    deployment.exports.write(name, data)
    return deployment.counted(export_format=load_export_format(proposed.read_bytes(), "export_format.yaml"))


def require_all(deployment: SampleDeployment, counts: Any) -> None:
    assert (counts["read"], counts["malformed"]) == (EXPECTED["csv"]["read"], 0)
    assert by_hook(arrivals(deployment.kinesis)) == EXPECTED["csv"]["hooks"]


@pytest.mark.parametrize("path", CSVS, ids=lambda path: path.stem)
def test_each_sample_csv_is_read_as_inspect_proposes(deployment: SampleDeployment, tmp_path: Path, path: Path) -> None:
    require_all(deployment, inspected(deployment, tmp_path, path.name, path.read_bytes()))
    if "wide" in path.name:
        params = [each.payload["eventData"].get("params", {}) for each in arrivals(deployment.kinesis)]
        assert {type(each["es"]) for each in params if "es" in each} == {float}
        assert all(isinstance(each.payload["userAttributes"]["age"], int) for each in arrivals(deployment.kinesis))


@pytest.mark.parametrize(("path", "delimiter"), [(COMMA, ","), (PIPE, "|")], ids=["json", "wide"])
def test_the_same_tables_as_workbooks_are(
    deployment: SampleDeployment, tmp_path: Path, path: Path, delimiter: str
) -> None:
    header, *rows = rows_of(path, delimiter)
    when = header.index("Date") if "Date" in header else None
    for row in rows:
        if when is not None:
            row[when] = datetime.fromisoformat(row[when])  # type: ignore[call-overload]
    require_all(deployment, inspected(deployment, tmp_path, "sample.xlsx", workbook([header, *rows])))


@pytest.mark.parametrize("packed", ["export", "export.zip"])
def test_a_table_of_somebody_in_turkey_is(deployment: SampleDeployment, tmp_path: Path, packed: str) -> None:
    header, *rows = rows_of(PIPE, "|")
    when = header.index("Date")
    for row in rows:
        row[when] = f"{datetime.fromisoformat(row[when]):%d.%m.%Y %H:%M:%S}"
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=";").writerows([[RENAMED[heading] for heading in header], *rows])
    data = text.getvalue().encode("cp1254")
    if packed.endswith(".zip"):
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w") as archive:
            archive.writestr("Dışa Aktarım.csv", data)
        data = file.getvalue()
    require_all(deployment, inspected(deployment, tmp_path, packed, data))
    found = arrivals(deployment.kinesis)
    assert {each.payload["userAttributes"]["Şehir"] for each in found} >= {"Muğla", "İzmir"}
    assert any("Tutar" in each.payload["eventData"].get("params", {}) for each in found)
