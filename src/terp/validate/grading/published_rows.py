"""One row of a list -> what HPL sees of the machine, from the row alone, with how each input is known.

Lists of the TOP500 print names, cores and a peak, not nodes or ports.  What is missing is inferred from what stands
there: the number of GPUs from cores, GPUs a node from GPUs a socket, ports from the name of the network.  A row that
such rules cannot read, as it mixes two kinds of GPU or counts nodes without any, is left out with the reason.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

from terp.catalogue import Accelerator, Catalogue, read_spellings, spelt
from terp.physics import HplSystem, NodeLevels, levels_from_parts
from terp.validate.grading.csv_table import Row

OPTIONAL: Final = ("nmax", "rpeak_tflops", "cpu_cores", "cores_per_socket", "year")
"""Columns that are used where they hold a number."""

MATRIX_OVER_MEMORY: Final = 2.5  # above this an Nmax is a slip of the pen: superchips with host memory reach 2
"""Bytes of the matrix over those of the GPUs' memory, above which a listed Nmax is not believed."""
FEWEST_A_SOCKET: Final = 0.95
"""GPUs a host socket, below which nodes without GPUs must have taken part."""
HOST_MATRIX: Final = 1.3  # above this the matrix lies in host memory; only superchips reach that at link speed
"""Bytes of the matrix over those of the GPUs' memory, above which it must have lain in host memory."""
PEAK_SHARE: Final = 0.65  # below this share of the chip's peak, the listed Rpeak a GPU shows that the GPUs are miscounted
_OWN_NODES: Final = re.compile(r"epyc 7742 |xeon platinum 8480c 56c|xeon platinum 8570 56c")
"""Host processors of DGX A100, H100 and H200, and B200, as lists write them; others seldom buy them."""
GBIT: Final = 1.25e8
"""Bytes per second in one Gb/s."""


@dataclass(frozen=True)
class Built:
    """A machine built from a row.

    row      the row as printed
    part     the catalogue's name of its GPU
    system   what HPL, HPCG and HPL-MxP are predicted from
    levels   power of a node at each level of work [W]
    known    input -> how it is known: stated, inferred, assumed, or left aside with the reason
    """

    row: Row
    part: str
    system: HplSystem
    levels: NodeLevels
    known: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Unbuilt:
    """A row that no machine can be built from, and why: it becomes a `Skipped` of the grade."""

    name: str
    reason: str


def build_row(row: Row, catalogue: Catalogue) -> Built | Unbuilt:
    """The machine of a row, or the reason why there is none.

    catalogue   where the row's GPU is looked up

    A machine is only built where the row has a GPU of the catalogue, a number of GPUs, an Rmax, and a peak and a matrix
    that go with them.  Optional columns that hold nonsense are left aside, which `known` says.
    """
    part = _part(row)
    if part is None:
        return Unbuilt(row.name, f"no accelerator {row.text['accelerator']!r} in the catalogue")
    gpus, known = _gpus(row)
    if gpus is None or row.number("rmax_tflops") is None:
        column, missing = ("gpus_est", "no number of GPUs") if gpus is None else ("rmax_tflops", "no Rmax")
        return Unbuilt(row.name, row.bad(column) or missing)
    known |= {column: f"left aside: {row.bad(column)}" for column in OPTIONAL if row.bad(column)}
    accelerator = catalogue.part(Accelerator, part)
    listed_peak = row.number("rpeak_tflops")
    peak = accelerator.peak_flop_per_s["fp64" if accelerator.architecture.startswith("cdna") else "fp64-tensor"]
    if listed_peak is not None and listed_peak * 1e12 / gpus < PEAK_SHARE * peak:
        wrong = (
            f"the list's Rpeak is {listed_peak / gpus:.1f} Tflop/s a GPU, where {accelerator.title} has {peak / 1e12:.1f}"
        )
        return Unbuilt(row.name, wrong + ": the GPUs are miscounted, or of two kinds")
    if _a_socket(row, gpus) < FEWEST_A_SOCKET:
        wrong = f"{_a_socket(row, gpus):.2f} GPUs a host processor: nodes without GPUs took part, which is not modelled"
        return Unbuilt(row.name, wrong)
    order = row.number("nmax")
    matrix_share = 8 * (order or 0.0) ** 2 / (gpus * accelerator.memory_bytes)
    if HOST_MATRIX < matrix_share <= MATRIX_OVER_MEMORY and not accelerator.host_memory_bytes:
        wrong = f"the matrix is {matrix_share:.1f} times the GPUs' memory: a run from host memory, which is not modelled"
        return Unbuilt(row.name, wrong)
    per_node = _gpus_per_node(row, accelerator, gpus)
    port_gbit, ports, known["ports"] = _ports(row, accelerator, per_node)
    if order is not None and matrix_share > MATRIX_OVER_MEMORY:
        order, known["nmax"] = None, "assumed: the listed one does not fit the memory"
    system = HplSystem(
        accelerator=accelerator,
        gpus_count=gpus,
        gpus_per_node_count=per_node,
        network_bytes_per_s=port_gbit * GBIT * ports / per_node,
        n_count=int(order) if order else None,
        year=int(row.number("year") or 0) or None,
        reference=per_node == 8 and _is_of_maker(row),
    )
    known = {"accelerator": "stated", "gpus_per_node": "inferred", "nmax": "stated" if order else "assumed"} | known
    return Built(row, part, system, _levels(row, accelerator, per_node, gpus), known)


