"""Files that stand under their name whole, or not at all: the one writer of all files that Terp leaves on disk.

A file is filled as a draft beside its final name, brought to the disk, and renamed.  Each writer keeps its draft locked for
as long as it lives, so the next one can tell what a killed one left from what another is writing now.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import re
import secrets
import stat
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, Literal

from terp.errors import Problem, Problems

DRAFT: Final = re.compile(r"\.(?P<name>.+)\.[0-9a-f]{8}\.(part|draft)", re.DOTALL)
"""What drafts of files are called, and of folders."""
_LONG: Final = 200
"""Bytes of a name above which a draft carries its digest instead: names end at 255 bytes on most disks."""
_WOULD_DO: Final = {
    errno.ENOSPC: "free some room there, or write to another disk",
    errno.EDQUOT: "free some room there, or write to another disk",
    errno.EROFS: "write to a place that is not read-only",
    errno.EACCES: "write to a place where you may",
    errno.EPERM: "write to a place where you may",
    errno.ENAMETOOLONG: "name it shorter",
    errno.ENOENT: "make the folder that it should lie in first",
}


def cannot_write(place: Path | str, error: OSError | ValueError) -> Problems:
    """The refusal that a failed write becomes: where, why in the system's words, and what would do.

    error   as the system or Arrow raised it; a ValueError is of a name that no file can have
    """
    number = error.errno if isinstance(error, OSError) else None
    text = (os.strerror(number) if number else str(error)).splitlines() or [type(error).__name__]
    would_do = _WOULD_DO.get(number or 0, "write to another place")
    return Problems([Problem(str(place), 0, 0, "", f"cannot be written: {text[0]}", would_do=would_do)])


def write_whole(path: Path, content: str | bytes) -> None:
    """Writes text, in UTF-8, or bytes under a name at once: a reader sees the old file or the new one.

    path      of a file, new or old, in a folder that is there
    content   all of it

    Raises Problems if it cannot, with the system's reason and what would do; the old file is then as it was.
    """
    data = content.encode() if isinstance(content, str) else content
    write_through(path, lambda draft: draft.write_bytes(data))


def write_through(path: Path, write: Callable[[Path], object]) -> None:
    """Lets `write` fill a draft that lies beside the final name, and renames it when whole.

    Two that write one file each fill a draft of their own, and the later one's stays.  A link is followed, and
    keeps pointing where it did.  A terminal, a pipe and the like are written to when the draft is whole.
    Raises Problems if it cannot.

    path    as of `write_whole`; a file that stands there hands its permissions on
    write   called with the draft's path, where an empty file lies; it may open, fill and close that as it likes, but not
            rename it.  What it raises passes, and the draft goes
    """
    try:
        mode = _mode_of(path)
    except (OSError, ValueError) as error:  # a ValueError: no file can have that name
        raise cannot_write(path, error) from None
    try:
        if mode is None or stat.S_ISREG(mode):
            _replace(Path(os.path.realpath(path)), write, mode)
        elif stat.S_ISCHR(mode) or stat.S_ISFIFO(mode):
            _pour(path, write)
        else:
            kind = "a folder" if stat.S_ISDIR(mode) else "no file"
            raise Problems([Problem(str(path), 0, 0, "", f"is {kind}, which cannot be written", would_do="name a file")])
    except OSError as error:
        raise cannot_write(path, error) from None


def _mode_of(path: Path) -> int | None:
    """What stands under a name, its links followed, as the system tells; None for nothing."""
    try:
        return path.stat().st_mode
    except FileNotFoundError:
        return None


def _replace(target: Path, write: Callable[[Path], object], mode: int | None) -> None:
    """A regular file, written beside its name and renamed.

    mode   of the file that stands there, whose permissions the new one keeps; None for none
    """
    sweep_drafts(target)
    with locked_draft(target) as (draft, handle):
        write(draft)
        if mode is not None:
            os.fchmod(handle, stat.S_IMODE(mode))
        os.fsync(handle)
        draft.replace(target)
        sync_folder(target.parent)


def _pour(path: Path, write: Callable[[Path], object]) -> None:
    """A device or a pipe: the draft lies in the temporary folder, and is copied when whole.  A pipe needs a reader."""
    with tempfile.TemporaryDirectory(prefix="terp-") as folder:
        draft = Path(folder) / "draft"
        write(draft)
        try:
            handle = os.open(path, os.O_WRONLY | os.O_NONBLOCK)
        except OSError as error:
            if error.errno == errno.ENXIO:
                raise Problems(
                    [Problem(str(path), 0, 0, "", "is a pipe that nobody reads", would_do="name a file")]
                ) from None
            raise
        os.set_blocking(handle, True)
        with os.fdopen(handle, "wb") as stream:
            stream.write(draft.read_bytes())


@contextmanager
def locked_draft(target: Path) -> Iterator[tuple[Path, int]]:
    """A new, empty draft beside a file's name, and its open handle, which keeps it locked; gone at the end.

    target   the final name, its links followed

    The name has eight random digits, so drafts of several writers never meet.  Raises OSError where none can be made.
    """
    while True:
        draft = target.with_name(f".{short_name(target.name)}.{secrets.token_hex(4)}.part")
        handle = os.open(draft, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o666)
        lock(handle, wait=True)
        if is_at(handle, draft):  # else it was swept before it could be locked
            break
        os.close(handle)
    try:
        yield draft, handle
    finally:
        with suppress(OSError):
            draft.unlink(missing_ok=True)
        os.close(handle)


def sweep_drafts(target: Path) -> None:
    """Removes the drafts of a file that killed writers left; those of living ones stay.

    target   the final name of the file; drafts of other files beside it are theirs

    What cannot be listed or removed is passed over: the write that follows says so if it matters.
    """
    prefix = f".{short_name(target.name)}."
    try:
        beside = [path for path in target.parent.iterdir() if path.name.startswith(prefix) and path.suffix == ".part"]
    except OSError:
        return  # what cannot be listed is said when it is written
    for path in beside:
        match = DRAFT.fullmatch(path.name)
        if match and match["name"] == short_name(target.name):
            remove_if_left(path)


def remove_if_left(draft: Path) -> bool:
    """Removes a draft of a file unless its writer still lives; whether it is gone.

    A living writer has it locked.  Where the disk knows no locks nothing can be told, and it stays.
    """
    try:
        handle = os.open(draft, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return False
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode) or lock(handle, wait=False) != "taken":
            return False
        draft.unlink(missing_ok=True)
    except OSError:
        return False
    finally:
        os.close(handle)
    return True


def lock(handle: int, *, wait: bool) -> Literal["taken", "busy", "unknown"]:
    """Locks an open file for this process until it is closed, also by death.

    Busy where another process has it, which happens without `wait` alone; unknown where the disk knows no locks.
    """
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except OSError as error:
        return "busy" if error.errno in (errno.EAGAIN, errno.EACCES) else "unknown"
    return "taken"


def is_at(handle: int, path: Path) -> bool:
    """True if an open file is the one that stands under a name."""
    try:
        there = path.lstat()
    except OSError:
        return False
    mine = os.fstat(handle)
    return (there.st_dev, there.st_ino) == (mine.st_dev, mine.st_ino)


def sync_folder(folder: Path) -> None:
    """Has the names in a folder brought to the disk, where the system does that for folders.

    Renaming a file is safe from a loss of power only after this.  What the system refuses is passed over.
    """
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def short_name(name: str) -> str:
    """A name, or its digest where it is too long to grow.

    At most 200 bytes, or the first 32 digits of the name's SHA-256 in hexadecimal.
    """
    raw = os.fsencode(name)
    return name if len(raw) <= _LONG else hashlib.sha256(raw).hexdigest()[:32]
