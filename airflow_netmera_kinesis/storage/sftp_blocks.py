"""Fetch a file from an SFTP server a block at a time, from an offset on, while the next blocks are on their way."""

from __future__ import annotations

from collections import deque
from typing import Any

# As much as every server answers at once; so many are asked for ahead that a long way to the server does not count.
BLOCK_BYTES = 32 * 1024
BLOCKS_AHEAD = 64


class Blocks:
    """A file that is open on the server.

    paramiko reads ahead by itself only for a whole file, whatever its size, or in a thread that a lost connection ends
    in a traceback; and takes a lost connection for the end of the file. Hence its own requests, one by one.
    """

    def __init__(self, client: Any, path: str, offset: int) -> None:
        self._client = client
        self._file = client.open(path, "rb")
        self._size = self._file.stat().st_size
        self._next = offset
        self._asked: deque[tuple[int, int, int]] = deque()
        self._answers: dict[int, tuple[int, Any]] = {}
        self._rest = b""

    def read(self, size: int) -> bytes:
        if not self._rest:
            self._rest = self._block()
        data, self._rest = self._rest[:size], self._rest[size:]
        return data

    def close(self) -> None:
        self._file.close()

    def _block(self) -> bytes:
        while self._next < self._size and len(self._asked) < BLOCKS_AHEAD:
            length = min(BLOCK_BYTES, self._size - self._next)
            self._asked.append((self._ask(self._next, length), self._next, length))
            self._next += length
        if not self._asked:
            return b""
        number, offset, length = self._asked.popleft()
        block = self._answer(number)
        while block and len(block) < length:  # a server may answer less than it was asked for
            more = self._answer(self._ask(offset + len(block), length - len(block)))
            if not more:
                break
            block += more
        return block

    def _ask(self, offset: int, length: int) -> int:
        from paramiko.sftp import CMD_READ, int64

        return int(self._client._async_request(self, CMD_READ, self._file.handle, int64(offset), length))  # noqa: SLF001

    def _answer(self, number: int) -> bytes:
        from paramiko.sftp import CMD_DATA

        try:
            kind, message = self._answers.pop(number, None) or self._client._read_response(number)  # noqa: SLF001
            if kind != CMD_DATA:
                self._client._convert_status(message)  # noqa: SLF001
                return b""
        except EOFError:
            return b""
        return bytes(message.get_string())

    def _async_response(self, kind: int, message: Any, number: int) -> None:
        """Keep an answer that came before the one that is waited for; paramiko calls this."""
        self._answers[number] = (kind, message)
