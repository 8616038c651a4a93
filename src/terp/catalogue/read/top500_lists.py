"""The TOP500 editions that are held, and where a machine would stand in them.

Nine whole editions, and the part of 2025-11 that the HPCG and HPL-MxP lists show (top500-lists).  The Green500 is not
held: a place by efficiency is worked out from the TOP500's own powers, while the Green500 often takes another run,
tuned for it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib import resources

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from terp.arrays import numbers_of
from terp.errors import UnknownName


@dataclass(frozen=True)
class Own:
    """The machine's own entry, by which it is left aside: its name, and Rmax within a factor of two.

    Machines share names (two are called Eagle, two Alps), and grow from edition to edition.

    rmax_flop_per_s   that the list has, or a predicted one where the machine is not listed
    """

    name: str
    rmax_flop_per_s: float


@dataclass(frozen=True)
class Place:
    """Where a machine would stand.

    rank    None if below the list's end
    exact   False where the edition is held in part, and the rank interpolated
    above, below   name and Rmax of the neighbours [flop/s]; None at an end

    edition   such as "2024-11"
    """

    edition: str
    rank: int | None
    exact: bool
    above: tuple[str, float] | None
    below: tuple[str, float] | None


@dataclass(frozen=True)
class Edition:
    """One edition, by rank: names, Rmax [flop/s] and power [W], 0 where none was submitted.

    edition   such as "2024-11";  whole   False where only a part of it is held
    Arrays have the shape (entries,), in order of rank.
    """

    edition: str
    whole: bool
    rank: NDArray[np.int64]
    name: NDArray[np.str_]
    rmax: NDArray[np.float64]
    power: NDArray[np.float64]

    def place(self, rmax_flop_per_s: float, own: Own | None = None) -> Place:
        """Where Rmax would stand, the machine's own entry apart.

        rmax_flop_per_s   of the machine [flop/s];  own   its own entry, left aside as if it were not listed

        A machine as fast as a listed one stands before it.
        """
        others = self._without(own)
        faster = others & (self.rmax > rmax_flop_per_s)
        slower = others & ~faster
        above = int(np.flatnonzero(faster).max()) if faster.any() else None
        below = int(np.flatnonzero(slower).min()) if slower.any() else None
        return Place(
            self.edition,
            self._rank(faster, above, below, rmax_flop_per_s),
            self.whole,
            self._entry(above),
            self._entry(below),
        )

    def green_rank(self, flop_per_s_per_w: float, rmax_flop_per_s: float, own: Own | None = None) -> int | None:
        """Place by Rmax over power among the entries that say their power; None in an edition held in part, and for a
        machine that would not be listed.

        flop_per_s_per_w   Rmax over power [flop/s/W], which is flops per joule
        """
        if not self.whole or self.place(rmax_flop_per_s, own).rank is None:
            return None
        others = self._without(own) & (self.power > 0)
        return 1 + int((self.rmax[others] / self.power[others] > flop_per_s_per_w).sum())

    def _without(self, own: Own | None) -> NDArray[np.bool_]:
        """True for the entries that count: all but the machine's own, by name and by Rmax within a factor of two."""
        if own is None:
            return np.ones(self.rank.size, np.bool_)
        others: NDArray[np.bool_] = (self.name != own.name) | (np.abs(np.log2(self.rmax / own.rmax_flop_per_s)) > 1)
        return others

    def _rank(self, faster: NDArray[np.bool_], above: int | None, below: int | None, rmax: float) -> int | None:
        """The rank: counted in a whole edition; in one held in part, by rank of the neighbours and the logarithm of Rmax
        between them.
        """
        if self.whole:
            rank = 1 + int(faster.sum())
            return rank if rank <= self.rank.max() else None
        if below is None:
            return None
        first = int(self.rank[above]) + 1 if above is not None else 1
        last = int(self.rank[below])
        if above is None or last <= first:
            return min(first, last)
        share = np.log(self.rmax[above] / rmax) / np.log(self.rmax[above] / self.rmax[below])
        return first + int(share * (last - first))

    def _entry(self, index: int | None) -> tuple[str, float] | None:
        """Name and Rmax [flop/s] of an entry by its index; None for none."""
        return None if index is None else (str(self.name[index]) or "(no name)", float(self.rmax[index]))


@cache
def _editions() -> dict[str, Edition]:
    """All editions by name, oldest first, from the Parquet file; read once."""
    with resources.as_file(resources.files("terp.catalogue").joinpath("lists", "top500.parquet")) as path:
        table = pq.ParquetFile(path).read()
    texts = {name: np.array(table.column(name).to_pylist(), np.str_) for name in ("edition", "name")}
    whole = np.array(table.column("whole").to_pylist(), np.bool_)
    numbers = {name: numbers_of(table.column(name)) for name in ("rank", "rmax_flop_per_s", "power_w")}
    editions = {}
    for edition in sorted(set(texts["edition"].tolist())):
        rows = texts["edition"] == edition
        editions[edition] = Edition(
            edition=edition,
            whole=bool(whole[rows].all()),
            rank=numbers["rank"][rows].astype(np.int64),
            name=texts["name"][rows],
            rmax=numbers["rmax_flop_per_s"][rows],
            power=numbers["power_w"][rows],
        )
    return editions


def editions() -> tuple[str, ...]:
    """The editions held, oldest first."""
    return tuple(_editions())


def edition(name: str) -> Edition:
    """An edition, such as "2024-11".  Raises UnknownName with those that are held."""
    listed = _editions().get(name)
    if listed is None:
        raise UnknownName("edition of the TOP500", name, _editions())
    return listed
