"""Reads a table of measured machines: CSV with the columns of validation/top500/table.csv, values as printed.

Cells stay text until somebody asks for a number, so that a report can quote what was printed.  Two kinds of trouble are
kept apart: what is wrong with the table as a whole raises Problems here, all at once; a cell that is no number within
bounds only costs its row, and `Row.bad` says why.  `lines_of` serves tables with other columns too.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from terp.errors import Problem, Problems, did_you_mean
from terp.reader import one_line, read_text

NEEDED: Final = ("name", "accelerator", "gpus_est", "processor", "interconnect", "rmax_tflops")
"""Columns without which no machine can be made of any row."""
KNOWN: Final = (
    *NEEDED, "edition", "rank", "system_id", "site", "country", "vendor", "year", "cores_per_socket", "gpu_note",
    "cpu_cores", "gpu_cpu_ratio_sockets", "rpeak_tflops", "hpl_efficiency", "rmax_tf_per_gpu", "rpeak_tf_per_gpu",
    "vendor_fp64_matrix_peak_tf", "eff_vs_vendor_matrix_peak", "nmax", "matrix_tb", "gpu_mem_gb_assumed",
    "matrix_fraction_of_gpu_mem", "hpl_minutes", "power_kw", "power_source", "watts_per_gpu", "gflops_per_watt",
    "hpcg_tflops", "hpcg_gf_per_gpu", "hpcg_over_rpeak", "hplmxp_tflops", "hplmxp_over_hpl", "source",
)  # fmt: skip
"""All columns there may be; any other is taken for a misspelling."""


BOUNDS: Final = {
    "gpus_est": (1, 1e7), "rmax_tflops": (1e-3, 1e9), "rpeak_tflops": (1e-3, 1e10), "nmax": (1024, 1e9),
    "year": (1990, 2100), "cpu_cores": (1, 1e9), "cores_per_socket": (1, 1024), "power_kw": (1e-2, 1e7),
    "hpcg_tflops": (1e-4, 1e8), "hplmxp_tflops": (1e-3, 1e10),
}  # fmt: skip
"""Column -> the least and the most that a machine of this century may have there, in the unit of the column's name."""


@dataclass(frozen=True)
class Row:
    """One machine of the table: its columns as printed, and the line they stand on.

    line   number of the line in the file, from 1; the head is line 1
    text   column -> cell; every column of the file has one, perhaps empty
    """

    line: int
    text: dict[str, str]

    def number(self, column: str) -> float | None:
        """A column as a number within its bounds, in the unit that the column's name has; thousands may have commas.

        None where the cell is empty, the column is not there, or it holds no such number.  Columns without bounds of their
        own
        may hold 1e-9 to 1e12.
        """
        try:
            value = float(self.text.get(column, "").replace(",", ""))
        except ValueError:
            return None
        low, high = BOUNDS.get(column, (1e-9, 1e12))
        return value if low <= value <= high else None

    def bad(self, column: str) -> str:
        """What is wrong with a cell that holds something but no number within bounds; empty if nothing is.

        The words quote at most twenty characters of the cell.
        """
        cell = self.text.get(column, "").strip()
        if not cell or self.number(column) is not None:
            return ""
        low, high = BOUNDS.get(column, (1e-9, 1e12))
        return f"{column} is {cell[:20]!r}, no number from {low:g} to {high:g}"

    @property
    def name(self) -> str:
        """Name of the machine, or where it stands if the list gives none."""
        return self.text["name"].strip() or self.text.get("site", "").strip() or f"line {self.line}"


def read_rows(path: Path, *also: str) -> list[Row]:
    """The rows of a CSV file in UTF-8, in the order of the file.

    also   columns that are needed besides NEEDED, such as the one that publishes what a model predicts

    Raises Problems, all at once: columns that are missing, strange or twice, lines of another length, no rows at all.
    """
    return rows_of(read_text(path), str(path), *also)


def rows_of(text: str, file: str, *also: str) -> list[Row]:
    """The rows of a CSV text whose columns are those of KNOWN.

    file   name that the problems give
    also   columns that are needed besides NEEDED

    Raises Problems as `read_rows` does, and for an empty text.
    """
    if not text.removeprefix("\ufeff"):
        raise Problems([Problem(file, 1, 1, "", "empty", would_do="start with a line of column names")])
    return [Row(number, line) for number, line in lines_of(text, file, dict.fromkeys([*NEEDED, *also]), KNOWN)]


def lines_of(text: str, file: str, needed: Iterable[str], known: Collection[str] = ()) -> list[tuple[int, dict[str, str]]]:
    """The lines of a CSV text by number, columns by name.

    file     name that the problems give
    needed   columns that must be there
    known    all columns that may be there; any may if it is empty

    Gives pairs of line number, from 2, and cells by column; blank lines are passed over.  Raises Problems with everything
    that is wrong with the table, so that it can be mended in one go.
    """
    needed = list(needed)
    try:
        lines = list(csv.reader(io.StringIO(text.removeprefix("\ufeff")), strict=True))
    except csv.Error as error:
        raise Problems([Problem(file, 0, 0, "", f"not CSV: {error}")]) from None
    lines = [[one_line(cell) for cell in line] for line in lines]
    head = [name.strip() for name in lines[0]] if lines else []
    problems = [
        Problem(file, 1, 1, name, "missing column", would_do="needed are " + ", ".join(needed))
        for name in needed
        if name not in head
    ]
    problems += [
        Problem(file, 1, 1, name, "strange column", repr(name), did_you_mean(name, known))
        for name in dict.fromkeys(head)
        if known and name not in known
    ]
    problems += [Problem(file, 1, 1, name, "this column stands twice") for name in set(head) if head.count(name) > 1]
    problems += [
        Problem(file, number, 1, "", f"{len(line)} values under {len(head)} columns")
        for number, line in enumerate(lines[1:], 2)
        if line and len(line) != len(head)
    ]
    if not problems and not any(lines[1:]):
        problems.append(Problem(file, 2, 1, "", "no rows under the column names"))
    if problems:
        raise Problems(problems)
    return [(number, dict(zip(head, line, strict=True))) for number, line in enumerate(lines[1:], 2) if line]
