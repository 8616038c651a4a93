"""The way from one GPU to another: over the links of a node or rack, or over the fabric.

`terp show` prints it for two GPUs of a machine.  What a whole collective takes is in `terp.physics.fabric.collectives`,
whose constants are fitted and hold software besides wires.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from terp.errors import Problem, Problems
from terp.hardware.machine import Machine

CABLE_S_PER_M: Final = 5e-9
"""Light in glass, and signals in copper, take 4.9 to 5 ns a metre."""
LINK_LATENCY_S: Final = 1e-6
"""A remote load over NVLink or its like, with or without a link switch: assumed, 0.5 to 2 us."""


@dataclass(frozen=True)
class Way:
    """The shortest way between two GPUs.

    over             "same" for a GPU and itself, "links" within an NVLink domain, "fabric" else
    switches_count   switches on it: NVSwitches, or switches of the fabric
    latency_s        of an empty network: adapters, switches and cables; over links an assumed one [s].  None where the
                     catalogue does not know the switch's
    """

    over: str
    switches_count: int
    latency_s: float | None


def way_between(machine: Machine, first: int, second: int) -> Way:
    """The way between two GPUs by number; GPU g of a node uses port g of as many as there are, in turn.

    Raises Problems for a GPU that is not there, or two that no cable joins, as on separate planes.

    machine        a built machine
    first, second  numbers of GPUs from 0, node by node

    The latency on the fabric is 2 adapters + switches x hop + cables of the length that the file gives for nodes [s].
    """
    problems = [
        Problem("", 0, 0, "", "no such GPU", str(gpu), f"{machine.file.name} has 0 to {machine.gpus_count - 1}")
        for gpu in (first, second)
        if not 0 <= gpu < machine.gpus_count
    ]
    if problems:
        raise Problems(problems)
    node = machine.node
    if first == second:
        return Way("same", 0, 0.0)
    if first // node.link_domain_count == second // node.link_domain_count:
        return Way("links", min(node.link_switches_count, 1), LINK_LATENCY_S)
    leaves = []
    for gpu in (first, second):
        place, local = divmod(gpu, node.accelerators_count)
        leaves.append(int(machine.nodes.leaf[place, local * node.compute_ports_count // node.accelerators_count]))
    switches = machine.fabric.switches_between(*leaves)
    if switches is None:
        wrong = f"no cable joins GPUs {first} and {second}, which hang on separate planes"
        raise Problems([Problem("", 0, 0, "", wrong, would_do="ask for two of the same rail")])
    hop_s = machine.switch.hop_latency_s
    if hop_s is None:
        return Way("fabric", switches, None)
    cables_s = (switches + 1) * machine.file.fabric.node_cable_m * CABLE_S_PER_M
    return Way("fabric", switches, 2 * machine.adapter.latency_s + switches * hop_s + cables_s)
