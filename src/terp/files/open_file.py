"""Opens the files that people name: regular ones only, whole or as they are unpacked, each up to a limit.

Everything that Terp reads and did not ship goes through here.  A pipe, a device, a socket or a folder is named as what it
is and never opened for reading, so that none hangs or fills the memory; the limits hold for what was really read, since
the size that a file tells may be wrong.  A packed file ends where it unpacks to far more than any honest one.
"""

from __future__ import annotations

import errno
import gzip
import io
import os
import stat
import time
import zlib
from pathlib import Path
from typing import IO, Final, cast

from terp.errors import Problem, Problems

MAX_BYTES: Final = 4 * 2**20
"""Largest text that is read whole, such as a description or a table of cases [bytes]."""
MOST_DOCUMENT_BYTES: Final = 64 * 2**20
"""Largest document that Terp wrote and reads whole again [bytes]."""
MOST_READ_S: Final = 30.0
"""A text that is read whole takes no longer [s]; the storage of one that does hangs."""
MOST_UNPACKED_RATIO: Final = 100
"""Bytes that come out of a packed file for each that it has, at most; tables of jobs come to 5 to 30."""
LEAST_UNPACKED_BYTES: Final = 64 * 2**20
"""What any packed file may unpack to, whatever its size [bytes]."""
_PIECE: Final = 2**20
_KINDS: Final = (
    (stat.S_ISDIR, "cannot be read: Is a directory", "name a file in it"),
    (stat.S_ISFIFO, "is a pipe, not a file", "write it to a file first"),
    (stat.S_ISCHR, "is a device, not a file", "name a file"),
    (stat.S_ISBLK, "is a device, not a file", "name a file"),
    (stat.S_ISSOCK, "is a socket, not a file", "name a file"),
)
GZIP: Final = b"\x1f\x8b"
_PACKERS: Final = {
    GZIP: ("gzip", "gunzip"),
    b"BZh": ("bzip2", "bunzip2"),
    b"\xfd7zXZ\x00": ("xz", "unxz"),
    b"\x28\xb5\x2f\xfd": ("Zstandard", "unzstd"),
    b"PK\x03\x04": ("zip", "unzip"),
    b"\x1f\x9d": ("compress", "uncompress"),
    b"\x04\x22\x4d\x18": ("lz4", "unlz4"),
    b"7z\xbc\xaf\x27\x1c": ("7-Zip", "7z x"),
}
"""First bytes -> what packed a file, and what unpacks it."""
_UTF16: Final = (b"\xff\xfe", b"\xfe\xff")


def _problem(path: Path, wrong: str, would_do: str = "", line: int = 0) -> Problems:
    """A refusal of a file, in one line.

    line   of the file, from 1; 0 where no line is meant, and then the problem has no column either
    """
    return Problems([Problem(str(path), line, 1 if line else 0, "", wrong, would_do=would_do)])


def open_regular(path: Path) -> IO[bytes]:
    """A regular file, open for reading its bytes; symbolic links are followed.  The caller closes it.

    Raises Problems for one that cannot be read, for what is no regular file, and for a name that cannot be one.
    """
    try:
        # not blocking, so that a pipe without a writer is opened at once and can be refused
        number = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0))
    except OSError as error:
        if error.errno == errno.ENXIO:  # a device that is not there is opened in the same way, and said the same of
            raise _problem(path, "is a socket, not a file", "name a file") from None
        raise _problem(path, f"cannot be read: {error.strerror or error}") from None
    except ValueError as error:  # a zero byte, or a letter that no file system has
        raise _problem(path, f"no name of a file: {_reason(error)}", "write its name with letters that print") from None
    mode = os.fstat(number).st_mode
    for holds, wrong, would_do in _KINDS:
        if holds(mode):
            os.close(number)
            raise _problem(path, wrong, would_do)
    return os.fdopen(number, "rb")


def _reason(error: ValueError) -> str:
    """Why a text cannot be the name of a file."""
    return "it holds half of a character" if isinstance(error, UnicodeError) else "it holds a zero byte"


def is_there(path: Path) -> bool:
    """Whether anything is there, links followed; False for a name that cannot be one, or in a folder that is closed."""
    try:
        return path.exists()
    except (OSError, ValueError):
        return False


def read_limited(path: Path, most_bytes: int = MAX_BYTES) -> bytes:
    """All bytes of a regular file.  Raises Problems for one that cannot be read, is larger, or takes too long.

    path         of the file
    most_bytes   counted as they are read: some files tell no size
    """
    pieces, size, began_s = [], 0, time.monotonic()
    with open_regular(path) as stream:
        while piece := _next_piece(stream, path):
            pieces.append(piece)
            size += len(piece)
            if size > most_bytes:
                wrong = f"the file is larger than {most_bytes // 2**20} MiB"
                raise _problem(path, wrong, "split it or leave data out of it")
            if time.monotonic() - began_s > MOST_READ_S:
                raise _problem(path, f"takes longer than {MOST_READ_S:.0f} s to read", "copy it to a disk of this machine")
    return b"".join(pieces)


