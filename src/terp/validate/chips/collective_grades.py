"""The model of collectives against measured ones: tables of six chips in a node, and what others printed, wherever.

Sources print a time, or a bus bandwidth by the convention of nccl-tests: (n - 1) / n of the bytes pass a wire once, in
an all-reduce twice.  The first messages of a sweep are often slower than larger ones that come after; those are left
out, as they tell of the warm-up and not of the network.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from terp.catalogue import Accelerator, Catalogue, read_catalogue, read_spellings, spelt
from terp.physics.fabric.collectives import Interconnect, collective_s, interconnect_between
from terp.physics.gpu.kernels import software_named
from terp.reader import read_text
from terp.validate.grading.cases import expected, published_file
from terp.validate.grading.csv_table import lines_of
from terp.validate.grading.grade import Grade, GradedCase, Skipped
from terp.validate.grading.left_out import with_known_intervals, with_left_out_intervals
from terp.validate.grading.split import groups_for_fitting

SOURCE: Final = "collectives"
CONSTANTS: Final = (
    "share of the links", "share in the switch, Hopper", "share in the switch, Blackwell", "own copy", "filling", "start",
    "step", "start in the switch", "latencies of Ampere", "latencies of Blackwell",
)  # fmt: skip
"""Names of the constants that were fitted, as the grade lists them."""
NEEDED: Final = ("collective", "gpu", "gpus", "nodes", "size_bytes", "time_us")
"""Columns a table must have; `inter`, `library`, `algo`, `source` and `busbw_gb_s` are used if they are there."""
KINDS: Final = ("all_reduce", "all_gather", "reduce_scatter", "all_to_all")
"""The collectives that are modelled."""
MOVED: Final = {"all_reduce": 2.0}
"""Collective -> times that its bytes pass a wire; once for others."""
BOUNDS: Final = {
    "gpus": (2, 1e6), "nodes": (1, 1e5), "size_bytes": (1, 1e15), "time_us": (1e-2, 1e12), "busbw_gb_s": (1e-6, 1e6),
}  # fmt: skip
"""Column -> the least and the most there may be, in the unit of its name."""
SERIES: Final = ("collective", "gpu", "gpus", "nodes", "library", "source", "algo")
"""Columns that are the same for the sizes of one sweep."""
GBIT: Final = 1.25e8
"""Bytes per second in one Gb/s."""
COLD: Final = 2.0
"""A message that took more than this over a longer one of its series was not warmed up."""


@dataclass(frozen=True)
class CollectiveRow:
    """One measured collective: its columns as printed, and what was read from them.

    gpu            the catalogue's name
    net            rates and latencies of links, switch and ports
    ranks_count    GPUs that take part
    inside_count   of them in one node
    size_bytes     of the message, as nccl-tests count it
    time_s         as printed, or from the bus bandwidth
    """

    text: Mapping[str, str]
    gpu: str
    net: Interconnect
    ranks_count: int
    inside_count: int
    size_bytes: float
    time_s: float

    @property
    def kind(self) -> str:
        """Which collective."""
        return self.text["collective"]

    @property
    def name(self) -> str:
        """The collective in a few words."""
        return f"{self.kind} of {self.size_bytes:.4g} B on {self.ranks_count}"

    @property
    def class_name(self) -> str:
        """How much is known: all of what stays on the links of a node or rack, and little of a network between nodes."""
        return "over links" if self.ranks_count == self.inside_count else "across nodes"

    @property
    def part(self) -> str:
        """Collective, chip and nodes; the rows that are graded together.

        It is what long lists of cases are summed up by.
        """
        nodes = self.ranks_count // self.inside_count
        return f"{self.kind}, {self.gpu}, {nodes} node{'s' if nodes > 1 else ''}"


def is_for_fitting(row: CollectiveRow) -> bool:
    """True if constants were fitted to the row: one chip of each architecture, of one source, in validation's split.yaml.

    The groups are "source|GPU", so that a chip of one source may be for fitting and the same chip of another graded.
    """
    return f"{row.text.get('source', '')}|{row.gpu}" in groups_for_fitting(SOURCE)


def predict(row: CollectiveRow) -> float:
    """The model's time of a row [s]; one that PyTorch timed waits for its launch from the host besides.

    The model is `collective_s` on the row's own links, switch and ports: nothing of the measured time goes in.
    """
    host_s = software_named("torch-eager").host_s if "torch" in row.text.get("library", "").lower() else 0.0
    return host_s + float(collective_s(row.net, row.kind, row.size_bytes, row.ranks_count, row.inside_count))


def _baseline(row: CollectiveRow) -> float:
    """Bytes over the rate of links or ports, nothing else [s]: no latency, no share of a rate that is lost."""
    ranks, inside, net = row.ranks_count, row.inside_count, row.net
    share = (ranks - 1) / ranks
    if inside == ranks:
        rate = net.link_bytes_per_s
    elif row.kind == "all_to_all":
        share, rate = (ranks - inside) / ranks, net.port_bytes_per_s
    else:
        rate = min(net.link_bytes_per_s, net.port_bytes_per_s * inside)
    return MOVED.get(row.kind, 1.0) * share * row.size_bytes / rate


@cache
def shipped_rows() -> tuple[tuple[CollectiveRow, ...], tuple[Skipped, ...]]:
    """The rows that ship, and those that no case is made of.

    Read once for a process, in the order of the table.
    """
    return _read(published_file(SOURCE, "table.csv"))


def grade_collectives(path: Path | None = None) -> Grade:
    """The grade of collectives [s]: on shipped rows that nothing was fitted to, or on all rows of a CSV file.

    path   the file; None for the rows that ship

    Raises Problems for a file that is no table with the columns of NEEDED.
    """
    rows, skipped = shipped_rows() if path is None else _read(path)
    cases = [
        GradedCase(
            row.name, row.part, row.time_s, predict(row), _baseline(row), {"shape": "stated"}, is_for_fitting(row),
            class_name=row.class_name, group=row.text.get("source", "").partition("@")[0],
        )
        for row in rows
        if path is not None or not is_for_fitting(row)
    ]  # fmt: skip
    given = with_left_out_intervals(cases) if path is None else with_known_intervals("collectives", cases)
    return Grade(
        model="collectives",
        quantity="time",
        unit="s",
        rows_count=len(rows),
        fitted_count=sum(is_for_fitting(row) for row in rows),
        cases=given,
        skipped=skipped,
        constants=CONSTANTS,
        limits=expected(SOURCE, "collectives"),
    )


def _read(path: Path) -> tuple[tuple[CollectiveRow, ...], tuple[Skipped, ...]]:
    """The rows of a file, and its others with the reason why none is made of them.

    From the largest message of a sweep to the smallest: one that took twice as long as a larger one was not warmed up.
    """
    lines = lines_of(read_text(path), str(path), NEEDED)
    catalogue = read_catalogue()
    rows, skipped = [], []
    warm: dict[tuple[str, ...], float] = {}
    for number, text in sorted(lines, key=lambda line: -(_number(line[1], "size_bytes") or 0)):
        row = _row(text, catalogue)
        if isinstance(row, str):
            skipped.append((number, Skipped(f"line {number}, {text['collective'][:30]}", row)))
            continue
        series = tuple(
            text.get(column, "") for column in ("collective", "gpu", "gpus", "nodes", "library", "source", "algo")
        )
        least = warm.setdefault(series, row.time_s)
        if row.time_s > COLD * least:
            skipped.append((number, Skipped(f"line {number}, {row.name}", "a longer message took less than half as long")))
            continue
        warm[series] = min(least, row.time_s)
        rows.append((number, row))
    rows.sort(key=lambda entry: entry[0])
    skipped.sort(key=lambda entry: entry[0])
    return tuple(row for _, row in rows), tuple(row for _, row in skipped)


def _row(text: Mapping[str, str], catalogue: Catalogue) -> CollectiveRow | str:
    """The collective of a line, or why none is made of it.

    A row is refused that has another collective, a GPU that the catalogue has not, numbers out of bounds, GPUs that do not
    divide over nodes, a forced tree, or several nodes whose ports are not told.
    """
    if text["collective"] not in KINDS:
        return f"no collective that is modelled: {text['collective'][:40]!r}"
    part = spelt(f"{text['gpu']} ", read_spellings().collectives)
    if part is None:
        return f"no GPU of the catalogue: {text['gpu'][:40]!r}"
    for column in ("gpus", "nodes", "size_bytes", "time_us" if text["time_us"].strip() else "busbw_gb_s"):
        if text.get(column, "").strip() and _number(text, column) is None:
            low, high = BOUNDS[column]
            return f"{column} is {text[column][:20]!r}, no number from {low:g} to {high:g}"
    ranks, nodes, size = (_number(text, column) for column in ("gpus", "nodes", "size_bytes"))
    if ranks is None or nodes is None or size is None:
        return "no " + " or ".join(column for column in ("gpus", "nodes", "size_bytes") if _number(text, column) is None)
    if ranks % nodes or ranks % 1 or nodes % 1:
        return f"{text['gpus']} GPUs do not divide over {text['nodes']} nodes"
    time_s = _time_s(text, ranks, size)
    if time_s is None:
        return "neither time_us nor busbw_gb_s"
    algorithm = text.get("algo", "").lower()
    if "tree" in algorithm and "nvls/tree" not in algorithm:
        return "an algorithm was forced that would not have been chosen"
    ports = _port_bytes_per_s(text.get("inter", ""), ranks / nodes)
    if nodes > 1 and ports is None:
        return f"the rate of a node's ports is not said in inter: {text.get('inter', '')[:40]!r}"
    net = interconnect_between(catalogue.part(Accelerator, part), int(ranks / nodes), ports or 0.0)
    if algorithm.startswith("ring") and "nvls from" not in algorithm:
        net = dataclasses.replace(net, switch_bytes_per_s=0.0)
    return CollectiveRow(text, part, net, int(ranks), int(ranks / nodes), size, time_s)


def _time_s(text: Mapping[str, str], ranks: float, size_bytes: float) -> float | None:
    """Time as printed, or from the bus bandwidth that is printed instead [s].

    bus bandwidth   (n - 1) / n of the bytes over the time, twice that for an all-reduce, as nccl-tests print it
    """
    time_us, bus = _number(text, "time_us"), _number(text, "busbw_gb_s")
    if time_us is not None:
        return 1e-6 * time_us
    if bus is None:
        return None
    return MOVED.get(text["collective"], 1.0) * (ranks - 1) / ranks * size_bytes / (1e9 * bus)


def _port_bytes_per_s(inter: str, gpus: float) -> float | None:
    """Rate of a node's ports over its GPUs, from words such as "8x 400 Gb/s" or "4x HDR200" [B/s].

    None where the words have no such pair of numbers; one node needs none.
    """
    ports = re.search(r"(\d+)\s*x\s*[a-z]*\s*(\d+)", inter.lower())
    return int(ports[1]) * int(ports[2]) * GBIT / gpus if ports else None


def _number(text: Mapping[str, str], column: str) -> float | None:
    """A column as a number within its bounds; None where it holds none.

    Bounds are those of BOUNDS, in the unit of the column's name.
    """
    try:
        value = float(text.get(column, ""))
    except ValueError:
        return None
    low, high = BOUNDS[column]
    return value if low <= value <= high else None
