"""Files that stand under their name whole, or not at all."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from terp.errors import Problem, Problems


def write_whole_bytes(path: Path, data: bytes) -> None:
    """Writes a file beside its final name and renames it when whole.  Raises Problems if it cannot."""
    write_through(path, lambda draft: draft.write_bytes(data))


def write_through(path: Path, write: Callable[[Path], object]) -> None:
    """Lets `write` fill a draft beside the final name, and renames it when whole.  Raises Problems if it cannot."""
    draft = path.with_name(f".{path.name}.part")
    try:
        write(draft)
        draft.replace(path)
    except OSError as error:
        wrong = f"cannot be written: {error.strerror or error}"
        raise Problems([Problem(str(path), 0, 0, "", wrong, would_do="name another file")]) from None
    finally:
        draft.unlink(missing_ok=True)
