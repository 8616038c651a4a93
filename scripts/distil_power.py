"""Distils the runs that power of nodes is fitted to and graded on from their readings.

    python scripts/distil_power.py FOLDER

FOLDER holds `mlperf_h100_node_power.parquet`, a reading of a node a row, and `mlperf_h100_runs.parquet`, a run a row, which says
when each began and ended: made of the power logs of Sustainable Metal Cloud in mlcommons/training_results_v4.0 (Apache-2.0).
Of each run its energy, quantiles and phases are kept.  Runs that the logs hold twice, under two names, are kept once.
"""

from __future__ import annotations

import hashlib
import sys
import tempfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from terp.validate.systems.power_rows import WINDOW, read_power_rows, write_power_rows

FOLDER = Path(__file__).parents[1] / "validation" / "power"
READINGS, RUNS = "mlperf_h100_node_power.parquet", "mlperf_h100_runs.parquet"
SPLIT = """# Runs that constants may be fitted to, as benchmark|nodes|run: of each group of a benchmark and a number of nodes those
# whose SHA-256 is even, dealt by its lowest bit, and at least one.  All others are graded.  A harder split besides: power-groups
# grades all runs on 8 and 9 nodes with constants that were fitted to runs of this list on 1 and 64 nodes only.
fit:
"""


def with_windows(folder: Path) -> pa.Table:
    """The readings, each with when its run began and ended."""
    readings, runs = pq.read_table(folder / READINGS), pq.read_table(folder / RUNS).to_pylist()
    known = {(row["benchmark"], row["n_nodes"], row["run"]): [row[name] for name in WINDOW] for row in runs}
    keys = zip(*(readings.column(name).to_pylist() for name in ("benchmark", "n_nodes", "run")), strict=True)
    found = [known[key] for key in keys]
    for index, name in enumerate(WINDOW):
        readings = readings.append_column(name, pa.array([pair[index] for pair in found], pa.int64()))
    return readings


def dealt(rows) -> list[str]:
    """Names of the runs to fit to."""
    names = {}
    for row in rows:
        name = f"{row.group}|{row.run}"
        names.setdefault(row.group, []).append((hashlib.sha256(name.encode()).digest()[-1] & 1, name))
    return [name for group in names.values() for bit, name in sorted(group)[: max(sum(not bit for bit, _ in group), 1)]]


def main() -> None:
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "readings.parquet"
        pq.write_table(with_windows(Path(sys.argv[1])), path)
        rows, skipped = read_power_rows(path)
    rows.sort(key=lambda row: (row.benchmark, row.nodes_count, row.run))
    FOLDER.mkdir(exist_ok=True)
    with (FOLDER / "table.csv").open("w", encoding="utf-8", newline="") as file:
        write_power_rows(rows, file)
    fit = dealt(rows)
    (FOLDER / "split.yaml").write_text(SPLIT + "".join(f'  - "{name}"\n' for name in fit), encoding="utf-8")
    print(f"{len(rows)} runs, {len(fit)} of them to fit to, in {FOLDER}")
    for row in skipped:
        print(f"left out: {row.name}: {row.reason}")


if __name__ == "__main__":
    main()
