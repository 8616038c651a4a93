"""A replayed trace for the terminal, and what became of the lines of a slurm.conf.

Units of a trace are nodes or GPUs, as it says; waits are from submission to start.
"""

from __future__ import annotations

import re

from terp.connect import SlurmConf
from terp.results.replay_folder import Replay
from terp.units import show


def conf_text(conf: SlurmConf) -> str:
    """What became of the lines of a slurm.conf: how many are modelled, and the others by why they are not.

    conf   as it was read, with the lines that have an effect and those that have none

    A reason has one line, with all keys that it holds for and the lines of the file on which they stand.
    """
    kept, passed = len(conf.modelled), len(conf.ignored)
    lines = [f"slurm.conf: {kept} settings are modelled, {passed} are not:"]
    reasons: dict[str, list[str]] = {}
    for line in conf.ignored:
        reasons.setdefault(line.what, []).append(f"{line.key} (line {line.line})")
    return "\n".join([*lines, *(f"  {', '.join(keys)}: {what}" for what, keys in reasons.items())])


def replay_text(replay: Replay) -> str:
    """The figures of a trace that fit on a screen: waits, use, energy if powers are known, refused jobs, repaired rows.

    replay   of one trace, with its summary: waits and times in seconds, energy in joules
    """
    s = replay.summary
    waits = {"mean": s.mean_wait_s, "median": s.median_wait_s, "95th percentile": s.p95_wait_s}
    used = f"{s.utilisation_fraction:.1%} until the last submission, {s.utilisation_to_end_fraction:.1%} to the end"
    took = f"{show(s.makespan_s, 's')} of the machine, {s.schedule_s:.3f} s here: {s.jobs_per_s:,} jobs a second"
    rows = [
        ("jobs", f"{s.jobs_count:,}, {s.jobs_started_count:,} started, {s.jobs_waited_fraction:.1%} of them waited"),
        ("wait", ", ".join(f"{word} {show(wait_s, 's')}" for word, wait_s in waits.items())),
        ("slowdown", f"{s.mean_bounded_slowdown_ratio:.3f} on average, jobs under 10 s counting as 10 s"),
        ("in use", f"{used}; {s.most_units_in_use_count:,} units at most"),
        ("took", took),
    ]
    if s.energy is not None:
        energy = f"{show(s.energy.facility_energy_j, 'j')} at the meter, every job at the level of a long training"
        rows.append(("energy", f"{energy}; {show(s.energy.electricity_cost_eur, 'eur')}"))
    lines = [f"{replay.source} on {s.machine}, policy {s.policy} by the {s.engine}", ""]
    lines += [f"  {head:9} {text}" for head, text in rows]
    lines += [f"  refused   {count:,} jobs: {why}" for why, count in s.refused.items()]
    lines += [f"  {_note(note)}: {count:,} rows" for note, count in s.notes.items()]
    return "\n".join(lines)


def _note(text: str) -> str:
    """A note of the reader, its first word set apart from what was done.

    >>> _note("dropped: jobs without an end")
    'dropped   jobs without an end'
    """
    return re.sub(r"^(\w+): ", lambda match: f"{match[1]:9} ", text)
