"""A file as it comes in: which encoding it has, and the bytes that are kept. Pure.

UTF-16 is kept as UTF-8, so that whatever is kept ends its lines with plain CR and LF and can be
read again from any line on. Everything else is kept byte by byte.
"""

from __future__ import annotations

import codecs
import re

UTF_8, UTF_16, WINDOWS = "utf-8", "utf-16", "cp1252"
ENCODING_WORDS = {UTF_8: "UTF-8", UTF_16: "UTF-16", WINDOWS: "Windows-1252"}
_BOMS = (
    (codecs.BOM_UTF8, UTF_8),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_PROBE = 4096
# A letter beyond ASCII as UTF-8 writes it; what is left over is no UTF-8.
_LETTER = re.compile(rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")
_BEYOND = re.compile(rb"[\x80-\xff]")


class Intake:
    """Takes a file piece by piece; `feed` gives back what is to be kept of each.

    `encoding` is that of the kept bytes, `was` that of the file; both are sure after `finish`. A
    file with a few broken letters in it stays UTF-8: those rows are refused, the others read well.
    """

    def __init__(self) -> None:
        self.was = UTF_8
        self._head: bytes | None = b""
        self._decoder: codecs.IncrementalDecoder | None = None
        self._letters = 0
        self._strays = 0
        self._tail = b""

    @property
    def encoding(self) -> str:
        return WINDOWS if self.was == WINDOWS else UTF_8

    def feed(self, piece: bytes) -> bytes:
        if self._head is None:
            return self._keep(piece)
        self._head += piece
        if len(self._head) < _PROBE:
            return b""
        return self._begin()

    def finish(self) -> bytes:
        """What is still held back. Decides the encoding."""
        rest = self._begin() if self._head is not None else b""
        if self._decoder is not None:
            return rest + self._decoder.decode(b"", True).encode()
        self._count(b"", last=True)
        if self._strays > self._letters:
            self.was = WINDOWS
        return rest

    def _begin(self) -> bytes:
        head, self._head = self._head or b"", None
        for mark, name in _BOMS:
            if head.startswith(mark):
                return self._keep(self._read_as(name, head[len(mark) :]))
        return self._keep(self._read_as(_without_mark(head), head))

    def _read_as(self, name: str, head: bytes) -> bytes:
        if name != UTF_8:
            self.was = UTF_16
            self._decoder = codecs.getincrementaldecoder(name)("replace")
        return head

    def _keep(self, piece: bytes) -> bytes:
        if self._decoder is not None:
            return self._decoder.decode(piece).encode("utf-8", "replace")
        self._count(piece)
        return piece

    def _count(self, piece: bytes, *, last: bool = False) -> None:
        data = self._tail + piece
        # A letter may be cut by the end of a piece.
        cut = len(data) if last else max(0, len(data) - 3)
        while not last and cut < len(data) and 0x80 <= data[cut] <= 0xBF:
            cut += 1
        self._tail = data[cut:]
        rest, letters = _LETTER.subn(b"", data[:cut])
        self._letters += letters
        self._strays += len(_BEYOND.findall(rest))


def _without_mark(head: bytes) -> str:
    """UTF-16 without its mark has a NUL beside nearly every letter."""
    pairs = len(head) // 2
    if pairs < 4:
        return UTF_8
    if head[1::2].count(0) > pairs * 0.6 > pairs * 0.1 >= head[0::2].count(0):
        return "utf-16-le"
    if head[0::2].count(0) > pairs * 0.6 > pairs * 0.1 >= head[1::2].count(0):
        return "utf-16-be"
    return UTF_8
