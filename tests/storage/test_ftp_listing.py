from __future__ import annotations

from datetime import datetime, timezone

import pytest

from airflow_netmera_kinesis.storage.ftp_listing import Entry, Kind, entry_of_facts, entry_of_line

NOW = datetime(2026, 9, 7, 4, 30, tzinfo=timezone.utc)


def ms(*moment: int) -> int:
    return round(datetime(*moment, tzinfo=timezone.utc).timestamp() * 1000)  # type: ignore[misc, arg-type]


SIXTH = ms(2026, 9, 6, 3, 12)


@pytest.mark.parametrize(
    ("line", "name", "size", "modified_ms"),
    [
        # vsftpd, ProFTPD, Pure-FTPd
        ("-rw-r--r--    1 1000     1000      4711 Sep 06 03:12 a_20260906.csv", "a_20260906.csv", 4711, SIXTH),
        ("-rw-r--r--   1 netmera  ftp users     10 Dec 31 23:59 a b.csv", "a b.csv", 10, ms(2025, 12, 31, 23, 59)),
        ("-rw-r--r--+  1 u g 10 Sep  7 17:00 ahead by a zone.csv", "ahead by a zone.csv", 10, ms(2026, 9, 7, 17, 0)),
        ("-rw-r--r-- 1 u g 10 2026-09-06 03:12 iso.csv", "iso.csv", 10, SIXTH),
        ("-rw-r--r-- 1 u g 10 Sep  6 03:12  a space.csv", " a space.csv", 10, SIXTH),
        # IIS
        ("09-06-26  03:12AM                 4711 a.csv", "a.csv", 4711, SIXTH),
        ("09-06-26  12:30AM                 4711 a.csv", "a.csv", 4711, ms(2026, 9, 6, 0, 30)),
        ("09-06-2026  12:30PM               4711 a b.csv", "a b.csv", 4711, ms(2026, 9, 6, 12, 30)),
    ],
)
def test_a_file_is_read_off_a_line_as_servers_print_it(line: str, name: str, size: int, modified_ms: int) -> None:
    assert entry_of_line(line, NOW) == Entry(name, Kind.FILE, size, modified_ms)


def test_of_an_old_file_there_is_only_its_day() -> None:
    found = entry_of_line("-rw-------   1 u g 10 Mar  3  2025 old.csv", NOW)
    assert found == Entry("old.csv", Kind.FILE, 10, ms(2025, 3, 3), day_only=True)


@pytest.mark.parametrize(
    ("line", "name", "kind"),
    [
        ("drwxr-xr-x    2 1000     1000         4096 Sep 06 03:12 2026", "2026", Kind.FOLDER),
        ("09-06-26  15:12       <DIR>          2026", "2026", Kind.FOLDER),
        ("lrwxrwxrwx    1 0        0              11 Sep 06 03:12 latest.csv -> days/a.csv", "latest.csv", Kind.LINK),
        ("prw-r--r-- 1 u g 0 Sep  6 03:12 pipe", "pipe", Kind.OTHER),
    ],
)
def test_what_is_no_file_is_known_as_what_it_is(line: str, name: str, kind: Kind) -> None:
    found = entry_of_line(line, NOW)
    assert found is not None
    assert (found.name, found.kind) == (name, kind)


@pytest.mark.parametrize("line", ["total 12", "", "drwxr-xr-x 2 u g 4096 Sep  6 03:12 .."])
def test_other_lines_are_about_no_file(line: str) -> None:
    assert entry_of_line(line, NOW) is None


@pytest.mark.parametrize(
    "line", ["a.csv", "-rw-r--r-- 1 u g 10 Eyl  6 03:12 a.csv", "-rw-r--r-- 1 u g 10 Sep 31 03:12 a.csv"]
)
def test_a_line_in_no_known_form_is_no_file_that_is_left_out_in_silence(line: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        entry_of_line(line, NOW)


def test_the_29th_of_february_is_found_in_its_year() -> None:
    line = "-rw-r--r-- 1 u g 10 Feb 29 03:12 a.csv"
    found = entry_of_line(line, datetime(2028, 3, 1, tzinfo=timezone.utc))
    assert found is not None
    assert found.modified_ms == ms(2028, 2, 29, 3, 12)


@pytest.mark.parametrize(
    ("facts", "entry"),
    [
        ({"type": "file", "size": "5", "modify": "20260906031200"}, Entry("a", Kind.FILE, 5, ms(2026, 9, 6, 3, 12))),
        ({"type": "file", "size": "5", "modify": "20260906031200.25"},
         Entry("a", Kind.FILE, 5, ms(2026, 9, 6, 3, 12) + 250)),
        ({"type": "dir", "modify": "20260906031200"}, Entry("a", Kind.FOLDER)),
        ({"type": "cdir"}, Entry("a", Kind.OTHER)),
        ({"type": "OS.unix=slink:/b"}, Entry("a", Kind.LINK)),
        ({"type": "file", "size": "5"}, None),
        ({"type": "file", "modify": "20260906031200"}, None),
        ({"size": "5", "modify": "20260906031200"}, None),
    ],
)  # fmt: skip
def test_facts_are_read_or_are_not_enough(facts: dict[str, str], entry: Entry | None) -> None:
    assert entry_of_facts("a", facts) == entry
