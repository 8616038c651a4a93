"""Loads the compiled core with its cache in a folder named by a hash of its source.

numba's cache does not see edits in other modules, and a stale result is worse than a slow one: every kernel stands in
`core.py`, and the folder's name changes with it, with numba and with Python.
"""

from __future__ import annotations

import hashlib
import os
import platform
import tempfile
from functools import cache
from importlib import import_module, metadata
from pathlib import Path
from typing import Any, Final

_SOURCES: Final = (Path(__file__).with_name("core.py"),)


def kernel_digest(sources: tuple[Path, ...] = _SOURCES) -> str:
    """A short hash of the kernel sources, of numba's version and of Python's."""
    hashed = hashlib.sha256()
    for part in (metadata.version("numba"), platform.python_version(), *(path.read_text("utf-8") for path in sources)):
        hashed.update(part.encode())
    return hashed.hexdigest()[:16]


def cache_folder() -> Path:
    """Where compiled kernels are kept: under XDG_CACHE_HOME or ~/.cache, else the temporary folder."""
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    for folder in (base / "terp", Path(tempfile.gettempdir()) / f"terp-{os.getuid()}"):
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError:
            continue
        if os.access(folder, os.W_OK):
            return folder / f"kernels-{kernel_digest()}"
    return Path(tempfile.mkdtemp()) / f"kernels-{kernel_digest()}"


def compiled_before() -> bool:
    """True if the core was compiled on this machine before, so that it loads in about a second."""
    return any(cache_folder().rglob("core.advance-*.nbi"))


@cache
def kernels() -> Any:
    """The module `terp.simulate.core`, ready to run: loaded from `cache_folder()`, or compiled into it."""
    import numba  # noqa: PLC0415 - a second of import, only for who simulates

    numba.config.CACHE_DIR = str(cache_folder())  # type: ignore[attr-defined]
    core = import_module("terp.simulate.core")
    core.advance(*core.smallest_run(), 1)
    return core