def _next_piece(stream: IO[bytes], path: Path, size: int = _PIECE) -> bytes:
    """The next bytes of an open file; empty at its end.  Raises Problems where they cannot be read.

    stream   open for bytes;  path   its name, for the problem
    size     the most that are given at a time [bytes]
    """
    try:
        return stream.read(size) or b""
    except OSError as error:
        raise _problem(path, f"cannot be read: {error.strerror or error}") from None


def read_text(path: Path, most_bytes: int = MAX_BYTES) -> str:
    r"""The text of a file in UTF-8: a byte order mark is taken out, and lines end with `\n`, whichever ends they had.

    A lone `\r` ends a line too, as in YAML.  Raises Problems if it cannot be read, is larger than `most_bytes`, packed,
    not UTF-8, or holds zero bytes, as no text does.
    """
    data = read_limited(path, most_bytes)
    refuse_packed(data, path)
    try:
        text = data.removeprefix(b"\xef\xbb\xbf").decode()
    except UnicodeDecodeError as error:
        if data.startswith(_UTF16):
            raise _problem(path, "not UTF-8 text, but UTF-16", "save it as UTF-8") from None
        raise _problem(path, f"not UTF-8 text, at byte {error.start}", "save it as UTF-8") from None
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise _problem(path, "not a text: it holds a zero byte", "save it as UTF-8", line)
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


def refuse_packed(start: bytes, path: Path, *, also_gzip: bool = True) -> None:
    """Raises Problems for a file that something packed, by its first bytes, with what unpacks it.

    start       at least eight bytes, or all that there are
    path        its name, for the problem
    also_gzip   False where gzip is unpacked as it is read
    """
    for magic, (name, program) in _PACKERS.items():
        if start.startswith(magic) and (also_gzip or magic != GZIP):
            raise _problem(path, f"is packed by {name}", f"unpack it first: {program} {path.name}")


def open_unpacked(path: Path) -> IO[bytes]:
    """A regular file of any length, unpacked as it is read if gzip packed it.  The caller closes it.

    Raises Problems if it cannot be opened, something else packed it, or it is UTF-16.  Reading it raises Problems where a
    packed file is cut off or damaged, or unpacks to more than any honest one does; nobody needs to catch anything else.
    """
    with open_regular(path) as stream:
        start = _next_piece(stream, path, 8)
        packed_bytes = os.fstat(stream.fileno()).st_size
    refuse_packed(start, path, also_gzip=False)
    if start.startswith(_UTF16):
        raise _problem(path, "not UTF-8 text, but UTF-16", "save it as UTF-8")
    bounded = _Bounded(path, open_regular(path), packed_bytes if start.startswith(GZIP) else None)
    return cast("IO[bytes]", io.BufferedReader(cast("io.RawIOBase", bounded), _PIECE))


class _Bounded(io.RawIOBase):
    """The bytes of a file, unpacked if it is packed, up to the limit; all that can go wrong is raised as Problems.

    path           its name, for problems
    stream         the open file, which this closes
    packed_bytes   size of a packed file; None for one that is not packed, which has no limit

    The limit is in bytes that come out, and holds while they come, so that a bomb costs no more than a piece of memory.
    """

    def __init__(self, path: Path, stream: IO[bytes], packed_bytes: int | None) -> None:
        self._path, self._stream = path, stream
        self._inner: IO[bytes] = stream if packed_bytes is None else gzip.GzipFile(fileobj=stream, mode="rb")  # type: ignore[assignment]
        self._most = None if packed_bytes is None else max(LEAST_UNPACKED_BYTES, MOST_UNPACKED_RATIO * packed_bytes)
        self._done = 0

    def readable(self) -> bool:
        """True: that is all it is for."""
        return True

    def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]
        """Fills the buffer with what comes next; 0 at the end.  Raises Problems."""
        try:
            count = self._inner.readinto(buffer)  # type: ignore[attr-defined]
        except (EOFError, zlib.error, gzip.BadGzipFile):
            raise _problem(self._path, "the gzip file is cut off or damaged", "fetch it again") from None
        except OSError as error:
            raise _problem(self._path, f"cannot be read: {error.strerror or error}") from None
        self._done += count or 0
        if self._most is not None and self._done > self._most:
            wrong = f"unpacks to more than {MOST_UNPACKED_RATIO} times its size, as no table of jobs does"
            raise _problem(self._path, wrong, f"unpack it first, if you trust it: gunzip {self._path.name}")
        return count or 0

    def close(self) -> None:
        """Closes the file too."""
        self._inner.close()
        self._stream.close()
        super().close()
