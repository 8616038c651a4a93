"""Distils the kernel measurements that Terp is fitted to and graded on from the tables they come from.

    python scripts/distil_kernels.py TABLES MEASURED.jsonl

TABLES holds a folder a GPU with `gemm.parquet` and `attention_prefill.parquet` (aiconfigurator-core 0.12.0, Apache-2.0);
MEASURED has the kernels of one H100.  Of each table a few hundred rows are taken by a fixed random draw.
"""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

FOLDER = Path(__file__).parents[1] / "validation"
GPUS = {"h100_sxm": "h100-sxm-80gb", "h200_sxm": "h200-sxm-141gb", "a100_sxm": "a100-sxm-80gb", "b200_sxm": "b200-sxm-180gb"}
ROWS = 500


def drawn(path: Path, **wanted: object) -> list[dict[str, object]]:
    table = pq.read_table(path)
    keep = np.ones(table.num_rows, bool)
    for column, value in wanted.items():
        keep &= np.array(table.column(column).to_pylist()) == value
    chosen = np.sort(np.random.default_rng(1).permutation(np.flatnonzero(keep))[:ROWS])
    return table.take(chosen).to_pylist()


def write(path: Path, rows: list[dict[str, object]]) -> None:
    path.parent.mkdir(exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    print(f"{len(rows)} rows in {path}")


def main() -> None:
    tables, measured = Path(sys.argv[1]), Path(sys.argv[2])
    rows = []
    for folder, gpu in GPUS.items():
        for row in drawn(tables / folder / "gemm.parquet", gemm_dtype="bfloat16"):
            shape = {"m": row["m"], "n": row["n"], "k": row["k"]}
            rows.append({"gpu": gpu, "kind": "gemm", "dtype": "bf16", **shape, "s": f"{row['latency'] * 1e-3:.6g}"})
        for row in drawn(
            tables / folder / "attention_prefill.parquet",
            attn_dtype="bfloat16", kv_cache_dtype="bfloat16", window_size=0,
        ):  # fmt: skip
            shape = {"b": row["batch_size"], "heads": row["num_heads"], "kv": row["num_key_value_heads"]}
            shape |= {"s_len": row["isl"], "hd": row["head_dim"], "causal": True}
            rows.append({"gpu": gpu, "kind": "attn", "dtype": "bf16", **shape, "fwd_s": f"{row['latency'] * 1e-3:.6g}"})
    head = dict.fromkeys(key for row in rows for key in row)
    write(FOLDER / "aiconfigurator" / "table.csv", [{key: row.get(key, "") for key in head} for row in rows])
    kept = (
        "kind",
        "dtype",
        "m",
        "n",
        "k",
        "b",
        "heads",
        "s_len",
        "hd",
        "causal",
        "backend",
        "op",
        "bytes",
        "s",
        "fwd_s",
        "bwd_s",
    )
    lines = [json.loads(line) for line in measured.read_text("utf-8").splitlines()]
    ours = [row for row in lines if row["kind"] in ("gemm", "attn", "mem") and "error" not in row]
    write(FOLDER / "terp-h100" / "kernels.csv", [{key: _digits(row.get(key, "")) for key in kept} for row in ours])
    kept = (
        "kind",
        "name",
        "L",
        "h",
        "heads",
        "kv",
        "ffn",
        "vocab",
        "swiglu",
        "seq",
        "batch",
        "recompute",
        "compile",
        "patch",
        "base",
        "cin",
        "classes",
        "ch",
        "H",
        "W",
        "p",
        "arch",
        "ctx",
        "s",
        "power_w",
        "mem_gb",
    )
    ours = [row for row in lines if row["kind"] in ("train", "prefill", "decode") and "error" not in row]
    write(FOLDER / "terp-h100" / "steps.csv", [{key: _digits(row.get(key, "")) for key in kept} for row in ours])


def _digits(value: object) -> object:
    return f"{value:.6g}" if isinstance(value, float) else value


if __name__ == "__main__":
    main()
