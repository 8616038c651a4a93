"""The GPU of a row of measured training, with a cap of its own, and what joins its GPUs."""

from __future__ import annotations

import re
from typing import Final

from terp.catalogue import Accelerator, read_catalogue, read_spellings, spelt
from terp.physics import Interconnect, interconnect_between
from terp.validate.steps.row_cells import Cells, Unmodelled, whole_of, words_of
from terp.validate.steps.row_words import row_words

GBIT: Final = 1.25e8
PORT_GBIT: Final = {"volta": 100.0, "ampere": 200.0, "hopper": 400.0, "blackwell": 400.0}
"""Rate of the fabric a GPU where the row does not tell: one port of its time."""


def chip_of(cells: Cells) -> tuple[Accelerator, str]:
    """The GPU with a power cap or memory rate of its own where the row states one, and the name of its part.

    Raises Unmodelled for a GPU that the catalogue has not, and for a cap that is told without its watts.
    """
    name = cells.get("gpu") or ""
    part = spelt(name, read_spellings().accelerators)
    if part is None:
        raise Unmodelled(f"no GPU {name[:40]!r} in the catalogue; `terp list accelerators` has them", "GPU not known")
    chip = read_catalogue().part(Accelerator, part)
    words = f"{name} {cells.get('note') or ''} {cells.get('interconnect') or ''}"
    own: dict[str, object] = {}
    if cap := re.search(r"\b([3-9]\d\d|1\d{3}) ?W\b", words):
        own["board_power_w"] = float(cap[1])
    elif re.search(row_words().capped, f"{words} {words_of(cells)}".lower()):
        raise Unmodelled(
            "its GPUs are limited in power, to how much it does not say: write the watts in gpu", "cap not told"
        )
    if rate := re.search(r"\b(\d\.\d+) ?TB/s", words):
        own["memory_rate_bytes_per_s"] = float(rate[1]) * 1e12
    return chip.model_copy(update=own), part


def net_of(cells: Cells, chip: Accelerator, part: str, gpus: int) -> Interconnect:
    """The interconnect: a node's GPUs in one domain, or a rack's; the fabric's rate as stated, else of its time.

    chip, part   the GPU and the name of its part;  gpus   of the job
    """
    a_node = whole_of(cells, "gpus_per_node", 8)
    domain = max(min(read_spellings().link_domain_count.get(part, a_node), gpus), 1)
    return interconnect_between(chip, domain, _port_gbit(cells.get("interconnect") or "", chip, a_node) * GBIT)


def _port_gbit(words: str, chip: Accelerator, a_node: int) -> float:
    """Rate of the fabric a GPU [Gb/s].

    a_node   GPUs of a node, over which its ports are shared
    """
    if ports := re.search(r"(\d+) ?x ?(?:HDR|NDR|EDR|EFA|Omni-Path|IB|InfiniBand)? ?(\d+)", words):
        return float(ports[1]) * float(ports[2]) / a_node
    if ports := re.search(r"(\d+) Gb/s (?:\w+ )*per node", words):
        return float(ports[1]) / a_node
    if ports := re.search(r"(\d+) Gb/s (?:\w+ )*per GPU", words):
        return float(ports[1])
    return PORT_GBIT.get(chip.architecture, 200.0)
