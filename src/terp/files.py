"""Files that stand under their name whole, or not at all: the one writer of all that Terp leaves on disk."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from pathlib import Path

from terp.errors import Problem, Problems


def write_whole(path: Path, content: str | bytes) -> None:
    """Writes text, in UTF-8, or bytes under a name at once: a reader sees the old file or the new one.

    Raises Problems if it cannot.
    """
    data = content.encode() if isinstance(content, str) else content
    write_through(path, lambda draft: draft.write_bytes(data))


def write_through(path: Path, write: Callable[[Path], object]) -> None:
    """Lets `write` fill a draft that lies beside the final name, and renames it when whole.

    Two that write one file each fill a draft of their own, and the later one's stays.  Raises Problems if it cannot.
    """
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        write(draft)
        draft.replace(path)
    except OSError as error:
        wrong = f"cannot be written: {error.strerror or error}"
        raise Problems([Problem(str(path), 0, 0, "", wrong, would_do="name another file with -o")]) from None
    finally:
        draft.unlink(missing_ok=True)
