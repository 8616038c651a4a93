"""A folder has one writer at a time: a lock file that lies hidden beside it, names the writer, and goes with it.

The lock is the system's, so it ends with its process however that ends; the file is only where others read who has it.
"""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from terp.errors import Problem, Problems
from terp.files.whole_file import cannot_write, is_at, lock, short_name

_GUARD: Final = threading.Lock()


@dataclass
class _Held:
    """A lock that this process has: who of its threads is in, how deep, and the open file.

    turn          lets one thread of this process in at a time; the same thread may come in again
    depth_count   how many blocks of that thread hold it; the lock goes back when the last one ends
    handle        of the lock file; None while nobody holds it
    """

    turn: threading.RLock = field(default_factory=threading.RLock)
    depth_count: int = 0
    handle: int | None = None


_HELD: Final[dict[Path, _Held]] = {}
"""By the lock's file, so that a verb that has claimed a folder can still write it."""


@dataclass(frozen=True)
class Writing:
    """Who writes a folder: its process, and the machine that it runs on; empty where that is not known.

    process   its number, in digits;  host   its name, as the system tells it

    As a text it is "process 12", with " on HOST" behind it where that is another machine.
    """

    process: str
    host: str

    def __str__(self) -> str:
        here = "" if self.host in ("", socket.gethostname()) else f" on {self.host}"
        return f"process {self.process}{here}" if self.process else "another process"


@contextmanager
def one_writer(folder: Path, waiting: Callable[[Writing], None] | None = None) -> Iterator[None]:
    """Has a folder's lock for as long as the block runs; the same thread may take it again.

    folder    of a result, there or to be; two names of one folder have one lock
    waiting   called where another process has it, with who that is, and then it is waited for.  None: that is refused

    The folder need not be there; the one that it lies in is made, and goes again if nothing came of it.  Raises Problems if
    another writes it, or if nothing can be written there.
    """
    target = Path(os.path.realpath(folder))
    path, made = _lock_file(folder, target)
    with _GUARD:
        held = _HELD.setdefault(path, _Held())
    with held.turn:
        if held.depth_count == 0:
            held.handle = _taken(folder, path, waiting)
        held.depth_count += 1
        try:
            yield
        finally:
            held.depth_count -= 1
            if held.depth_count == 0:
                _leave(held, path)
                for empty in made:
                    with suppress(OSError):
                        empty.rmdir()


def _lock_file(folder: Path, target: Path) -> tuple[Path, list[Path]]:
    """Where a folder's lock lies, and the folders that had to be made for it, the deepest first.

    Beside the folder; in it where that is a disk of its own or nothing may be written beside it.
    """
    made = []
    parent = target.parent
    while not parent.exists():
        made.append(parent)
        parent = parent.parent
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise cannot_write(folder, error) from None
    if inside(target):
        return target / ".terp.lock", made
    return target.parent / f".{short_name(target.name)}.lock", made


def inside(target: Path) -> bool:
    """True if a folder that is there can only be written in, not beside: a disk of its own, or in a folder of others."""
    return target.is_dir() and (os.path.ismount(target) or not os.access(target.parent, os.W_OK | os.X_OK))


def _taken(folder: Path, path: Path, waiting: Callable[[Writing], None] | None) -> int:
    """The open lock file, locked and with this process in it.

    folder    as it was named, for errors;  path   of the lock file;  waiting   as of `one_writer`

    The file may go between opening and locking it, with the one who had it before: then it is made anew.
    """
    while True:
        try:
            handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o666)
        except OSError as error:
            raise cannot_write(folder, error) from None
        if lock(handle, wait=False) == "busy":
            writer = _writer(handle)
            if waiting is None:
                os.close(handle)
                raise _at_work(folder, writer)
            waiting(writer)
            lock(handle, wait=True)
        if is_at(handle, path):
            break
        os.close(handle)  # the one before removed it when it went
    try:
        os.ftruncate(handle, 0)
        os.pwrite(handle, f"{os.getpid()} {socket.gethostname()}\n".encode(), 0)
    except OSError as error:  # a full disk
        with suppress(OSError):
            path.unlink()
        os.close(handle)
        raise cannot_write(folder, error) from None
    return handle


def _leave(held: _Held, path: Path) -> None:
    """Gives a lock back, and its file goes with it.

    held   whose handle is closed and forgotten;  path   of the lock file

    The file is removed before the lock ends, and only if it is still the one that stands under that name.
    """
    if held.handle is not None:
        with suppress(OSError):
            if is_at(held.handle, path):
                path.unlink()
        os.close(held.handle)
    held.handle = None


def _writer(handle: int) -> Writing:
    """Who wrote its number into a lock file.

    handle   of the lock file, of which the first 200 bytes are read

    Empty texts where it is not as `_taken` writes it: the number, a blank, and the host.
    """
    words = os.pread(handle, 200, 0).decode("utf-8", "replace").split()
    number = words[0] if words and words[0].isdigit() else ""
    return Writing(number, words[1] if len(words) > 1 else "")


def _at_work(folder: Path, writer: Writing) -> Problems:
    """A refusal of a folder that another writes."""
    wrong = f"is being written by {writer}"
    return Problems([Problem(str(folder), 0, 0, "", wrong, would_do="wait until it has ended, or name another folder")])
