"""Reads a table of measured machines: CSV with the columns of validation/top500/table.csv, values as printed."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from terp.errors import Problem, Problems, did_you_mean
from terp.reader import read_text

NEEDED: Final = ("name", "accelerator", "gpus_est", "processor", "interconnect", "rmax_tflops")
KNOWN: Final = (
    *NEEDED, "edition", "rank", "system_id", "site", "country", "vendor", "year", "cores_per_socket", "gpu_note",
    "cpu_cores", "gpu_cpu_ratio_sockets", "rpeak_tflops", "hpl_efficiency", "rmax_tf_per_gpu", "rpeak_tf_per_gpu",
    "vendor_fp64_matrix_peak_tf", "eff_vs_vendor_matrix_peak", "nmax", "matrix_tb", "gpu_mem_gb_assumed",
    "matrix_fraction_of_gpu_mem", "hpl_minutes", "power_kw", "power_source", "watts_per_gpu", "gflops_per_watt",
    "hpcg_tflops", "hpcg_gf_per_gpu", "hpcg_over_rpeak", "hplmxp_tflops", "hplmxp_over_hpl", "source",
)  # fmt: skip


@dataclass(frozen=True)
class Row:
    """One machine of the table: its columns as printed, and the line they stand on."""

    line: int
    text: dict[str, str]

    def number(self, column: str) -> float | None:
        """A column as a number; None where it is empty, not there, or no number above 0."""
        try:
            value = float(self.text.get(column, "").replace(",", ""))
        except ValueError:
            return None
        return value if 0 < value < float("inf") else None

    @property
    def name(self) -> str:
        """Name of the machine, or where it stands if the list gives none."""
        return self.text["name"].strip() or self.text.get("site", "").strip() or f"line {self.line}"


def read_rows(path: Path) -> list[Row]:
    """The rows of a CSV file.  Raises Problems: columns that are missing, strange or twice, lines of another length."""
    return rows_of(read_text(path), str(path))


def rows_of(text: str, file: str) -> list[Row]:
    """The rows of a CSV text.  Raises Problems."""
    try:
        lines = list(csv.reader(io.StringIO(text.removeprefix("\ufeff")), strict=True))
    except csv.Error as error:
        raise Problems([Problem(file, 0, 0, "", f"not CSV: {error}")]) from None
    if not lines:
        raise Problems([Problem(file, 1, 1, "", "empty", would_do="start with a line of column names")])
    head = [name.strip() for name in lines[0]]
    problems = [
        Problem(file, 1, 1, name, "missing column", would_do="needed are " + ", ".join(NEEDED))
        for name in NEEDED
        if name not in head
    ]
    problems += [
        Problem(file, 1, 1, name, "strange column", repr(name), did_you_mean(name, KNOWN))
        for name in dict.fromkeys(head)
        if name not in KNOWN
    ]
    problems += [Problem(file, 1, 1, name, "this column stands twice") for name in set(head) if head.count(name) > 1]
    problems += [
        Problem(file, number, 1, "", f"{len(line)} values under {len(head)} columns")
        for number, line in enumerate(lines[1:], 2)
        if line and len(line) != len(head)
    ]
    if problems:
        raise Problems(problems)
    return [Row(number, dict(zip(head, line, strict=True))) for number, line in enumerate(lines[1:], 2) if line]
