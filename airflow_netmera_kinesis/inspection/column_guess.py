"""Decide which field each column of a sample may be: by what was said, what is known, its heading, then its cells."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from airflow_netmera_kinesis.exports.export_format import ExportFormat
from airflow_netmera_kinesis.inspection.cell_guess import (
    are_emails,
    are_objects,
    are_phone_numbers,
    are_unique,
    have_codes,
    type_of,
)
from airflow_netmera_kinesis.inspection.heading_guess import FIELD_OF_PLAIN, OBJECT_OF_PLAIN, member_of, plain
from airflow_netmera_kinesis.inspection.sample import Sample
from airflow_netmera_kinesis.inspection.time_guess import guess_times
from airflow_netmera_kinesis.netmera.assembling import RECORD_TYPES
from airflow_netmera_kinesis.netmera.field_name import FIELD_OF, FIELD_OF_HEADING

SAID, KNOWN, PROPOSED, PARAMETER = "said", "known", "proposed", "parameter"
_RANK = {word: rank for rank, word in enumerate(FIELD_OF_PLAIN)}

Target = tuple[str, str]  # what it is read as, and why


def targets_of_columns(sample: Sample, export_format: ExportFormat) -> dict[str, Target]:
    """Return what each column of a table may be, in their order."""
    targets = _ColumnGuess(sample, export_format).targets
    return {heading: targets[heading] for heading in sample.columns}


def targets_of_lines(sample: Sample) -> dict[str, Target]:
    """Return what the names in lines of JSON are read as: nothing of that can be said otherwise."""
    return {
        name: (FIELD_OF[name], KNOWN) if name in FIELD_OF else (f"params.{name}", PARAMETER) for name in sample.columns
    }


class _ColumnGuess:
    """Fills ``targets`` column by column; a field is taken by the first column that fits it best."""

    def __init__(self, sample: Sample, export_format: ExportFormat) -> None:
        self._sample = sample
        self.targets: dict[str, Target] = {}
        for heading in sample.columns:
            if heading in export_format.columns:
                self.targets[heading] = export_format.columns[heading], SAID
            elif heading in FIELD_OF_HEADING:
                self.targets[heading] = FIELD_OF_HEADING[heading], KNOWN
        self._taken = {target for target, _ in self.targets.values()} | set(export_format.constants)
        self._by_heading()
        self._by_cells()
        for heading in sample.columns:
            self.targets.setdefault(heading, (f"params.{heading}", PARAMETER))

    def _by_heading(self) -> None:
        for heading in sorted(self._open(), key=lambda heading: _RANK.get(plain(heading), len(_RANK))):
            cells, word = self._sample.columns[heading], plain(heading)
            field = FIELD_OF_PLAIN.get(word, "")
            if field == "eventName" and have_codes(cells):
                field = "eventCode"
            if field and self._fits(field, cells):
                self._take(heading, field)
            elif word in OBJECT_OF_PLAIN and are_objects(cells):
                self._take(heading, OBJECT_OF_PLAIN[word])
            elif member := member_of(heading):
                self._take(heading, member)

    def _fits(self, field: str, cells: Sequence[str]) -> bool:
        """Tell whether the cells do not belie a heading."""
        if field == "timestamp":
            return guess_times(cells) is not None
        if field == "id":
            return are_unique(cells, self._sample.rows)
        if field == "revenue":
            return type_of(cells) in ("integer", "number")
        if field == "recordType":
            return set(cells) <= set(RECORD_TYPES)
        return True

    def _by_cells(self) -> None:
        tests: Mapping[str, Callable[[Sequence[str]], bool]] = {
            "eventCode": have_codes,
            "timestamp": lambda cells: bool(cells) and guess_times(cells) is not None,
            "params": are_objects,
            "email": are_emails,
            "msisdn": are_phone_numbers,
        }
        for field, fits in tests.items():
            fitting = [heading for heading in self._open() if fits(self._sample.columns[heading])]
            if fitting:
                self._take(fitting[0], field)

    def _open(self) -> list[str]:
        return [heading for heading in self._sample.columns if heading and heading not in self.targets]

    def _take(self, heading: str, target: str) -> None:
        if target not in self._taken:
            self._taken.add(target)
            self.targets[heading] = target, PROPOSED
