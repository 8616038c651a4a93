"""Who published the rows that models are graded on: the head of each folder's source.yaml as a citation.

Results carry these as `.sources`.  Tables of a caller's own have none: only the caller knows where they are from.
"""

from __future__ import annotations

from functools import cache
from typing import Final

from terp.notes import SourceNote
from terp.reader import read_text, read_tree
from terp.validate.grading.cases import published_file

_TOP500: Final = ("top500",)
FOLDERS: Final[dict[str, tuple[str, ...]]] = {
    "hpl": _TOP500,
    "hpl-power": _TOP500,
    "hpcg": _TOP500,
    "mxp": _TOP500,
    "kernels": ("aiconfigurator", "terp-h100"),
    "collectives": ("collectives",),
    "training": ("training",),
    "power": ("power",),
    "costs": ("costs",),
    "fleets": ("fleets",),
    "slurm": ("slurm",),
}
"""What can be validated -> the folders of validation/ that its rows are from."""


@cache
def sources_of(model: str) -> tuple[SourceNote, ...]:
    """The citations of the shipped rows of a model, a key of `FOLDERS`.  Raises Problems if a file cannot be read.

    They are in the order of the folders, and are read once for a process.  Raises KeyError for a model that is not there.
    """
    return tuple(_source(folder) for folder in FOLDERS[model])


def _source(folder: str) -> SourceNote:
    """The citation of one folder of validation/; words that its source.yaml lacks are empty."""
    path = published_file(folder, "source.yaml")
    data = read_tree(read_text(path), str(path)).mapping
    words = {key: str(data.get(key, "")) for key in ("title", "publisher", "address")}
    return SourceNote(key=folder, **words)
