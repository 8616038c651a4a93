"""Speed and power of work on GPUs whose power is capped below their board's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar, Literal

from terp.catalogue import Accelerator
from terp.catalogue.read.constants import constants
from terp.hardware import Machine
from terp.physics.gpu.clocks import Load, PowerConstants, base_w, cap_w, idle_w, power_w, sustained_clock
from terp.physics.gpu.precisions import half_peak_flop_per_s
from terp.physics.power.node_levels import levels_of

Mix = Literal["compute", "memory", "training"]
"""Large products alone; a copy through the memory; a training step of both."""


@dataclass(frozen=True)
class CapConstants:
    """Work under a cap, measured on an H100 of 700 W.

    gemm_rate_fraction   of large BF16 GEMM over the peak at their clock;  gemm_traffic_bytes_per_flop  of the memory
    memory_rate_fraction, clocked_fraction   by mix: rate over the memory's of what does not follow the clock; share of a
                         step, at the clock of the peak, that does
    on_chip_fraction     of a moved byte's energy, what is spent on the chip, at its voltage
    least_cap_w          the lowest cap that its driver takes; others by their own caps
    """

    PLACE: ClassVar[str] = "node_power.caps"
    gemm_rate_fraction: float
    gemm_traffic_bytes_per_flop: float
    memory_rate_fraction: Mapping[str, float]
    clocked_fraction: Mapping[str, float]
    on_chip_fraction: float
    least_cap_w: float


@dataclass(frozen=True)
class Capped:
    """Work under a cap: its speed over that under the board's cap, and the mean power of its node without fans [W]."""

    speed_ratio: float
    level_w: float


def capped(machine: Machine, mix: Mix, gpu_cap_w: float) -> Capped:
    """Speed and node power of a kind of work that keeps all GPUs of a node busy, each capped [W].

    The clock falls until the GPU draws its cap: P0 + (e x^0.6 F + B) / T(x), see `clocks`.  Where the lowest clock draws
    more than the cap, all work slows down in proportion to the power above the base.

    mix         the kind of work;  gpu_cap_w   of each GPU [W], taken within what its driver takes
    """
    chip, load = machine.accelerator, mix_of(machine.accelerator, mix)
    uncapped_w = power_w(chip, load, sustained_clock(chip, load))
    return _under_cap(machine, load, _level_w(machine, uncapped_w), gpu_cap_w)


def capped_job(machine: Machine, level_w: float, gpu_cap_w: float) -> Capped:
    """Speed and node power of a job under a cap of its GPUs, from its node's mean power without one and without fans [W].

    The job is taken for the training mix with as much waiting as makes its GPUs draw what they do.  A cap limits their mean
    power, as drivers do over some tenth of a second, so a job that draws less on average is not changed.

    level_w     mean power of the job's node, without a cap and without fans [W]
    """
    gpu_w = gpu_power_w(machine, level_w)
    if gpu_w <= gpu_cap_w:
        return Capped(1.0, level_w)
    return _under_cap(machine, _with_waits(machine.accelerator, gpu_w), level_w, gpu_cap_w)


def gpu_cap_of_node_w(machine: Machine, node_cap_w: float) -> float:
    """The cap of each GPU at which a node keeps under its own, without fans [W]: the level's line, the other way round.

    node_cap_w   of a node without fans [W].  Not below the lowest cap that drivers take.
    """
    return max(gpu_power_w(machine, node_cap_w), least_cap_w(machine.accelerator))


def least_cap_w(chip: Accelerator) -> float:
    """The lowest cap that is taken; a lower one counts as this [W]."""
    return least_cap_fraction() * cap_w(chip)


def least_cap_fraction() -> float:
    """The lowest cap over the makers' own [-]."""
    return constants(CapConstants).least_cap_w / constants(PowerConstants).board_w


def gpu_cap_range_w(chip: Accelerator) -> tuple[float, float]:
    """The lowest and the highest cap that a GPU's driver takes [W]: a share of its own cap, and its board's power."""
    return least_cap_w(chip), chip.board_power_w


