"""What benchmarks see of a built machine."""

from __future__ import annotations

from math import ceil
from typing import Final

from terp.catalogue import Node
from terp.catalogue.read.constants import constants
from terp.errors import Problem, Problems
from terp.hardware import Machine
from terp.physics.benchmark.hpl import BLOCK, HplConstants, HplSystem
from terp.physics.benchmark.hpl_power import hpl_power_w
from terp.physics.power.machine_power import machine_power
from terp.physics.power.node_levels import levels_of
from terp.physics.power.power_caps import Capped, capped

BINARY_GB: Final = 2**30 / 1e9
"""Memory is sold in binary gigabytes that data sheets call GB."""
_REFERENCE: Final = "NVIDIA DGX"
"""What titles of NVIDIA's own nodes begin with."""


def benchmark_system(
    machine: Machine, gpus: int | None = None, order: int | None = None, *, emulated: bool = False
) -> HplSystem:
    """A machine, or `gpus` of its GPUs in whole nodes, as HPL sees it.  Raises Problems for a number that cannot be.

    order      of the matrix; None to fill the memory
    emulated   whether FP64 is emulated on INT8 matrix units

    GPUs of one NVLink domain count as one node, in a rack too; what leaves it goes over the nodes' ports, of which a
    leaf's oversubscription takes the square root.
    """
    node, count = machine.node, machine.gpus_count if gpus is None else gpus
    problems = []
    if not node.accelerators_count <= count <= machine.gpus_count or count % node.accelerators_count:
        would_do = f"use whole nodes of {node.accelerators_count}, up to {machine.gpus_count}"
        problems.append(Problem("", 0, 0, "", f"{machine.file.name} cannot run on that many GPUs", str(count), would_do))
    room = max(count, 1) * (machine.accelerator.memory_bytes + machine.accelerator.host_memory_bytes)
    least, most = BLOCK * ceil(max(count, 1) ** 0.5), int((BINARY_GB * room / 8) ** 0.5)
    if order is not None and not least <= order <= most:
        would_do = f"use {least} or more, a block a row of the process grid, and at most {most}, which fills the memory"
        problems.append(Problem("", 0, 0, "", "no matrix of that order can be run", str(order), would_do))
    if problems:
        raise Problems(problems)
    gpus_per_node, network_bytes_per_s = node_in_hpl(node, machine.file.fabric.oversubscription_ratio)
    return HplSystem(
        machine.accelerator, count, gpus_per_node, network_bytes_per_s, order, products_under_cap(machine).speed_ratio,
        year=machine.file.in_service, reference=is_reference(node), emulated=emulated,
    )  # fmt: skip


def is_reference(node: Node) -> bool:
    """True for a node of NVIDIA's own design, a DGX: published runs on those lie closer together than on others' nodes."""
    return node.title.startswith(_REFERENCE)


def products_under_cap(machine: Machine, gpu_cap_w: float | None = None) -> Capped:
    """Large products under a cap of the GPUs, the machine file's if none is given: their speed, and the node's level [W].

    gpu_cap_w   [W]; the board's own where neither it nor the file says one, and never more than that
    """
    board_w = machine.accelerator.board_power_w
    return capped(machine, "compute", min(gpu_cap_w or machine.file.compute.gpu_cap_w or board_w, board_w))


def node_in_hpl(node: Node, oversubscription_ratio: float) -> tuple[int, float]:
    """GPUs of what counts as one node, and network rate of each [B/s].

    oversubscription_ratio   of a leaf, 1 where nothing is lost
    """
    ports = node.compute_ports_count * node.compute_port_rate_bytes_per_s
    a_gpu_bytes_per_s = ports / node.accelerators_count / oversubscription_ratio**0.5
    return max(node.link_domain_count, node.accelerators_count), a_gpu_bytes_per_s


def benchmark_power_w(machine: Machine, gpus: int, activity: float | None = None) -> float:
    """Mean power of a run on `gpus` GPUs [W]: its nodes, and by its share of the GPUs network, storage and management.

    activity   level of a node between idle and full [-], HPL's if None

    A cap of the GPUs limits the level to what large GEMM draw under it.
    """
    levels, beside_w = levels_of(machine), machine_power(machine).base_w * gpus / machine.gpus_count
    activity = constants(HplConstants).activity_fraction if activity is None else activity
    if machine.file.compute.gpu_cap_w:
        most = (products_under_cap(machine).level_w - levels.idle_w) / (levels.full_w - levels.idle_w)
        activity = min(activity, most)
    return hpl_power_w(levels, gpus / machine.node.accelerators_count, beside_w, activity)
