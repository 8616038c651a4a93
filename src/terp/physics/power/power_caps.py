"""Speed and power of work on GPUs whose power is capped below their board's."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, Literal

from terp.catalogue import Accelerator
from terp.hardware import Machine
from terp.physics.gpu.clocks import BASE_W, J_PER_BYTE, Load, cap_w, power_w, sustained_clock
from terp.physics.power.node_levels import levels_of
from terp.physics.training.training_power import IDLE_W, WAITING_SHARE

Mix = Literal["compute", "memory", "training"]
"""Large products alone; a copy through the memory; a training step of both."""

PRODUCT_SHARE: Final = 0.91
"""Rate of large BF16 products over the peak at their clock: 668 Tflop/s at 1.36 GHz of an H100 (terp-h100)."""
PRODUCT_BYTES: Final = 6.2e-4
"""Bytes of the memory that they move a flop: with which that rate draws the measured 697 W (terp-h100)."""
MEMORY_SHARE: Final = {"compute": 0.0, "memory": 0.9, "training": 0.67}
"""Rate over the memory's of what does not follow the clock: a copy at 3.0 of 3.35 TB/s; in training what makes a step draw
its cap at the measured clock (terp-h100)."""
CLOCKED: Final = {"compute": 1.0, "memory": 0.0, "training": 0.545}
"""Share of a step, at the clock of the peak, that follows the clock.  Training: 1.3 billion parameters at 466 model Tflop/s
and 1.67 GHz, where products would run at 823, so that they take 57 % of the time there (terp-h100)."""
ON_CHIP_FRACTION: Final = 0.5
"""Share of a moved byte's energy that is spent on the chip, at its voltage: assumed, 0.3 to 0.7."""
LEAST_CAP_W: Final = 200.0
"""The lowest cap that the driver of an H100 of 700 W takes, assumed, 100 to 300 W; others by their own caps."""
LEAST_CAP_FRACTION: Final = LEAST_CAP_W / 700.0
"""The same, over the makers' own cap."""


@dataclass(frozen=True)
class Capped:
    """Work under a cap: its speed over that under the board's cap, and the mean power of its node without fans [W]."""

    speed_ratio: float
    level_w: float


def capped(machine: Machine, mix: Mix, gpu_cap_w: float) -> Capped:
    """Speed and node power of a kind of work that keeps all GPUs of a node busy, each capped [W].

    The clock falls until the GPU draws its cap: P0 + (e x^0.6 F + B) / T(x), see `clocks`.  Where the lowest clock draws
    more than the cap, all work slows down in proportion to the power above the base.
    """
    chip, load = machine.accelerator, mix_of(machine.accelerator, mix)
    uncapped_w = power_w(chip, load, sustained_clock(chip, load))
    return _under_cap(machine, load, _level_w(machine, uncapped_w), gpu_cap_w)


def capped_job(machine: Machine, level_w: float, gpu_cap_w: float) -> Capped:
    """Speed and node power of a job under a cap of its GPUs, from its node's mean power without one and without fans [W].

    The job is taken for the training mix with as much waiting as makes its GPUs draw what they do.  A cap limits their mean
    power, as drivers do over some tenth of a second, so a job that draws less on average is not changed.
    """
    gpu_w = gpu_power_w(machine, level_w)
    if gpu_w <= gpu_cap_w:
        return Capped(1.0, level_w)
    return _under_cap(machine, _with_waits(machine.accelerator, gpu_w), level_w, gpu_cap_w)


def gpu_cap_of_node_w(machine: Machine, node_cap_w: float) -> float:
    """The cap of each GPU at which a node keeps under its own, without fans [W]: the level's line, the other way round."""
    return max(gpu_power_w(machine, node_cap_w), least_cap_w(machine.accelerator))


def least_cap_w(chip: Accelerator) -> float:
    """The lowest cap that is taken; a lower one counts as this [W]."""
    return LEAST_CAP_FRACTION * cap_w(chip)


def gpu_power_w(machine: Machine, level_w: float) -> float:
    """Mean power of a GPU in a node of a level [W]: between idle and its cap as the level is between idle and full."""
    levels, most_w = levels_of(machine), cap_w(machine.accelerator)
    idle_w = IDLE_W * most_w / 700.0
    return idle_w + (most_w - idle_w) * (level_w - levels.idle_w) / (levels.full_w - levels.idle_w)


def mix_of(chip: Accelerator, mix: Mix) -> Load:
    """A second of a kind of work, at the clock of the peak."""
    clocked_s = CLOCKED[mix]
    flop = clocked_s * PRODUCT_SHARE * chip.peak_flop_per_s["bf16"]
    moved = (1 - clocked_s) * MEMORY_SHARE[mix] * chip.memory_rate_bytes_per_s
    return Load(
        clocked_s=clocked_s,
        other_s=1 - clocked_s,
        flop=flop,
        moved_bytes=moved + PRODUCT_BYTES * flop,
        on_chip_fraction=ON_CHIP_FRACTION,
    )


def _with_waits(chip: Accelerator, gpu_w: float) -> Load:
    """The training mix with as much waiting that GPUs draw a mean power, at most that of the mix itself.

    Waiting draws WAITING_SHARE of it above the base, or half of what the job does where that is less.
    """
    load = mix_of(chip, "training")
    clock = sustained_clock(chip, load)
    base_w = BASE_W * cap_w(chip) / 700.0
    above_w = power_w(chip, load, clock) - base_w
    waiting_bytes = min(WAITING_SHARE * above_w, 0.5 * (gpu_w - base_w)) / J_PER_BYTE

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
    base_w = BASE_W * cap_w(chip) / 700.0
    if drawn_w > most_w:
        speed *= max(most_w - base_w, 0.0) / (drawn_w - base_w)
        drawn_w = max(most_w, base_w)
    per_gpu_w = _level_w(machine, before_w) - _level_w(machine, drawn_w)
    return Capped(min(speed, 1.0), level_w - per_gpu_w)


def _level_w(machine: Machine, gpu_w: float) -> float:
    """Level of a node whose GPUs draw a mean power [W]."""
    levels, most_w = levels_of(machine), cap_w(machine.accelerator)
    idle_w = IDLE_W * most_w / 700.0
    return levels.idle_w + (levels.full_w - levels.idle_w) * (gpu_w - idle_w) / (most_w - idle_w)
