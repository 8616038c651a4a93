"""Distils the TOP500 editions that ship with Terp from tables of rank, name, Rmax and power.

    python scripts/distil_lists.py RANKS.csv PARTIAL.csv src/terp/catalogue/lists/top500.parquet

RANKS has whole editions (edition, rank, name, rmax_tflops, power_kw); PARTIAL has entries of an edition whose whole list
was not found, known from the HPCG and HPL-MxP lists.  The HPL-MxP list rounds Rmax to 0.1 Pflop/s, so that neighbours
may stand out of order by that much; they are sorted by rank as printed.
"""

from __future__ import annotations

import csv
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq


def rows(path: str, *, whole: bool) -> list[dict[str, object]]:
    with Path(path).open(encoding="utf-8", newline="") as file:
        return [
            {
                "edition": row["edition"],
                "rank": int(row["rank"]),
                "name": row["name"],
                "rmax_flop_per_s": float(row["rmax_tflops"]) * 1e12,
                "power_w": float(row.get("power_kw") or 0) * 1e3,
                "whole": whole,
            }
            for row in csv.DictReader(file)
        ]


def main() -> None:
    ranks, partial, target = sys.argv[1:]
    found = sorted([*rows(ranks, whole=True), *rows(partial, whole=False)], key=lambda row: (row["edition"], row["rank"]))
    schema = pa.schema(
        [
            ("edition", pa.dictionary(pa.int8(), pa.string())),
            ("rank", pa.int16()),
            ("name", pa.string()),
            ("rmax_flop_per_s", pa.float64()),
            ("power_w", pa.float64()),
            ("whole", pa.bool_()),
        ]
    )
    pq.write_table(pa.Table.from_pylist(found, schema), target, compression="zstd")
    print(f"{len(found)} entries of {len({row['edition'] for row in found})} editions")


if __name__ == "__main__":
    main()
