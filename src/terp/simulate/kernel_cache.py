"""The folder of compiled kernels: whose it must be, whether it is whole, and how it is emptied.

What lies there is run, so it counts only in a folder that its user alone can write to, on a way that leads through nobody
else's hands.  A file that is damaged is found by the sums that were taken when it was compiled, or by numba; then all of it
is thrown away and compiled anew.
"""

from __future__ import annotations

import grp
import hashlib
import json
import os
import pwd
import shutil
import stat
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from terp.errors import Problems
from terp.files import write_whole

SUMS: Final = "sums.json"
"""In each folder of a package: SHA-256 of every file with code, by its name."""
_OTHERS_WRITE: Final = stat.S_IWGRP | stat.S_IWOTH


class CacheNotice(UserWarning):
    """Compiled code was thrown away, or cannot be kept: the run goes on, and takes longer."""


@dataclass(frozen=True)
class CacheContent:
    """What a folder of compiled code holds: its place, how many files, and how large they are together [bytes]."""

    folder: str
    files_count: int
    size_bytes: int


def is_on_a_safe_way(folder: Path) -> bool:
    """Whether every folder above one belongs to its user or to the system, and lets nobody else put another in its place.

    Links are followed first.  A folder in which everybody may write counts where only the owner of an entry may move it, as
    in the temporary folder.
    """
    try:
        above = Path(os.path.realpath(folder)).parents
        return all(_is_safe(path.stat()) for path in above if path.exists())
    except (OSError, ValueError):
        return False


def _is_safe(state: os.stat_result) -> bool:
    """Whether nobody but the user and the system can change the entries of a folder.

    A group that is the user's own, by its name, is no other.
    """
    if state.st_uid not in (0, os.getuid()):
        return False
    writers = state.st_mode & _OTHERS_WRITE
    if writers == stat.S_IWGRP and _is_own_group(state.st_gid):
        return True
    return not writers or bool(state.st_mode & stat.S_ISVTX)


def _is_own_group(group: int) -> bool:
    """Whether a group is named as the user is and has no other members."""
    try:
        user, entry = pwd.getpwuid(os.getuid()), grp.getgrgid(group)
    except KeyError:
        return False
    return entry.gr_name == user.pw_name and set(entry.gr_mem) <= {user.pw_name}


def places_of(kept: Path, packages: Sequence[Path]) -> list[Path]:
    """Where numba keeps the code of some packages: in a folder each, named by the package and a hash of its path."""
    return [kept / f"{path.name}_{hashlib.sha1(str(path).encode(), usedforsecurity=False).hexdigest()}" for path in packages]


def is_whole(places: Sequence[Path]) -> bool:
    """Whether all files are the user's own and those with code are as they were compiled; true of none at all."""
    for place in places:
        if not place.is_dir():
            continue
        for path in place.iterdir():
            state = path.lstat()
            if not stat.S_ISREG(state.st_mode) or state.st_uid != os.getuid() or state.st_mode & stat.S_IWOTH:
                return False
        try:
            sums = json.loads((place / SUMS).read_text("utf-8"))
            if any(_sum(place / name) != digest for name, digest in sums.items() if (place / name).exists()):
                return False
        except FileNotFoundError:
            continue
        except (OSError, ValueError, AttributeError, RecursionError):
            return False
    return True


def seal(places: Sequence[Path]) -> None:
    """Brings what was compiled to the disk, and takes its sums.  What cannot be written is left without."""
    for place in places:
        if not place.is_dir():
            continue
        sums = {}
        for path in sorted(place.glob("*.nb[ci]")):
            with suppress(OSError):
                handle = os.open(path, os.O_RDONLY)
                os.fsync(handle)
                os.close(handle)
                if path.suffix == ".nbc":
                    sums[path.name] = _sum(path)
        with suppress(OSError, Problems):
            before = json.loads((place / SUMS).read_text("utf-8")) if (place / SUMS).is_file() else None
            if before != sums:
                write_whole(place / SUMS, json.dumps(sums, indent=0) + "\n")


def _sum(path: Path) -> str:
    """SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def content_of(folder: Path) -> CacheContent:
    """What lies in a folder of compiled code, and how much room it takes."""
    files = [path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]
    return CacheContent(str(folder), len(files), sum(path.lstat().st_size for path in files))


def discard(folder: Path) -> None:
    """Throws a folder of compiled code away; a link in its place is removed, and what it leads to is not."""
    if folder.is_symlink():
        folder.unlink()
    shutil.rmtree(folder, ignore_errors=True)