def least_node_cap_w(machine: Machine) -> float:
    """The lowest cap of a node, without fans, that caps of its GPUs can keep [W]."""
    return _level_w(machine, least_cap_w(machine.accelerator))


def gpu_power_w(machine: Machine, level_w: float) -> float:
    """Mean power of a GPU in a node of a level [W]: between idle and its cap as the level is between idle and full."""
    levels, most_w = levels_of(machine), cap_w(machine.accelerator)
    lowest_w = idle_w(machine.accelerator)
    return lowest_w + (most_w - lowest_w) * (level_w - levels.idle_w) / (levels.full_w - levels.idle_w)


def mix_of(chip: Accelerator, mix: Mix) -> Load:
    """A second of a kind of work, at the clock of the peak.

    chip   the GPU, whose peak and memory rate set the arithmetic and the bytes of the second
    """
    c = constants(CapConstants)
    clocked_s = c.clocked_fraction[mix]
    flop = clocked_s * c.gemm_rate_fraction * half_peak_flop_per_s(chip)
    moved = (1 - clocked_s) * c.memory_rate_fraction[mix] * chip.memory_rate_bytes_per_s
    return Load(
        clocked_s=clocked_s,
        other_s=1 - clocked_s,
        flop=flop,
        moved_bytes=moved + c.gemm_traffic_bytes_per_flop * flop,
        on_chip_fraction=c.on_chip_fraction,
    )


def _with_waits(chip: Accelerator, gpu_w: float) -> Load:
    """The training mix with as much waiting that GPUs draw a mean power, at most that of the mix itself.

    Waiting draws its own share of it above the base, or half of what the job does where that is less.
    """
    load = mix_of(chip, "training")
    clock = sustained_clock(chip, load)
    c, least_w = constants(PowerConstants), base_w(chip)
    above_w = power_w(chip, load, clock) - least_w
    waiting_bytes = min(c.waiting_fraction * above_w, 0.5 * (gpu_w - least_w)) / c.byte_energy_j_per_byte

    def waiting(wait_s: float) -> Load:
        return replace(load, other_s=load.other_s + wait_s, moved_bytes=load.moved_bytes + wait_s * waiting_bytes)

    low_s, high_s = 0.0, 100.0
    for _ in range(40):
        middle_s = (low_s + high_s) / 2
        trial = waiting(middle_s)
        more = power_w(chip, trial, sustained_clock(chip, trial)) > gpu_w
        low_s, high_s = (middle_s, high_s) if more else (low_s, middle_s)
    return waiting(low_s)


def _under_cap(machine: Machine, load: Load, level_w: float, gpu_cap_w: float) -> Capped:
    """A mix under a cap, and the level of its node, which was `level_w` without."""
    chip = machine.accelerator
    most_w = min(max(gpu_cap_w, least_cap_w(chip)), cap_w(chip))
    free, clock = sustained_clock(chip, load), sustained_clock(chip, load, most_w)
    drawn_w, before_w = power_w(chip, load, clock), power_w(chip, load, free)
    speed = load.time_s(free) / load.time_s(clock)
    least_w = base_w(chip)
    if drawn_w > most_w:
        speed *= max(most_w - least_w, 0.0) / (drawn_w - least_w)
        drawn_w = max(most_w, least_w)
    per_gpu_w = _level_w(machine, before_w) - _level_w(machine, drawn_w)
    return Capped(min(speed, 1.0), level_w - per_gpu_w)


def _level_w(machine: Machine, gpu_w: float) -> float:
    """Level of a node whose GPUs draw a mean power [W]."""
    levels, most_w = levels_of(machine), cap_w(machine.accelerator)
    lowest_w = idle_w(machine.accelerator)
    return levels.idle_w + (levels.full_w - levels.idle_w) * (gpu_w - lowest_w) / (most_w - lowest_w)
