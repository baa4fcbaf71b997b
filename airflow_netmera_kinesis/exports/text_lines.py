"""Turn the bytes of a file into lines of text, leaving line ends as they are."""

from __future__ import annotations

import codecs
import io
from collections import deque
from collections.abc import Iterator

from airflow_netmera_kinesis.errors import ExportError
from airflow_netmera_kinesis.exports import encoding as encodings
from airflow_netmera_kinesis.exports.content import Content, read_exactly
from airflow_netmera_kinesis.exports.encoding import AUTO, Encoding, errors_of

BLOCK_BYTES = 64 * 1024
MAX_LINE_CHARACTERS = 64 * 1024 * 1024  # memory stays flat


class TextLines:
    """Lines in blocks; ``count`` is the number of lines so far, ``open_end`` says whether the last has no end.

    What is no text in the file's encoding shall spoil its own line, not the file: it stays visible as a surrogate, and
    ``is_clean`` says whether there was any, or a NUL. Raises ExportError where that cannot be.
    """

    def __init__(self, content: Content, said: str = AUTO) -> None:
        self._blocks = _TextBlocks(content, said)
        self._recent: deque[tuple[int, list[str]]] = deque()
        self.count = 0
        self.open_end = False
        self.is_clean = True

    @property
    def encoding(self) -> Encoding:
        return self._blocks.encoding

    def blocks(self) -> Iterator[list[str]]:
        """Yield lines, some hundred at a time."""
        for text in self._whole_lines():
            if self.is_clean:
                self.is_clean = self._blocks.is_clean and "\0" not in text
            lines = list(io.StringIO(text, newline=""))
            self._recent.append((self.count + 1, lines))
            self.count += len(lines)
            self.open_end = text[-1] not in "\r\n"
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

    def _whole_lines(self) -> Iterator[str]:
        """Cut the text after line ends."""
        waiting: list[str] = []
        characters = 0
        for text in self._blocks.texts():
            end = (text.rfind("\n") if "\n" in text else text.rfind("\r", 0, -1)) + 1
            if end:
                yield "".join([*waiting, text[:end]])
                waiting, characters = [], 0
            waiting.append(text[end:])
            characters += len(text) - end
            if characters > MAX_LINE_CHARACTERS:
                raise ExportError(f"line {self.count + 1} is longer than {MAX_LINE_CHARACTERS} characters: not CSV")
        if rest := "".join(waiting):
            yield rest


class _TextBlocks:
    """The text of a file, whose encoding is known as soon as it makes a difference."""

    def __init__(self, content: Content, said: str) -> None:
        self._content, self._said = content, said
        self.encoding = Encoding("utf-8")
        self.is_clean = True

    def texts(self) -> Iterator[str]:
        block = read_exactly(self._content, BLOCK_BYTES)
        if encoding := encodings.marked(block):
            mark = "\ufeff".encode(encoding.name)
            yield from self._decoded(block[len(mark) :], encoding)
        elif self._said != AUTO:
            yield from self._decoded(block, encodings.said(self._said, block))
        else:
            is_beginning = True
            while block and block.isascii() and b"\0" not in block:
                yield block.decode("ascii")
                block, is_beginning = self._content.read(BLOCK_BYTES), False
            if block:
                block += read_exactly(self._content, encodings.SAMPLE_BYTES - len(block))
                yield from self._decoded(block, encodings.guessed(block, is_beginning=is_beginning))

    def _decoded(self, block: bytes, encoding: Encoding) -> Iterator[str]:
        self.encoding = encoding
        self._decoder = codecs.getincrementaldecoder(encoding.name)("strict")
        while block:
            if text := self._text_of(block, final=False):
                yield text
            block = self._content.read(BLOCK_BYTES)
        if rest := self._text_of(b"", final=True):
            yield rest

    def _text_of(self, block: bytes, *, final: bool) -> str:
        waiting = self._decoder.getstate()
        try:
            return self._decoder.decode(block, final)
        except UnicodeDecodeError:
            self.is_clean = False
        try:
            self._decoder = codecs.getincrementaldecoder(self.encoding.name)(errors_of(self.encoding.name))
            self._decoder.setstate(waiting)
            return self._decoder.decode(block, final)
        except UnicodeError as error:
            where = "it ends within a character" if final else error
            raise ExportError(f"is not {self.encoding.name}: {where}") from None
