"""The figures of a simulated year, as summary.json holds them: see docs/formats/run.md for each.

`simulate.account` computes these figures from the tables of a run, `RunSummary.of` gives them types, and the folder keeps
them.  A name ends with its unit; times are [s], energies [J], and `gpu_s` is GPU time: GPUs held times seconds.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from types import MappingProxyType

from terp.errors import printable
from terp.results.record import Json, as_json, built_from


@dataclass(frozen=True)
class ShareOfTime:
    """What one domain of work got of the machine; waits are of jobs that started, energy and after at the meter.

    gpu_s               GPU time that its jobs held;  gpu_time_fraction  of the GPU time that all jobs held
    jobs_count          jobs submitted, started or not
    lost_gpu_s          GPU time that was held but did no work that was kept
    energy_j, cost_eur, carbon_kg   of its jobs at the meter; what no job drew stands under `unattributed`
    """

    gpu_s: float
    gpu_time_fraction: float
    jobs_count: int
    mean_wait_s: float
    median_wait_s: float
    p95_wait_s: float
    lost_gpu_s: float
    energy_j: float
    cost_eur: float
    carbon_kg: float


@dataclass(frozen=True)
class GroupShare(ShareOfTime):
    """What one group got, and the fraction of GPU time that it is entitled to.

    The two may be set side by side: `gpu_time_fraction` is what it got, `entitlement_fraction` its share in the workload.
    """

    entitlement_fraction: float


@dataclass(frozen=True)
class SizeClass:
    """Jobs, GPU time and waits of jobs of so many GPUs.

    lowest_gpus_count, highest_gpus_count   of a job of the class, both included
    gpu_s     GPU time that its jobs held;  *_wait_s  from submission to the first start, of jobs that started; 0 if none did
    """

    lowest_gpus_count: int
    highest_gpus_count: int
    jobs_count: int
    gpu_s: int
    mean_wait_s: float
    median_wait_s: float
    p95_wait_s: float


@dataclass(frozen=True)
class KindFigures:
    """A kind of job on the machine: its power and its speed over the published one, where each is from, and what it did.

    model        None where its file does not say what it runs
    speed_ratio  by profile of published jobs
    write_s      of a checkpoint;  scatter_ratio  its step with every node on another leaf over its step packed
    node_power_w  mean of a whole node that runs it, under the caps of the run, without fans
    gpu_s         GPU time that its jobs held;  work_gpu_s  what that would have taken on the profile's GPUs without failures
    """

    domain: str
    job: str
    model: str | None
    node_power_w: float
    node_power_from: str
    speed_ratio: Mapping[str, float]
    speed_from: str
    write_s: float
    scatter_ratio: float
    jobs_count: int
    gpu_s: float
    work_gpu_s: float


@dataclass(frozen=True)
class Unattributed:
    """What no job drew: idle nodes, network, storage and management; at the meter.

    The totals of the run are the sums over jobs plus these.
    """

    energy_j: float
    cost_eur: float
    carbon_kg: float


@dataclass(frozen=True)
class CauseFigures:
    """Interruptions by one cause, and the GPU time that they cost.

    An interruption is one job cut short once; one failed node may interrupt several jobs that share it.
    """

    interruptions_count: int
    lost_gpu_s: float


@dataclass(frozen=True)
class SizeReliability:
    """Mean time to failure of jobs of so many GPUs with its 95 % interval, and the share of time that was work kept.

    mttf_s         time that jobs of the class ran over their interruptions; None where none was interrupted
    mttf_high_s    None where none was interrupted: the time has no upper end then
    held_gpu_s     GPU time held;  lost_gpu_s  of that, what was not work kept
    ettr_fraction  kept work over the time from a job's first start to its last end, by GPU time; None where nothing ran
    """

    lowest_gpus_count: int
    highest_gpus_count: int
    interruptions_count: int
    mttf_s: float | None
    mttf_low_s: float
    mttf_high_s: float | None
    held_gpu_s: float
    lost_gpu_s: float
    ettr_fraction: float | None


@dataclass(frozen=True)
class ReliabilityFigures:
    """What failures did to a run.

    ettr_fraction   kept work over the time from a job's first start to its last end;  kept_fraction  over the time held
    lost_to_failures_gpu_s      GPU time of attempts that a failure cut short, less the work that was kept
    lost_to_checkpoints_gpu_s   of all other attempts: writes, set-up again, and what a stop for another job cost
    causes, sizes               by what failed, and by class of the jobs' sizes
    """

    interruptions_count: int
    ettr_fraction: float | None
    kept_fraction: float | None
    lost_to_failures_gpu_s: float
    lost_to_checkpoints_gpu_s: float
    causes: Mapping[str, CauseFigures]
    sizes: tuple[SizeReliability, ...]


@dataclass(frozen=True)
class PlacementFigures:
    """What being spread over more leaves than need be cost jobs of several nodes.

    jobs_count           jobs of several nodes that ran
    mean_leaves_count    leaf switches that a job's nodes hung on;  least_leaves_count  as few as would have held them
    cost_gpu_s           GPU time that shorter steps on as few leaves would have saved, by our own interpolation
    """

    jobs_count: int
    mean_leaves_count: float
    least_leaves_count: float
    cost_gpu_s: float


@dataclass(frozen=True, eq=False, repr=False)
class RunSummary(Mapping[str, Json]):
    """The figures of a simulated year: attributes with types, and a mapping of the same to what JSON holds.

    wall_s   how long this computer took; no part of what a run is compared by

    jobs_*_count             jobs by what had become of them at the horizon; timed-out jobs are among the failed ones
    offered_load_fraction    GPU time that the drawn jobs need if nothing fails, over the GPU time there is
    gpu_utilisation_fraction GPU time held by jobs over the GPU time there is
    work_gpu_s               GPU time that the same work would take on the GPUs of its published profile, without failures
    *_wait_s                 from submission to the first start, of jobs that started; 0 if none did
    it_energy_j              of nodes, network, storage and management;  facility_energy_j  at the meter of the hall
    mean_pue                 the second over the first
    electricity_cost_eur     energy, margin, network and tax; the last three also stand apart in `*_eur`
    carbon_kg, water_kg      CO2 of the electricity, and water that the cooling took in
    node_failures_count      failures within the run, whether or not a job ran on the node
    unattributed             what no job drew
    renewable_energy_j, renewable_energy_fraction   None where the site's file says nothing of renewables
    cooling_degree_days      None where the site names no series of the dry bulb
    node_down_s              seconds times nodes down;  mean_delay_s  of jobs that were kept back for cheap or clean hours
    published_figures_count  printed figures that the drawn jobs were held to, and how many they met
    synthetic_series         names of the series of price, carbon or weather that are modelled, not measured
    """

    machine: str
    workload: str
    days: int
    seed: int
    nodes_count: int
    gpus_count: int
    jobs_submitted_count: int
    jobs_started_count: int
    jobs_completed_count: int
    jobs_cancelled_count: int
    jobs_failed_count: int
    jobs_timeout_count: int
    jobs_running_count: int
    jobs_waiting_count: int
    offered_load_fraction: float
    gpu_utilisation_fraction: float
    work_gpu_s: float
    mean_wait_s: float
    median_wait_s: float
    p95_wait_s: float
    it_energy_j: float
    facility_energy_j: float
    mean_it_power_w: float
    mean_pue: float
    electricity_cost_eur: float
    energy_tax_eur: float
    carbon_kg: float
    node_failures_count: int
    jobs_interrupted_count: int
    lost_gpu_s: int
    domains: Mapping[str, ShareOfTime]
    groups: Mapping[str, GroupShare]
    sizes: tuple[SizeClass, ...]
    kinds: tuple[KindFigures, ...]
    unattributed: Unattributed
    peak_facility_power_w: float
    network_charge_eur: float
    supplier_margin_eur: float
    water_kg: float
    mean_wue_kg_per_j: float
    reused_heat_j: float
    energy_reuse_fraction: float
    renewable_energy_j: float | None
    renewable_energy_fraction: float | None
    cooling_degree_days: float | None
    reliability: ReliabilityFigures
    node_down_s: int
    preemptions_count: int
    backfilled_jobs_count: int
    delayed_jobs_count: int
    mean_delay_s: float
    peak_it_power_w: float
    policy: str
    placement: PlacementFigures
    published_figures_count: int
    published_figures_met_count: int
    synthetic_series: tuple[str, ...]
    wall_s: float = 0.0

    @classmethod
    def of(cls, document: Mapping[str, object]) -> RunSummary:
        """The figures of a summary.json; keys that a later release added are left out.  Raises KeyError or TypeError."""
        return built_from(cls, document)

    def to_dict(self) -> dict[str, Json]:
        """summary.json."""
        return dict(self._document)

    @cached_property
    def _document(self) -> Mapping[str, Json]:
        """The figures as JSON holds them, in the order of the fields; made once."""
        return MappingProxyType({part.name: as_json(getattr(self, part.name)) for part in fields(self)})

    def __getitem__(self, key: str) -> Json:
        return self._document[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._document)

    def __len__(self) -> int:
        return len(self._document)

    def __hash__(self) -> int:
        return hash((self.machine, self.workload, self.days, self.seed, self.facility_energy_j, self.mean_wait_s))

    def __repr__(self) -> str:
        used = f"{self.gpu_utilisation_fraction:.1%} of {self.gpus_count:,} GPUs in use"
        return printable(f"RunSummary({self.machine}, {self.workload}, {self.days} days, seed {self.seed}: {used})")
