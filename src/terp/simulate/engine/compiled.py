"""Loads compiled kernels with their cache in a folder named by a hash of their sources.

numba's cache does not see edits in other modules, and a stale result is worse than a slow one: the folder's name changes
with every module of kernels, with numba and with Python.  Each of them has `advance`, its outermost kernel, and `warm_up`,
which runs it on the smallest of inputs.
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

MODULES: Final = ("core", "pool", "controller")
_FILES: Final = tuple(Path(__file__).with_name(f"{name}.py") for name in MODULES)
_SOURCES: Final = tuple(path for path in _FILES if path.exists())


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


def compiled_before(name: str = "core") -> bool:
    """True if a module of kernels was compiled on this machine before, so that it loads in about a second."""
    return any(cache_folder().rglob(f"{name}.advance-*.nbi"))


@cache
def kernels(name: str = "core") -> Any:
    """A module of kernels, ready to run: loaded from `cache_folder()`, or compiled into it.

    name   core, pool or controller: each is compiled when it is first asked for
    """
    import numba  # noqa: PLC0415 - a second of import, only for who simulates

    numba.config.CACHE_DIR = str(cache_folder())  # type: ignore[attr-defined]
    module = import_module(f"terp.simulate.engine.{name}")
    module.warm_up()
    return module
