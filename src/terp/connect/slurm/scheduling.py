"""The keys of slurm.conf that have a line of their own -> order, backfill, placement and preemption of a
policy.

What a file does not say is as slurm.conf(5) of Slurm 22.05 has it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal, TypedDict

from terp.connect.slurm.conf_values import Settings, number_of, written_s
from terp.connect.slurm.ignored_keys import GLOBAL, PARAMETER_BOUNDS, PARAMETERS, reasons
from terp.connect.slurm.preempt_keys import Preempting, PreemptMode, preemption_of
from terp.describe import Backfill
from terp.errors import did_you_mean
from terp.units import DAY_S, HOUR_S

Placement = Literal["best-fit", "fewest-leaves", "tree", "spread"]

NOT_AGAIN_S: Final = float(DAY_S)
"""How often the main scheduler comes where it is said not to come at all: as seldom as a policy can say."""

_WEIGHTS: Final = {
    "PriorityWeightAge": "age", "PriorityWeightFairshare": "fairshare", "PriorityWeightJobSize": "job_size",
    "PriorityWeightPartition": "partition", "PriorityWeightQOS": "qos",
}  # fmt: skip
"""Key of a weight -> the factor that it multiplies."""
_PRIORITY_FLAGS: Final = {
    "accrue_always": "jobs age from when they may start",
    "calculate_running": "jobs that run have no order",
    "depth_oblivious": "shares are those of fair tree",
    "no_fair_tree": "shares are those of fair tree",
    "fair_tree": "it is always so",
    "incr_only": "priorities go down as well as up",
    "max_tres": "what a job is billed is the sum of its resources",
    "no_normal_assoc": "associations have no priorities of their own here",
    "no_normal_tres": "the size of a job is judged by its nodes alone",
    "small_relative_to_time": "the size of a job is judged without its time",
    "no_normal_all": "", "no_normal_qos": "", "no_normal_part": "",
}  # fmt: skip
"""Small word of PriorityFlags -> why it changes nothing; empty where it does."""
_SELECT: Final = {
    "cons_tres": (False, "jobs share nodes"),
    "cons_res": (False, "jobs share nodes"),
    "linear": (True, "jobs take whole nodes"),
}
"""Word of SelectType -> whether jobs take whole nodes, and what is noted."""
_SHARED_OUT: Final = (
    "cr_cpu", "cr_cpu_memory", "cr_core", "cr_core_memory", "cr_socket", "cr_socket_memory", "cr_memory",
)  # fmt: skip
"""Words of SelectTypeParameters that say what is shared out."""
_SELECT_PARAMETERS: Final = (
    *_SHARED_OUT, "cr_lln",
    "cr_pack_nodes", "cr_one_task_per_core", "cr_core_default_dist_block", "ll_shared_gres", "multiple_sharing_gres_pj",
    "enforce_binding_gres", "one_task_per_sharing_gres", "other_cons_res", "other_cons_tres",
)  # fmt: skip
"""All words of SelectTypeParameters that slurmctld takes."""
_ENFORCE: Final = ("associations", "limits", "nojobs", "nosteps", "qos", "safe", "wckeys", "all", "0", "1", "2", "no", "yes")
"""Words of AccountingStorageEnforce."""


class WrittenPriority(TypedDict):
    """What orders jobs, as a policy file says it, with the names of the record's fields; times with their
    unit.

    weights         name of a factor with `_ratio` -> its weight, a whole number as Slurm has them
    max_age_s, half_life_s, calc_period_s   with their unit, such as "604800.0 s"
    favor_small     whether small jobs have the higher size factor
    """

    weights: dict[str, int]
    max_age_s: str
    half_life_s: str
    calc_period_s: str
    favor_small: bool


@dataclass(frozen=True)
class Scheduling:
    """What the keys of the whole machine say.

    order            by submission, or by priority where any weight is above 0
    priority         as a policy file says it
    backfill         kind, interval and depth of the backfill scheduler
    depth_count      jobs that the main scheduler looks at when something happens
    sched_interval_s   how often it looks at all of them
    whole            whether every job takes whole nodes (select/linear)
    memory_counts    whether memory is shared out like cores
    not_normal       factors that are not divided by the highest of all: of `qos`, of `partition`
    limits_hold      whether limits of accounts and QOS hold (AccountingStorageEnforce)
    preempting, mode, exempt_s   who stops whom, and how
    licenses         name -> how many there are
    """

    order: Literal["fifo", "multifactor"]
    priority: WrittenPriority
    backfill: Backfill
    depth_count: int
    sched_interval_s: float
    placement: Placement
    whole: bool
    memory_counts: bool
    not_normal: frozenset[str]
    limits_hold: bool
    preempting: Preempting
    mode: PreemptMode
    exempt_s: float
    licenses: dict[str, int]


def scheduling_of(settings: Settings) -> Scheduling:
    """The policy of the machine's own keys; what they do not say is as Slurm 22.05 has it.

    settings   all keys that have a line of their own; each one asked for is noted

    Raises Problems only when too many keys are refused; others are refused in the notes.
    """
    kind = settings.word(
        "SchedulerType",
        {"backfill": ("conservative", "backfill of kind conservative, planned as slurmctld does"),
         "builtin": ("none", "no backfill")},
        "conservative", "sched/",
    )  # fmt: skip
    parameters = _parameters(settings)
    backfill = _backfill(parameters, kind)
    depth = parameters.count("default_queue_depth", "depth {}", 100, 1)
    interval = parameters.count("sched_interval", "sched_interval {} s", 60, -1, DAY_S)
    _ignored_parameters(parameters)
    order, priority, not_normal = _priority(settings)
    whole, memory_counts, spread = _select(settings)
    placement = _topology(settings, "spread" if spread else "best-fit")
    preempting, mode, exempt = preemption_of(settings)
    return Scheduling(
        order, priority, backfill, depth, NOT_AGAIN_S if interval < 0 else float(interval), placement, whole,
        memory_counts, not_normal, _enforced(settings), preempting, mode, exempt, _licenses(settings),
    )  # fmt: skip


def left_over(settings: Settings) -> None:
    """Note the keys that nothing was made of; a parameter that a blank cut off from its list is refused.

    settings   all keys that have a line of their own, when everything that is read was asked for
    """
    for key in set(settings.stated) & ({*_PARAMETERS} | _MODELLED_PARAMETERS) - settings.consulted:
        settings.consulted.add(key)
        would_do = "write it behind the others, with a comma and no blank between"
        settings.notes.refuse(settings.stated[key], "one of SchedulerParameters outside of them", would_do)
    settings.left_over(lambda key: _GLOBAL.get(key, ""), _LINES)


_GLOBAL: Final = reasons(GLOBAL)
"""Small key of its own line -> why it is ignored."""
_PARAMETERS: Final = reasons(PARAMETERS)
"""Small name of SchedulerParameters -> why it is ignored."""
_BACKFILL: Final = {"bf_interval", "bf_window", "bf_resolution", "bf_max_job_test", "bf_job_part_count_reserve"}
_MODELLED_PARAMETERS: Final = {*_BACKFILL, "default_queue_depth", "sched_interval"}
_LINES: Final = ("NodeName", "PartitionName", "DownNodes", "NodeSet", "Include")
"""Keys that begin lines of other kinds, to know misspellings by."""


def _parameters(settings: Settings) -> Settings:
    """SchedulerParameters as settings of their own, each with the place of the whole; one without a value has
    an empty one.
    """
    pairs = []
    for item in settings.items("SchedulerParameters"):
        key, _, value = item.value.partition("=")
        pairs.append(item._replace(key=key.strip(), value=value.strip()))
    return Settings.of(settings.notes, pairs)


def _backfill(parameters: Settings, kind: str) -> Backfill:
    """The bf_* that a policy has; sched/builtin has none of them.

    kind   "conservative" for sched/backfill, which plans every job it looks at, or "none"

    SchedulerParameters that are read, with what counts where they are not said:

    bf_interval        30 s between passes; -1: no backfill at all; 0 is refused
    bf_window          1440 min ahead that are planned
    bf_resolution      60 s to which planned times are rounded
    bf_max_job_test    500 waiting jobs looked at in a pass
    bf_job_part_count_reserve   0: every job that is looked at is planned; see `_reserving`
    """
    if kind == "none":
        for key in sorted(_BACKFILL & set(parameters.stated)):
            parameters.consulted.add(key)
            parameters.notes.ignore(parameters.stated[key], "sched/builtin has no backfill")
        return Backfill.model_validate({"kind": "none"})
    interval = parameters.count("bf_interval", "backfill.interval {} s; -1: no backfill", 30, -1, 10_800)
    if interval == 0:
        parameters.notes.refuse(parameters.stated["bf_interval"], "no time between passes", "write -1, or at least 1")
    return Backfill.model_validate(
        {
            "kind": "none" if interval < 1 else _reserving(parameters, kind),
            "interval_s": written_s(max(interval, 0)),
            "window_s": written_s(60 * parameters.count("bf_window", "backfill.window {} min", 1440, 1, 43_200)),
            "resolution_s": written_s(parameters.count("bf_resolution", "backfill.resolution {} s", 60, 1, HOUR_S)),
            "jobs_count": parameters.count("bf_max_job_test", "backfill.jobs {}", 500, 1, 1_000_000),
            "planning": "slurm",
        }
    )


def _reserving(parameters: Settings, kind: str) -> str:
    """bf_job_part_count_reserve: how many waiting jobs of a partition are planned, 0 for all; one alone is
    EASY.

    Gives the kind of backfill; more than one, and fewer than all, is noted as ignored.
    """
    pair = parameters.get("bf_job_part_count_reserve")
    if pair is None:
        return kind
    value = number_of(pair.value)
    if value is None or value != int(value) or not 0 <= value <= 100_000:
        parameters.notes.refuse(pair, "not a whole number that can be", "write one from 0 to 100000")
    elif value > 1:
        parameters.notes.ignore(pair, "all jobs that are looked at are planned, or only the first")
    else:
        kind = "easy" if value else kind
        parameters.notes.model(pair, f"backfill.kind {kind}")
    return kind


def _ignored_parameters(parameters: Settings) -> None:
    """Refuse numbers that slurmctld refuses too, and say why the others change nothing."""
    for key, (low, high) in PARAMETER_BOUNDS.items():
        pair = parameters.stated.get(key)
        if pair is not None and ((value := number_of(pair.value)) is None or not low <= value <= high):
            parameters.consulted.add(key)
            parameters.notes.refuse(pair, "not a number that can be", f"write one from {low} to {high}")
    parameters.left_over(lambda key: _PARAMETERS.get(key, ""))


def _priority(settings: Settings) -> tuple[Literal["fifo", "multifactor"], WrittenPriority, frozenset[str]]:
    """PriorityType and what belongs to it; weights that are all 0 leave the order of submission.

    Gives the order, what orders jobs, and the factors that are left as they are.

    PriorityMaxAge          7 days: the wait at which the age factor is 1
    PriorityDecayHalfLife   7 days: the half-life of usage; 0: it never decays
    PriorityCalcPeriod      300 s between decays, when waiting jobs are ordered anew
    PriorityFavorSmall      NO: large jobs have the higher size factor
    PriorityWeight*         0 each
    """
    words: dict[str, tuple[Literal["fifo", "multifactor"], str]] = {
        "basic": ("fifo", "order fifo"),
        "multifactor": ("multifactor", "order multifactor; fifo where all weights are 0"),
    }
    kind = settings.word("PriorityType", words, "fifo", "priority/")
    weights = {name: settings.count(key, f"priority.weights.{name} {{}}", 0) for key, name in _WEIGHTS.items()}
    priority: WrittenPriority = {
        "weights": {f"{name}_ratio": value for name, value in weights.items()},
        "max_age_s": written_s(settings.seconds("PriorityMaxAge", "priority.max_age {}", 7.0 * DAY_S, 1)),
        "half_life_s": written_s(settings.seconds("PriorityDecayHalfLife", "priority.half_life {}", 7.0 * DAY_S)),
        "calc_period_s": written_s(settings.seconds("PriorityCalcPeriod", "priority.calc_period {}", 300.0, 1, 1e6)),
        "favor_small": settings.flag("PriorityFavorSmall", "priority.favor_small"),
    }
    flags = _priority_flags(settings)
    return (kind if any(weights.values()) else "fifo"), priority, flags


def _priority_flags(settings: Settings) -> frozenset[str]:
    """Factors that PriorityFlags leaves as they are instead of dividing them by the highest.

    A factor that NO_NORMAL_* names has its weight multiplied by the highest value there is, in `slurm_conf`.
    """
    factors: set[str] = set()
    for item in settings.items("PriorityFlags"):
        flag = item.value.lower()
        if flag not in _PRIORITY_FLAGS:
            settings.notes.refuse(item, "not a flag that is known", did_you_mean(flag, _PRIORITY_FLAGS))
        elif _PRIORITY_FLAGS[flag]:
            settings.notes.ignore(item, _PRIORITY_FLAGS[flag])
        else:
            settings.notes.model(item, "the weight is multiplied by the highest value there is")
            factors |= {"qos", "partition"} if flag == "no_normal_all" else {"qos" if flag.endswith("qos") else "partition"}
    return frozenset(factors)


def _select(settings: Settings) -> tuple[bool, bool, bool]:
    """Whether jobs take whole nodes, whether memory is shared out, and whether the emptiest nodes come first
    (CR_LLN).

    Without SelectType it is select/linear: whole nodes.  Memory is shared out with select/cons_tres, unless the
    parameters name what is and memory is not among it (CR_Core, CR_CPU, CR_Socket).
    """
    whole = settings.word("SelectType", _SELECT, default=True, prefix="select/")
    memory, spread, words = not whole, False, []
    for item in settings.items("SelectTypeParameters"):
        word = item.value.lower()
        if word not in _SELECT_PARAMETERS:
            settings.notes.refuse(item, "not a parameter that is known", did_you_mean(word, _SELECT_PARAMETERS))
        elif word == "cr_lln":
            spread = True
            settings.notes.model(item, "placement spread")
        elif word in _SHARED_OUT:
            words.append(word)
            settings.notes.model(item, f"{'memory is' if 'memory' in word else 'memory is not'} shared out")
        else:
            settings.notes.ignore(item, "says how tasks and GPUs are spread within a job")
    return whole, any("memory" in word for word in words) if words else memory, spread


def _topology(settings: Settings, flat: Literal["best-fit", "spread"]) -> Placement:
    """TopologyPlugin -> placement.

    flat   placement where the plugin knows no switches, or jobs need not ask for them

    `tree` becomes placement tree, `block` fewest-leaves, and every other plugin `flat`, which is best-fit, or
    spread with CR_LLN.  TopologyParam=TopoOptional makes it flat too.
    """
    words: dict[str, tuple[Placement, str]] = {
        "tree": ("tree", "placement tree"),
        "block": ("fewest-leaves", "placement fewest-leaves; a block is a leaf"),
        **dict.fromkeys(("none", "default", "flat"), (flat, f"placement {flat}")),
        **dict.fromkeys(("3d_torus", "ring"), (flat, f"placement {flat}; distances in the torus are not modelled")),
    }  # fmt: skip
    placement = settings.word("TopologyPlugin", words, flat, "topology/")
    for item in settings.items("TopologyParam"):
        if item.value.lower() == "topooptional":
            placement = flat
            settings.notes.model(item, f"placement {flat}: jobs do not ask for switches")
        else:
            settings.notes.ignore(item, "says more of a network than its leaves")
    return placement


def _enforced(settings: Settings) -> bool:
    """AccountingStorageEnforce: whether limits hold, as they do with `limits`, `safe` or `all`."""
    words = set()
    for item in settings.items("AccountingStorageEnforce"):
        words.add(item.value.lower())
        if item.value.lower() not in _ENFORCE:
            settings.notes.refuse(item, "not a word that is known", did_you_mean(item.value, _ENFORCE))
    holds = bool({"limits", "safe", "all", "2"} & words)
    if words:
        settings.notes.model(
            settings.stated["accountingstorageenforce"], f"limits of accounts and QOS {'hold' if holds else 'do not hold'}"
        )
    return holds


def _licenses(settings: Settings) -> dict[str, int]:
    """Licenses: name:count, or a name alone for one.

    Gives name -> how many there are; a licence of which no number is said is one.
    """
    licenses: dict[str, int] = {}
    for item in settings.items("Licenses"):
        name, _, count = re.sub("[=*]", ":", item.value).partition(":")
        number = number_of(count or "1")
        if number is None or number != int(number) or not 0 <= number < 10**9 or not 0 < len(name) <= 128:
            settings.notes.refuse(item, "not a licence and how many there are", "write it as matlab:4")
        else:
            licenses[name] = int(number)
            settings.notes.model(item, f"licenses.{name} {int(number)}")
    return licenses
