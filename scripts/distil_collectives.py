"""Distils the collectives that Terp is fitted to and graded on from the tables they come from.

    python scripts/distil_collectives.py TABLES PUBLISHED.csv

TABLES holds a folder a GPU with `nccl.parquet` (aiconfigurator-core 0.12.0, Apache-2.0), of which the rows in half precision
are kept: `message_size` counts elements.  PUBLISHED has what others printed, a line a measurement.  Chips that the catalogue
does not know, such as boards on PCIe alone, are left out.
"""

from __future__ import annotations

import csv
import sys
from pathlib import Path

import pyarrow.parquet as pq

FILE = Path(__file__).parents[1] / "validation" / "collectives" / "table.csv"
GPUS = {
    "a100_sxm": "a100-sxm-80gb", "h100_sxm": "h100-sxm-80gb", "h200_sxm": "h200-sxm-141gb",
    "b200_sxm": "b200-sxm-180gb", "gb200": "gb200", "gb300": "gb300",
}  # fmt: skip
KINDS = {"alltoall": "all_to_all"}
COLUMNS = (
    "collective", "gpu", "gpus", "nodes", "inter", "library", "algo", "size_bytes", "time_us", "busbw_gb_s", "in_place",
    "source", "note",
)  # fmt: skip


def in_columns(row: dict, gpu: str) -> dict[str, object]:
    return {
        "collective": KINDS.get(row["op_name"], row["op_name"]),
        "gpu": gpu,
        "gpus": row["num_gpus"],
        "nodes": 1,
        "library": f"NCCL {row['version']}",
        "size_bytes": 2 * row["message_size"],
        "time_us": f"{row['latency'] * 1e3:.6g}",
        "source": "aiconfigurator",
    }


def main() -> None:
    tables, published = Path(sys.argv[1]), Path(sys.argv[2])
    rows = []
    for folder, gpu in GPUS.items():
        found = pq.read_table(tables / folder / "nccl.parquet").to_pylist()
        rows += [in_columns(row, gpu) for row in found if row["nccl_dtype"] == "half"]
    with published.open(encoding="utf-8", newline="") as file:
        rows += [{key: row[key] for key in COLUMNS} for row in csv.DictReader(file)]
    FILE.parent.mkdir(exist_ok=True)
    with FILE.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    print(f"{len(rows)} rows, {FILE.stat().st_size} bytes in {FILE}")


if __name__ == "__main__":
    main()
