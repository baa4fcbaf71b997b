from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from full_disk import FullDisk

from airflow_netmera_kinesis.errors import StagingError
from airflow_netmera_kinesis.record import StagedRecord
from airflow_netmera_kinesis.state.staging import BLOCK_BYTES, PartRef, PartWriter, check_part, read_part
from airflow_netmera_kinesis.storage import Folder, LocalFolder


def purchase(line: int, payload: bytes = b'{"eventCode":"n:ph"}') -> StagedRecord:
    return StagedRecord(0, line, 0, "ayse", payload, f"event-{line}", 1_788_000_000_000 + line)


def stage(folder: Folder, records: list[StagedRecord]) -> PartRef:
    with PartWriter(folder, "slice", "purchases", partition=3, group=1) as part:
        for record in records:
            part.write(record)
    return part.ref()


def damage(folder: Folder, ref: PartRef, change: Callable[[bytes], bytes]) -> None:
    folder.write(ref.name, change(folder.read(ref.name)))


def test_what_was_staged_is_read_in_its_order(folder: Folder) -> None:
    records = [purchase(line, b"x" * 1_000) for line in range(1, 2_001)]
    ref = stage(folder, records)
    assert list(read_part(folder, ref)) == records
    assert (ref.stream, ref.partition, ref.group, ref.records) == ("purchases", 3, 1, 2_000)
    assert ref.size == folder.info(ref.name).size > BLOCK_BYTES


def test_a_part_without_records_is_whole_too(folder: Folder) -> None:
    assert list(read_part(folder, stage(folder, []))) == []


def test_a_record_larger_than_a_block_is_staged(folder: Folder) -> None:
    records = [purchase(1, b"x" * (BLOCK_BYTES * 2)), purchase(2)]
    assert list(read_part(folder, stage(folder, records))) == records


def test_a_part_appears_only_when_it_is_whole(folder: Folder) -> None:
    with PartWriter(folder, "slice", "purchases", 0, 0) as part:
        for line in range(2_000):
            part.write(purchase(line, b"x" * 1_000))
        assert list(folder.list()) == []
    assert [info.name for info in folder.list()] == [part.name]


def test_a_part_whose_writer_fails_never_appears(folder: Folder) -> None:
    def fail() -> None:
        with PartWriter(folder, "slice", "purchases", 0, 0) as part:
            part.write(purchase(1))
            raise KeyError("stop")

    with pytest.raises(KeyError):
        fail()
    assert list(folder.list()) == []


def test_a_missing_part_says_that_staging_must_be_shared(folder: Folder) -> None:
    ref = stage(folder, [purchase(1)])
    folder.delete(ref.name)
    with pytest.raises(
        StagingError, match=r"0003\.part \(1 records .* is missing: staging must be shared by all workers"
    ):
        read_part(folder, ref)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda content: content[:-1], r"has \d+ of \d+ bytes"),
        (lambda content: b"", r"has 0 of \d+ bytes"),
        (lambda content: content + b"\0", r"has \d+ of \d+ bytes"),
        (lambda content: content[:-1] + bytes([content[-1] ^ 1]), "was changed"),
        (lambda content: bytes([content[0] ^ 1]) + content[1:], "was changed"),
    ],
)
def test_a_part_that_was_cut_short_or_changed_fails_before_its_first_record(
    folder: Folder, change: Callable[[bytes], bytes], says: str
) -> None:
    ref = stage(folder, [purchase(line) for line in range(100)])
    damage(folder, ref, change)
    with pytest.raises(StagingError, match=says):
        read_part(folder, ref)


def test_a_part_that_was_replaced_by_another_whole_one_is_changed(folder: Folder) -> None:
    first = stage(folder, [purchase(1)])
    stage(folder, [purchase(2)])
    with pytest.raises(StagingError, match="was changed"):
        check_part(folder, first)


@pytest.mark.parametrize("room", [0, BLOCK_BYTES, 4 * BLOCK_BYTES])
def test_a_full_disk_is_a_clear_failure_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, room: int
) -> None:
    folder = LocalFolder(tmp_path)
    opened = Path.open
    monkeypatch.setattr(Path, "open", lambda path, mode="r", **more: FullDisk(opened(path, mode, **more), room))
    with pytest.raises(StagingError, match=r"no space left while staging to .*: nothing was committed"):
        stage(folder, [purchase(line, b"x" * 1_000) for line in range(2_000)])
    monkeypatch.undo()
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
