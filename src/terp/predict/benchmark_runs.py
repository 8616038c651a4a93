"""HPL, HPCG and HPL-MxP on a machine, or on some of its GPUs.

Each is a `predict_*` of `terp.physics.benchmark` on the system that the machine makes, with its power, its place in the
lists, its caveats and its citations.  Figures that the machine file publishes of its own runs play no part.
"""

from __future__ import annotations

from pydantic import Field

from terp.catalogue import Own, constants, edition, editions, sources_named
from terp.describe import DescriptionSource
from terp.hardware import Machine, machine_from
from terp.notes import Caveat, SourceNote
from terp.physics import (
    HplPrediction,
    Interval,
    benchmark_power_w,
    benchmark_system,
    hpl_power_class,
    interval_of,
    predict_hpcg,
    predict_hpl,
    predict_mxp,
)
from terp.physics.benchmark.hpcg import HpcgConstants
from terp.physics.gpu.architectures import architecture_of
from terp.predict.call_options import checked_options
from terp.reader import Record
from terp.results.benchmark_results import (
    HpcgBreakdown,
    HpcgResult,
    HplBreakdown,
    HplResult,
    MxpResult,
    Neighbour,
    Neighbours,
    NoBreakdown,
)


class BenchmarkOptions(Record):
    """What a benchmark is run with.

    gpus_count   in whole nodes; all if absent
    n_count      order of the matrix; absent to fill the memory
    edition      of the TOP500, such as "2024-11", to rank in; all that are held if absent
    emulated_fp64   whether FP64 is emulated on INT8 matrix units

    Bounds keep numbers that no machine could mean out of the models; whether the machine has so many GPUs,
    `benchmark_system` checks.
    """

    gpus_count: int | None = Field(default=None, ge=1, le=100_000_000)
    n_count: int | None = Field(default=None, ge=1, le=10**12)
    edition: str | None = None
    emulated_fp64: bool = False


def hpl(
    machine: Machine | DescriptionSource, *, gpus: int | None = None, n: int | None = None, edition: str | None = None,
    emulated_fp64: bool = False,
) -> HplResult:  # fmt: skip
    """A run of HPL on a machine: Rmax with its interval, time, power, and the rank in every edition of the TOP500.

    machine   built, or whatever `terp.machine` takes
    gpus      of the run, in whole nodes; all if None
    n         order of the matrix; None to fill the memory
    edition   such as "2024-11", to rank in this one only
    emulated_fp64   whether products are emulated on INT8 matrix units; whether lists take such runs is not known

    Raises TerpError for a number of GPUs or an order that cannot be, and for emulation on a chip without an INT8 rate.
    The model: docs/theory/hpl.md.

    The rate is what the middle of sites submits, and 9 of 10 lie within the interval, of machines of the class; what the
    machine can do stands beside it.  The efficiency is Rmax over the FP64 matrix peak of the GPUs that ran; the energy is
    that of the whole run [J].  A rank of None means below the end of that edition's list.

        >>> import terp
        >>> run = terp.predict.hpl("gefion", edition="2024-11")
        >>> run.rmax_low_flop_per_s < run.rmax_flop_per_s < run.rmax_high_flop_per_s
        True
    """
    options = checked_options(BenchmarkOptions, {"gpus": gpus, "n": n, "edition": edition, "emulated_fp64": emulated_fp64})
    built = machine_from(machine)
    names = _editions(options.edition)
    system = benchmark_system(built, options.gpus_count, options.n_count, emulated=options.emulated_fp64)
    run = predict_hpl(system)
    power_w, drawn = benchmark_power_w(built, system.gpus_count), _drawn(built)
    rank, green, neighbours = _places(built, run, power_w, names)
    return HplResult(
        machine=built.file.name,
        benchmark="hpl",
        gpus_count=system.gpus_count,
        rmax_flop_per_s=run.rmax_flop_per_s,
        rmax_low_flop_per_s=run.rmax_low_flop_per_s,
        rmax_high_flop_per_s=run.rmax_high_flop_per_s,
        reach_flop_per_s=run.reach_flop_per_s,
        submitted_fraction=run.rmax_flop_per_s / run.reach_flop_per_s,
        class_name=run.class_name,
        emulated=system.emulated,
        n_count=run.n_count,
        run_s=run.run_s,
        efficiency_fraction=run.rmax_flop_per_s / (system.gpus_count * built.accelerator.fp64_matrix_flop_per_s),
        power_w=power_w,
        power_low_w=power_w * drawn.low_ratio,
        power_high_w=power_w * drawn.high_ratio,
        energy_j=power_w * run.run_s,
        flop_per_s_per_w=run.rmax_flop_per_s / power_w,
        rank=rank,
        green_rank=green,
        neighbours=neighbours,
        breakdown=HplBreakdown(
            dgemm_flop_per_s=run.dgemm_flop_per_s,
            dgemm_fraction=run.dgemm_s / run.run_s,
            network_fraction=run.network_s / run.run_s,
            staging_fraction=run.staging_s / run.run_s,
            panel_fraction=run.panel_s / run.run_s,
            matrix_bytes=8.0 * run.n_count**2,
            gpu_memory_fraction=8.0 * run.n_count**2 / (system.gpus_count * built.accelerator.memory_bytes),
        ),
        caveats=(*system.caveats(), *architecture_of(built.accelerator).caveats("hpl")),
        sources=_sources(built, "hpl-scalability"),
    )


