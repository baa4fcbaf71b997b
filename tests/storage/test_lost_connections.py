"""What a server that loses connections does to a reader: nothing, or one clear error after the last try."""

from __future__ import annotations

import random
import re
import socket
from typing import Any

import pytest
from served_folder import ServedFolder

from airflow_netmera_kinesis.errors import ExportChanged, ExportsUnreachable
from airflow_netmera_kinesis.storage.server import Server

CONTENT = random.Random(7).randbytes(2_000_000)


def logins(served: ServedFolder) -> int:
    return served.whims.asked["login"] + served.whims.asked["PASS"]


def test_a_file_is_read_on_where_the_connection_was_lost(served: ServedFolder) -> None:
    served.write("a.csv", CONTENT)
    folder = served.open()
    before = logins(served)
    served.whims.lose_after = 700_000
    with folder.open("a.csv") as file:
        assert file.read() == CONTENT
    assert logins(served) - before >= 2
    assert len(served.pauses) >= 2
    assert set(served.pauses) == {1.0}  # each loss came after some progress, so that none was a second try


def test_where_a_server_cannot_begin_in_the_middle_the_file_is_repeated(served: ServedFolder) -> None:
    served.write("a.csv", CONTENT)
    served.whims.unknown |= {"REST"}
    served.whims.lose_after, served.whims.losses = 1_500_000, 1
    with served.open().open("a.csv") as file:
        assert file.read() == CONTENT
    assert len(served.pauses) == 1


def test_a_connection_that_is_lost_each_time_ends_in_an_error_that_says_so(served: ServedFolder) -> None:
    served.write("a.csv", CONTENT)
    folder = served.open()
    served.whims.lose_after = -1
    with folder.open("a.csv") as file, pytest.raises(ExportsUnreachable) as unreachable:
        file.read()
    assert re.fullmatch(
        r"connection 'netmera_files' did not answer in 5 tries \(.+\): the server or the network is away. "
        r"Nothing is lost: the next try goes on",
        str(unreachable.value),
    )
    assert served.pauses == [1.0, 2.0, 4.0, 8.0]


@pytest.mark.parametrize("change", ["changed", "vanished"])
def test_a_file_that_changed_while_the_connection_was_away_is_never_pieced_together(
    served: ServedFolder, change: str
) -> None:
    served.write("a.csv", CONTENT, at=1_788_700_020)
    folder: Any = served.open()
    served.whims.lose_after = 700_000

    def meanwhile(_: float) -> None:
        if change == "vanished":
            served.local("a.csv").unlink()
        else:
            served.write("a.csv", CONTENT[::-1], at=1_788_790_020)

    folder._server._sleep = meanwhile
    with folder.open("a.csv") as file, pytest.raises(ExportChanged, match=rf"a\.csv {change} while it was read"):
        file.read()


def test_a_listing_is_repeated_over_a_new_connection(served: ServedFolder) -> None:
    served.write("2026/a.csv", b"1")
    folder: Any = served.open()
    for connection in folder._server._idle:
        line = (
            connection.sock if served.server.scheme == "ftp" else connection.client.get_channel().get_transport().sock
        )
        line.shutdown(socket.SHUT_RDWR)  # as if the server had hung up after a while
    assert [info.name for info in folder.list()] == ["2026/a.csv"]
    assert served.pauses == [1.0]


def test_a_server_that_is_gone_is_named_with_what_happened() -> None:
    def connect() -> object:
        raise ConnectionRefusedError(111, "Connection refused")

    pauses: list[float] = []
    server = Server("connection 'x'", connect, lambda _: None, (OSError,), pauses.append)
    with pytest.raises(ExportsUnreachable, match=r"connection 'x' did not answer in 5 tries \(.*Connection refused\)"):
        server.call(lambda _: None)
    assert len(pauses) == 4


@pytest.mark.parametrize("error", [FileNotFoundError("a.csv"), PermissionError("a.csv"), ValueError("a bug")])
def test_what_is_no_loss_is_not_tried_again(error: Exception) -> None:
    def do(_: object) -> None:
        raise error

    server = Server("connection 'x'", object, lambda _: None, (OSError,), lambda _: pytest.fail("tried again"))
    with pytest.raises(type(error), match=str(error)):
        server.call(do)
