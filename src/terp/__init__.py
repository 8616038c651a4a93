"""Terp: an AI supercomputer in software, from one description of the machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from terp.results.record import Viewer

__version__ = "0.1.0"


def viewer() -> Viewer:
    """How records show themselves: what results, which stand below `views`, reach it by."""
    from terp.views import notebook  # noqa: PLC0415 - views stand above everything, and are loaded when they show

    return notebook