def hpcg(machine: Machine | DescriptionSource, *, gpus: int | None = None) -> HpcgResult:
    """A run of HPCG on a machine: rate with its interval, power, and where the time goes.

    machine, gpus   as for `hpl`

    Raises TerpError for a number of GPUs that cannot be.  The model: docs/theory/hpl.md.

    The rate is bound by memory: `breakdown` has the share of the time that memory takes, and that of the halo exchange.
    Nodes draw the level that they have in HPCG, which is not that of HPL.  The run lasts as long as the list's rules ask.
    """
    options, built = checked_options(BenchmarkOptions, {"gpus": gpus}), machine_from(machine)
    system = benchmark_system(built, options.gpus_count)
    run = predict_hpcg(system)
    power_w = benchmark_power_w(built, system.gpus_count, constants(HpcgConstants).activity_fraction)
    return HpcgResult(
        machine=built.file.name,
        benchmark="hpcg",
        gpus_count=system.gpus_count,
        hpcg_flop_per_s=run.hpcg_flop_per_s,
        hpcg_low_flop_per_s=run.hpcg_low_flop_per_s,
        hpcg_high_flop_per_s=run.hpcg_high_flop_per_s,
        class_name=run.class_name,
        run_s=run.run_s,
        power_w=power_w,
        energy_j=power_w * run.run_s,
        breakdown=HpcgBreakdown(run.memory_fraction, run.halo_fraction),
        caveats=(*system.caveats(), *architecture_of(built.accelerator).caveats("hpcg")),
        sources=_sources(built, "hpcg-rules"),
    )


def mxp(machine: Machine | DescriptionSource, *, gpus: int | None = None, n: int | None = None) -> MxpResult:
    """A run of HPL-MxP on a machine: rate with its interval, time and power.

    machine, gpus, n   as for `hpl`

    Raises TerpError for a number of GPUs or an order that cannot be.  The model: docs/theory/hpl.md.

    The rate counts the flops of the FP64 problem, as the list does, over the time in lower precision.  It is a share of the
    peak that was fitted, not a model of the run, and a caveat says so.
    """
    options, built = checked_options(BenchmarkOptions, {"gpus": gpus, "n": n}), machine_from(machine)
    system = benchmark_system(built, options.gpus_count, options.n_count)
    run = predict_mxp(system)
    power_w = benchmark_power_w(built, system.gpus_count)
    return MxpResult(
        machine=built.file.name,
        benchmark="mxp",
        gpus_count=system.gpus_count,
        mxp_flop_per_s=run.mxp_flop_per_s,
        mxp_low_flop_per_s=run.mxp_low_flop_per_s,
        mxp_high_flop_per_s=run.mxp_high_flop_per_s,
        class_name=run.class_name,
        n_count=run.n_count,
        run_s=run.run_s,
        power_w=power_w,
        energy_j=power_w * run.run_s,
        breakdown=NoBreakdown(),
        caveats=(*system.caveats(), *architecture_of(built.accelerator).caveats("mxp"), Caveat("mxp-is-a-share")),
        sources=_sources(built),
    )


def _drawn(machine: Machine) -> Interval:
    """Ends that 9 of 10 submitted powers lie between, over the predicted one."""
    return interval_of("hpl-power", hpl_power_class(machine.accelerator))


def _editions(name: str | None) -> tuple[str, ...]:
    """The editions to rank in.  Raises UnknownName for one that is not held."""
    if name is None:
        return tuple(editions())
    edition(name)
    return (name,)


def _places(
    machine: Machine, run: HplPrediction, power_w: float, names: tuple[str, ...]
) -> tuple[dict[str, int | None], dict[str, int | None], dict[str, Neighbours]]:
    """Ranks by edition in the TOP500 and by flops per joule, and the neighbours in each.

    run       the predicted run; power_w  of the machine in it [W]
    names     editions to rank in

    The machine's own entry is left aside in each, found by its listed name and its published Rmax, or the predicted one.
    """
    entry = machine.file.listed
    own = Own(entry.name, entry.rmax_flop_per_s or run.rmax_flop_per_s) if entry else None
    rank: dict[str, int | None] = {}
    green: dict[str, int | None] = {}
    neighbours = {}
    for name in names:
        place = edition(name).place(run.rmax_flop_per_s, own)
        rank[name] = place.rank
        green[name] = edition(name).green_rank(run.rmax_flop_per_s / power_w, run.rmax_flop_per_s, own)
        neighbours[name] = Neighbours(place.exact, _neighbour(place.above), _neighbour(place.below))
    return rank, green, neighbours


def _neighbour(entry: tuple[str, float] | None) -> Neighbour | None:
    """A neighbour in a list as a record; None at an end of the list."""
    return None if entry is None else Neighbour(*entry)


def _sources(machine: Machine, *models: str) -> tuple[SourceNote, ...]:
    """Citations of the machine's values and of the models."""
    return sources_named({source.key for source in machine.sources} | set(models))