def _part(row: Row) -> str | None:
    """The catalogue's name of the row's GPU; None where it is not known, or where the row has two kinds at once.

    Some names do not tell which memory a board has: a matrix that fits the smaller board is taken to have run on it.
    """
    text = row.text["accelerator"].lower()
    if "h100/h200" in text or re.search(r"a100x|(?<!gb[23]00 )nvl\d*\b(?!72)", text):
        return None  # two kinds at once, or boards of their own that the catalogue does not have
    spellings = read_spellings()
    part = spelt(text, spellings.accelerators)
    gpus, order, smaller = row.number("gpus_est"), row.number("nmax"), spellings.smaller.get(part or "")
    if smaller and smaller.unless not in text and gpus and order and 8 * order**2 / gpus < smaller.matrix_below_bytes:
        return smaller.part
    return part


def _gpus(row: Row) -> tuple[int | None, dict[str, str]]:
    """GPUs of the run: the note where it says that the list gives another number, else the estimate from cores.

    Gives the number, and how it is known under `gpus`; None where the row has neither.
    """
    noted = re.search(r"HPL run reported on .*= ([1-9][\d,]{0,9}) GPUs", row.text.get("gpu_note", ""))
    if noted:
        return int(noted[1].replace(",", "")), {"gpus": "stated in the note"}
    estimate = row.number("gpus_est")
    return (max(round(estimate), 1), {"gpus": "inferred"}) if estimate else (None, {})


def _gpus_per_node(row: Row, accelerator: Accelerator, gpus: int) -> int:
    """8 or 4 a node, by GPUs a socket: four a socket are eight of two sockets, but in blades of one socket four.

    A run on fewer GPUs than that is one node.
    """
    a_socket = _a_socket(row, gpus)
    blade = accelerator.architecture == "cdna2" or "a100 sxm4 64" in row.text["accelerator"].lower()
    blade = blade or ("slingshot" in row.text["interconnect"].lower() and accelerator.architecture == "ampere")
    return min(8 if a_socket >= 3.5 and not blade else 4, gpus)


def _is_of_maker(row: Row) -> bool:
    """True for NVIDIA's own nodes: a vendor's cell says so, or the host processor is that of a DGX."""
    words = row.text["processor"].lower()
    return "nvidia" in row.text.get("vendor", "").lower() or bool(_OWN_NODES.search(words))


def _a_socket(row: Row, gpus: int) -> float:
    """GPUs a socket of host processors; four, as in servers of eight, where the row does not tell.

    Sockets are the list's processor cores over the cores of a socket; they are those of the whole machine, as is the list's
    number of GPUs, even where a note says that fewer ran.
    """
    cores, each = row.number("cpu_cores"), row.number("cores_per_socket")
    return (row.number("gpus_est") or gpus) / (cores / each) if cores and each else 4.0


def _ports(row: Row, accelerator: Accelerator, per_node: int) -> tuple[float, int, str]:
    """Rate [Gb/s] and number of a node's ports, and how they are known.

    Boards of four GPUs are sold with 200 Gb/s a GPU unless the row says more: a count of rails, or NDR400 by name.
    """
    text = row.text["interconnect"].lower()
    modern = accelerator.architecture in ("hopper", "blackwell", "cdna3", "cdna4")
    rate = float(spelt(text, read_spellings().port_gbit) or (400 if modern else 200))
    rails = next((count for word, count in (("octo", 8), ("quad", 4), ("dual", 2), ("4x", 4)) if word in text), None)
    if rails == 8 and "hdr100" in text and modern:
        return 400.0, 8, "inferred: a template's text stands for eight ports of NDR"
    if rails:
        return rate, rails, "stated"
    if per_node == 4 and rate == 400 and not re.search("ndr400|single port", text):
        return 200.0, 4, "assumed"
    return rate, per_node, "inferred"


def _levels(row: Row, accelerator: Accelerator, per_node: int, gpus: int) -> NodeLevels:
    """Power of a node: boards of eight GPUs cooled by air, of four by water; host processors by maker, cores and sockets.

    Gives watts of a node at each level of work; hosts that are part of the GPU's own board add none.
    """
    gpus_w = per_node * accelerator.board_power_w
    sockets = 1 if per_node / _a_socket(row, gpus) < 1.5 else 2
    processors_w = 0.0 if accelerator.has_host else sockets * _processor_w(row)
    if per_node == 8:
        return levels_from_parts(gpus_w, processors_w, "switched", "air")
    return levels_from_parts(gpus_w, processors_w, "direct", "liquid")


def _processor_w(row: Row) -> float:
    """Power of a host processor [W] by its cores, a line through the makers' figures in the catalogue, within 15 %.

    A row without cores a socket is taken to have 48.
    """
    cores = row.number("cores_per_socket") or 48.0
    return 145.0 + 2.25 * cores if "epyc" in row.text["processor"].lower() else 205.0 + 2.6 * cores
