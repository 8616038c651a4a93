"""PreemptType, PreemptMode and PreemptExemptTime -> who stops whose jobs, and how.

A QOS can stop jobs of another, as sacctmgr's `preempt` lists say; partitions of a higher tier cannot, which
is noted.
"""

from __future__ import annotations

from typing import Final, Literal

from terp.connect.slurm.conf_lines import Notes, Pair
from terp.connect.slurm.conf_values import Settings
from terp.errors import did_you_mean

Preempting = Literal["none", "qos", "partition"]
"""What decides who is stopped: nothing, the QOS of both jobs, or the tiers of their partitions."""
PreemptMode = Literal["off", "requeue", "cancel", "suspend"]
"""What becomes of a job that is stopped: nothing is stopped, it waits again, it ends, or it goes on later
where it was.
"""


def preemption_of(settings: Settings) -> tuple[Preempting, PreemptMode, float]:
    """Who stops whom.  With preempt/qos or preempt/partition_prio a mode is needed, as slurmctld needs it.

    Gives the type, the mode, and how long a job is left alone after its start [s]; jobs that would be requeued
    are cancelled where JobRequeue=0.
    """
    words: dict[str, tuple[Preempting, str]] = {
        "none": ("none", "no job is stopped for another"),
        "qos": ("qos", "jobs are stopped for those of a QOS that preempts theirs"),
        "partition_prio": ("partition", ""),
    }
    pair = settings.get("PreemptType")
    kind: Preempting = "none"
    if pair is not None and pair.value.lower().removeprefix("preempt/") == "partition_prio":
        kind = "partition"
        settings.notes.ignore(pair, "only a QOS stops jobs of another here; those of a lower tier are left to run")
    else:
        kind = settings.word("PreemptType", words, "none", "preempt/")
    mode = mode_of(settings.items("PreemptMode"), settings.notes)
    requeues = settings.count("JobRequeue", "jobs that are stopped come again: {}", 1, 0, 1)
    if kind != "none" and mode == "off" and pair is not None:
        wrong = "a type of preemption without a mode"
        settings.notes.refuse(pair, wrong, "add PreemptMode=REQUEUE, CANCEL or SUSPEND,GANG, or take this line out")
    exempt = settings.get("PreemptExemptTime")
    exempt_s = 0.0
    if exempt is not None and exempt.value != "-1":
        exempt_s = settings.seconds("PreemptExemptTime", "QOS without a time of their own: exempt {}", 0.0, 0, 1e7)
    return kind, "cancel" if mode == "requeue" and not requeues else mode, exempt_s


MODES: Final[dict[str, PreemptMode]] = {"off": "off", "requeue": "requeue", "cancel": "cancel", "suspend": "suspend"}
"""Small word of a PreemptMode -> what it means."""


def mode_of(items: list[Pair], notes: Notes) -> PreemptMode:
    """The words of a PreemptMode, which may also say GANG and WITHIN; of several modes the last counts, of
    none "off".
    """
    mode: PreemptMode = "off"
    for item in items:
        word = item.value.lower()
        if word in MODES:
            mode = MODES[word]
            notes.model(item, f"preempt_mode {mode}")
        elif word in ("gang", "within", "priority"):
            notes.ignore(item, "jobs take no turns on a node, and none of a QOS stops another of it")
        else:
            notes.refuse(item, "not a mode that is known", did_you_mean(word, [*MODES, "gang", "within"]))
    return mode
