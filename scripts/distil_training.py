"""Distils the measured training steps that Terp is fitted to and graded on.

    python scripts/distil_training.py TRAINING.csv ONE_NODE.csv UNSEEN.csv

Keeps the columns that the rows are read from, and of each note the words that change how its row is read.
"""

from __future__ import annotations

import csv
import re
import sys
from pathlib import Path

FOLDER = Path(__file__).parents[1] / "validation" / "training"
DROPPED = ("mfu", "tokens_per_s_per_gpu")
WORDS = (
    r"ZeRO-1 group \d+|shard group[= ]\d+|HSDP|GiB|hardware FLOPs|count recomputation|include recompute|LoRA rank \d+"
    r"|causal attention counted|assumed|no sequence parallel|sequence parallel \+ selective|not compiled|compiled"
    r"|with \d+ (?:first )?dense layers?|no master weights|all-to-all of heads|DeepEP|HybridEP"
    r"|chunked cross entropy|cross entropy fused|allocator counted|in GiB, active|OverlappedDistributedOptimizer|DistributedOptimizer, not overlapped"
)
"""What validation/training/words.yaml looks for in a note."""


def main(training: str, one_node: str, unseen: str) -> None:
    for path, name in ((training, "table.csv"), (one_node, "one_node.csv"), (unseen, "unseen.csv")):
        with Path(path).open(encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        columns = [column for column in rows[0] if column not in DROPPED]
        with (FOLDER / name).open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, columns, lineterminator="\n", extrasaction="ignore")
            writer.writeheader()
            for row in rows:
                if not row["step_time_s"] and row["tokens_per_s_per_gpu"] and not row["tflops_per_gpu"]:
                    row["step_time_s"] = step_of_rate(row)
                row["note"] = "; ".join(dict.fromkeys(re.findall(WORDS, row["note"])))
                row["source"] = re.sub(r"(@[0-9a-f]{7}).*", r"\1", row["source"])
                writer.writerow(row)
        print(f"{len(rows)} rows in {name}")


def step_of_rate(row: dict[str, str]) -> str:
    if not (row["global_batch"] and row["seq_len"]):
        return ""
    tokens = float(row["global_batch"]) * float(row["seq_len"])
    return f"{tokens / float(row['tokens_per_s_per_gpu']) / float(row['gpus']):.6g}"


if __name__ == "__main__":
    main(*sys.argv[1:])
