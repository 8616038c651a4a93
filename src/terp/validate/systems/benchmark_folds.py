"""Constants of HPL, HPCG and HPL-MxP that did not see a fold of the TOP500's machines, for grading that fold.

validation/top500/folds.yaml has them, a fold an entry, as scripts/fit_hpl.py fits them to the rows of all other folds.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import replace
from functools import cache
from typing import Final

from pydantic import Field

from terp.catalogue import with_constants
from terp.catalogue.read.constants import read_constants
from terp.errors import Problem, Problems
from terp.physics.benchmark.hpl import HplConstants
from terp.physics.benchmark.mxp import MxpConstants
from terp.physics.gpu.architectures import Architectures
from terp.reader import Record, read_entries, read_text, read_tree
from terp.validate.grading.cases import published_file

OF_CDNA: Final = ("cdna2", "cdna3")
"""Architectures that share one energy of a flop in DGEMM."""
OF_HPCG: Final = ("ampere", "hopper", "blackwell", "cdna2", "cdna3")
"""Architectures with an intensity of HPCG of their own."""


class FoldConstants(Record):
    """The constants that are fitted without a fold; they are what the catalogue's are in name and unit.

    network_fraction    of the volume that updates do not hide;  panel_s   of Ampere, a column and doubling of GPUs
    cdna_energy_j_per_flop   of DGEMM on CDNA
    activity_fraction   level of a node in HPL between idle and full
    intensity           useful flops of HPCG per byte, by architecture
    mxp_fraction        of the dense FP16 peak
    """

    network_fraction: float = Field(gt=0, le=10)
    panel_s: float = Field(ge=0, le=1)
    cdna_energy_j_per_flop: float = Field(gt=0, le=1e-9)
    activity_fraction: float = Field(gt=0, le=2)
    intensity: dict[str, float]
    mxp_fraction: float = Field(gt=0, le=1)


def with_fold(fold: int) -> AbstractContextManager[None]:
    """Models inside the `with` take the constants that were fitted without a fold.

    fold   0 to `split.FOLDS_COUNT` - 1.  Raises Problems for a file that cannot be read, KeyError for a fold without entry
    """
    return with_constants(*_records(fold))


@cache
def _records(fold: int) -> tuple[HplConstants, Architectures, MxpConstants]:
    """The records of a fold, which stand in for the catalogue's."""
    return records_of(_folds()[f"fold-{fold}"])


def records_of(values: FoldConstants) -> tuple[HplConstants, Architectures, MxpConstants]:
    """Constants of HPL, of architectures and of HPL-MxP with fitted values in the place of the catalogue's.

    An architecture without an intensity falls back on another, as one that nobody measured does.
    """
    table = read_constants(Architectures).changed("ampere", panel_s=values.panel_s)
    for name in OF_CDNA:
        table = table.changed(name, fp64_energy_j_per_flop=values.cdna_energy_j_per_flop)
    for name in OF_HPCG:
        table = table.changed(name, hpcg_flop_per_byte=values.intensity.get(name))
    hpl = replace(
        read_constants(HplConstants),
        network_fraction=values.network_fraction,
        activity_fraction=values.activity_fraction,
    )
    return hpl, table, MxpConstants(peak_fraction=values.mxp_fraction)


@cache
def _folds() -> dict[str, FoldConstants]:
    """All entries of the file by fold, read once.  Raises Problems for a file that does not hold them."""
    problems: list[Problem] = []
    path = published_file("top500", "folds.yaml")
    entries = read_entries(read_tree(read_text(path), str(path)), FoldConstants, problems)
    if problems:
        raise Problems(problems)
    return entries
