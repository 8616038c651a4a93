"""Loads compiled kernels with their cache in a folder named by a hash of their sources.

numba's cache does not see edits in other modules, and a stale result is worse than a slow one: the folder's name changes
with every chapter of every engine, with numba and with Python.  Each engine has a last chapter with `advance`, its outermost
kernel, and `warm_up`, which runs it on the smallest of inputs.

What is loaded is machine code, so the folder must be one that only its user writes to.
"""

from __future__ import annotations

import atexit
import errno
import hashlib
import os
import platform
import shutil
import stat
import sys
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from functools import cache
from importlib import import_module, metadata
from pathlib import Path
from typing import Final, Protocol, cast

from terp.errors import Problems
from terp.files import one_writer
from terp.simulate.kernel_cache import (
    CacheContent,
    CacheNotice,
    content_of,
    discard,
    is_on_a_safe_way,
    is_whole,
    places_of,
    seal,
)

ENGINES: Final = {
    "core": "core.core_instants",
    "pool": "pool.pool_passes",
    "controller": "controller.controller_instants",
}
"""Engine -> its last chapter."""
PACKAGES: Final = ("shared", *ENGINES)
_HERE: Final = Path(__file__).parent
_SOURCES: Final = tuple(sorted(path for name in PACKAGES for path in (_HERE / name).glob("*.py")))
_OTHERS_WRITE: Final = stat.S_IWGRP | stat.S_IWOTH


class Kernels(Protocol):
    """The last chapter of an engine.

    A module serves: `core_instants`, `pool_passes` and `controller_instants` have just these two functions for others.
    """

    def advance(self, *arguments: object) -> None:
        """Go on with a run: the state, then what it was made of, then, but for the pool, up to when [s].

        The state is changed in place, and nothing is given back.
        """

    def warm_up(self) -> None:
        """Run the smallest of inputs, which has all kernels compiled or loaded.

        About a second where the cache folder has them, and much longer where they are compiled first.
        """


def kernel_digest(sources: tuple[Path, ...] = _SOURCES) -> str:
    """A short hash of the kernel sources, of numba's version and of Python's.

    Sixteen hexadecimal digits.  Comments count as well: it is the text that is hashed.
    """
    hashed = hashlib.sha256()
    for part in (metadata.version("numba"), platform.python_version(), *(path.read_text("utf-8") for path in sources)):
        hashed.update(part.encode())
    return hashed.hexdigest()[:16]


def cache_folder() -> Path:
    """Where compiled kernels are kept: under XDG_CACHE_HOME or ~/.cache, else the temporary folder, for the user alone.

    A folder that someone else owns, or to which others may write, is passed over: what lies in it would be run.  If there
    is no other, the kernels are compiled anew, in a folder that ends with the process.

    Its last part names the sources' hash, so several versions of Terp live side by side; old folders are never removed here.
    """
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    for folder in (base / "terp", Path(tempfile.gettempdir()) / f"terp-{os.getuid()}"):
        kept = folder / f"kernels-{kernel_digest()}"
        if _is_private(folder) and _is_private(kept):
            return kept
    return _passing_folder() / f"kernels-{kernel_digest()}"


def _is_private(folder: Path) -> bool:
    """Make a folder for its user alone if there is none; whether it is theirs, no link, and nobody else may write to it.

    False where it cannot be made, too: then the next place is tried.
    """
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir(mode=stat.S_IRWXU, exist_ok=True)
        state = folder.lstat()
    except OSError:
        return False
    own = stat.S_ISDIR(state.st_mode) and state.st_uid == os.getuid() and not state.st_mode & _OTHERS_WRITE
    return own and os.access(folder, os.W_OK | os.X_OK) and is_on_a_safe_way(folder)


