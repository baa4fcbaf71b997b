"""Turn the bytes of a file into lines of text, leaving line ends as they are."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from airflow_netmera_kinesis.errors import ExportError
from airflow_netmera_kinesis.exports.content import Content
from airflow_netmera_kinesis.exports.decoding import Decoding
from airflow_netmera_kinesis.exports.encoding import AUTO, Encoding

MAX_LINE_BYTES = 64 * 1024 * 1024  # memory stays flat


class TextLines:
    """Lines in blocks; ``count`` is the number of lines so far, ``open_end`` says whether the last has no end.

    What is no text in the file's encoding shall spoil its own line, not the file: it stays visible as a surrogate, and
    ``is_clean`` says whether there was any, or a NUL.
    """

    def __init__(self, content: Content, said: str = AUTO) -> None:
        self._decoding = Decoding(content, said)
        self._recent: deque[tuple[int, list[str]]] = deque()
        self.count = 0
        self.open_end = False
        self.is_clean = True

    @property
    def encoding(self) -> Encoding:
        return self._decoding.encoding

    def blocks(self) -> Iterator[list[str]]:
        """Yield lines, some hundred at a time. Raises ExportError for what is no text at all."""
        for text in self._whole_lines():
            lines = self._decoding.lines(text.splitlines(keepends=True))
            self.is_clean = self.is_clean and self._decoding.is_clean and b"\0" not in text
            self._recent.append((self.count + 1, lines))
            self.count += len(lines)
            self.open_end = not text.endswith((b"\r", b"\n"))
            yield lines

    def forget_before(self, line: int) -> None:
        """Keep for ``text_of`` only what begins with ``line`` or after it, and its neighbours."""
        while self._recent and self._recent[0][0] + len(self._recent[0][1]) <= line:
            self._recent.popleft()

    def text_of(self, first: int, last: int) -> str:
        """Return the lines from number ``first`` to ``last`` as they came."""
        return "".join(
            line for start, lines in self._recent for number, line in enumerate(lines, start) if first <= number <= last
        )

    def _whole_lines(self) -> Iterator[bytes]:
        """Cut the text after line ends."""
        waiting: list[bytes] = []
        waiting_bytes = 0
        for block in self._decoding.blocks():
            # A carriage return alone ends a line, too, unless its newline is in the next block.
            end = (block.rfind(b"\n") if b"\n" in block else block.rfind(b"\r", 0, -1)) + 1
            if end:
                yield b"".join([*waiting, block[:end]])
                waiting, waiting_bytes = [], 0
            waiting.append(block[end:])
            waiting_bytes += len(block) - end
            if waiting_bytes > MAX_LINE_BYTES:
                raise ExportError(f"line {self.count + 1} is longer than {MAX_LINE_BYTES} bytes: not CSV")
        if rest := b"".join(waiting):
            yield rest