@cache
def _passing_folder() -> Path:
    """A new folder for the user alone, the same as long as the process lives.

    Removed when the process ends in good order.
    """
    folder = tempfile.mkdtemp(prefix="terp-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Path(folder)


def compiled_before(name: str = "core") -> bool:
    """True if an engine was compiled on this machine before, so that it loads in about a second.

    Nothing is imported or compiled to find out, so it can be asked before a run to say that the first takes longer.
    """
    chapter = ENGINES[name].rpartition(".")[2]
    return any(cache_folder().rglob(f"{chapter}.advance-*.nbi"))


@cache
def kernels(name: str = "core") -> Kernels:
    """An engine, ready to run: loaded from `cache_folder()`, or compiled into it.

    name   core, pool or controller: each is compiled when it is first asked for

    Cached: asking twice gives the same module.  numba is imported here and not before, so who does not simulate never waits
    for it.  One process compiles at a time, and the others load what it made.  Code that is damaged is thrown away and
    compiled anew, and a disk that takes none leaves the run without: both are told by a CacheNotice.
    """
    import numba  # noqa: PLC0415 - a second of import, only for who simulates

    kept = cache_folder()
    numba.config.CACHE_DIR = str(kept)  # type: ignore[attr-defined]
    places = places_of(kept, [_HERE / package for package in ("shared", name)])
    with nullcontext() if compiled_before(name) else _turn(kept):
        if not is_whole(places):
            _throw_away(kept, "is damaged")
        module = cast("Kernels", import_module(f"{__package__}.{ENGINES[name]}"))
        try:
            module.warm_up()
        except Exception as error:
            if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES):
                warnings.warn(f"what is compiled cannot be kept in {kept}: {error.strerror}", CacheNotice, stacklevel=2)
                _forget()
            elif any(place.is_dir() for place in places):
                _throw_away(kept, "is damaged")
            else:
                raise
            module.warm_up()
        seal(places)
    return module


@contextmanager
def _turn(kept: Path) -> Iterator[None]:
    """One that compiles at a time; where no lock can be had, whoever comes."""
    with ExitStack() as stack:
        with suppress(Problems):
            stack.enter_context(one_writer(kept, waiting=lambda _: None))
        yield


def _throw_away(kept: Path, why: str) -> None:
    """Removes compiled code and says so."""
    discard(kept)
    kept.mkdir(mode=stat.S_IRWXU, exist_ok=True)
    wrong = f"the compiled code in {kept} {why}; it was thrown away and is compiled anew, which takes a minute or so"
    warnings.warn(wrong, CacheNotice, stacklevel=3)


def _forget() -> None:
    """Lets the kernels that are imported be compiled for this process alone."""
    nowhere = import_module("numba.core.caching").NullCache
    for module in [module for name, module in sys.modules.items() if name.startswith(f"{__package__}.")]:
        for kernel in vars(module).values():
            if hasattr(kernel, "_cache") and hasattr(kernel, "py_func"):
                kernel._cache = nowhere()  # noqa: SLF001


def cache_contents() -> list[CacheContent]:
    """The folders of compiled code of this user, of every version of the kernels, largest first."""
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    temporary = Path(tempfile.gettempdir())
    homes = [base / "terp", temporary / f"terp-{os.getuid()}"]
    homes += [path for path in temporary.glob("terp-*") if path not in homes]  # of processes that were killed
    kept = [folder for home in homes if _is_mine(home) for folder in home.glob("kernels-*") if _is_mine(folder)]
    return sorted(map(content_of, kept), key=lambda content: -content.size_bytes)


def _is_mine(folder: Path) -> bool:
    """Whether a folder is the user's, and no link."""
    try:
        state = folder.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(state.st_mode) and state.st_uid == os.getuid()


def clean_cache(*, dry_run: bool = False) -> list[CacheContent]:
    """Removes all compiled code of this user, and gives what that was; the next simulation compiles anew.

    dry_run   only tell
    """
    contents = cache_contents()
    if not dry_run:
        for content in contents:
            discard(Path(content.folder))
            with suppress(OSError):
                Path(content.folder).parent.rmdir()
    return contents
