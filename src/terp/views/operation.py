"""What `terp simulate` is asked, as the simulation takes it, and traces as text."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from terp.catalogue import read_catalogue
from terp.connect import Known, SlurmConf, read_slurm_conf, read_trace, write_trace
from terp.describe import Cluster, Policy, Trace, read_machine, read_policy, read_site, read_workload, shipped_names
from terp.errors import Problem, Problems, TerpError
from terp.files import write_whole
from terp.hardware import build_machine
from terp.simulate import Replay, replay
from terp.simulate.trace_replay import engine_of, refuse_if_nothing_ran
from terp.sweep import Scenario
from terp.sweep.scenario import Inputs
from terp.units import NotAQuantity, parse, show

CAPS: Final = ("gpu_cap", "node_cap", "power_cap", "response")
"""Options that are powers."""


@dataclass(frozen=True)
class Asked:
    """A question with its files read.

    policy, cluster   of the policy file, or of the slurm.conf with what became of its lines
    """

    scenario: Scenario
    inputs: Inputs
    policy: Policy | None
    cluster: Cluster | None
    conf: SlurmConf | None


def ask(machine: str, given: dict[str, Any]) -> Asked:
    """Reads what the options name.  Raises TerpError with the mistakes of all of them."""
    wrong: list[str] = []

    def attempt(read: Callable[..., Any], *arguments: Any) -> Any:
        try:
            return read(*arguments)
        except TerpError as error:
            wrong.append(str(error))
            return None

    caps = {name: attempt(_watts, f"--{name.replace('_', '-')}", given[name]) for name in CAPS}
    machine_file, workload = attempt(read_machine, machine), attempt(read_workload, given["workload"])
    place = given["site"] or (machine_file.record.site if machine_file else None)
    site = attempt(read_site, place) if place else None
    policy = attempt(read_policy, given["policy"]) if given["policy"] else None
    conf = attempt(read_slurm_conf, given["slurm_conf"], given["assoc"]) if given["slurm_conf"] else None
    if machine_file and not place:
        sites = " or ".join(f"--site {name}" for name in shipped_names("sites"))
        wrong.append(f"{machine_file.file} names no site; say where it stands with {sites}")
    scenario = Scenario(
        machine=machine, site=given["site"], workload=given["workload"], days=given["days"], seed=given["seed"],
        policy=given["policy"], gpu_cap_w=caps["gpu_cap"] or 0.0, node_cap_w=caps["node_cap"] or 0.0,
        power_cap_w=caps["power_cap"] or 0.0,
        response_w=caps["response"] or 0.0, response_hours=given["response_hours"], spare_nodes_count=given["spares"],
        failures=not given["no_failures"], checkpoints=given["checkpoints"], delay_by=given["delay_by"],
    )  # fmt: skip
    attempt(scenario.controls)
    if wrong or site is None:
        raise TerpError("\n".join(wrong))
    built = build_machine(machine_file, read_catalogue())
    said = policy.record if policy else conf.policy if conf else None
    return Asked(scenario, Inputs(built, site, workload, policy), said, conf.cluster if conf else None, conf)


def _watts(option: str, text: str) -> float:
    """A power of an option [W]; 0 if it is not given.  Raises Problems."""
    if not text:
        return 0.0
    try:
        return parse(text, "w")
    except NotAQuantity as error:
        raise Problems([Problem("", 0, 0, option, error.wrong, repr(text), error.would_do)]) from None


def conf_text(conf: SlurmConf) -> str:
    """What became of the lines of a slurm.conf."""
    kept, passed = len(conf.modelled), len(conf.ignored)
    lines = [f"slurm.conf: {kept} settings are modelled, {passed} are not:"]
    reasons: dict[str, list[str]] = {}
    for line in conf.ignored:
        reasons.setdefault(line.what, []).append(f"{line.key} (line {line.line})")
    return "\n".join([*lines, *(f"  {', '.join(keys)}: {what}" for what, keys in reasons.items())])


def read_jobs(path: Path, unit: str, asked: Asked) -> Trace:
    """A trace, as the machine has room for it.  Raises Problems."""
    nodes = asked.cluster
    machine = asked.inputs.machine
    count = len(nodes.names) if nodes else machine.nodes_count
    gpus = int(nodes.gpus.max(initial=0)) if nodes else machine.node.accelerators_count
    known = Known(nodes_count=count, node_gpus_count=gpus)
    return read_trace(path, unit=unit, known=known)


def run_trace(asked: Asked, trace: Trace, say: Callable[[str], None]) -> Replay:
    """Runs a trace under the policy that was asked for, EASY if none was."""
    policy = asked.policy or read_policy("easy").record
    controls = asked.scenario.controls(policy)
    say(engine_of(policy, trace, controls))
    inputs = asked.inputs
    found = replay(inputs.machine, inputs.site, trace, policy, asked.scenario.seed, controls, asked.cluster)
    refuse_if_nothing_ran(found)
    return found


def save_replay(found: Replay, folder: Path) -> None:
    """Writes the trace with its simulated times, and its figures.  Raises Problems if it cannot."""
    folder.mkdir(parents=True, exist_ok=True)
    write_trace(found.trace, folder / "trace.parquet")
    write_whole(folder / "summary.json", json.dumps(found.summary, indent=2) + "\n")


def replay_text(name: str, found: Replay) -> str:
    """The figures of a trace that fit on a screen."""
    s = found.summary
    waits = ", ".join(f"{word} {show(s[key], 's')}" for word, key in _WAITS.items())
    used = f"{s['utilisation_fraction']:.1%} until the last submission, {s['utilisation_to_end_fraction']:.1%} to the end"
    rows = [
        (
            "jobs",
            f"{s['jobs_count']:,}, {s['jobs_started_count']:,} started, {s['jobs_waited_fraction']:.1%} of them waited",
        ),
        ("wait", waits),
        ("slowdown", f"{s['mean_bounded_slowdown_ratio']:.3f} on average, jobs under 10 s counting as 10 s"),
        ("in use", f"{used}; {s['most_units_in_use_count']:,} units at most"),
        (
            "took",
            f"{show(s['makespan_s'], 's')} of the machine, {s['schedule_s']:.3f} s here: {s['jobs_per_s']:,} jobs a second",
        ),
    ]
    if "facility_energy_j" in s:
        energy = f"{show(s['facility_energy_j'], 'j')} at the meter, every job at the level of a long training"
        rows.append(("energy", f"{energy}; {show(s['electricity_cost_eur'], 'eur')}"))
    lines = [f"{name} on {s['machine']}, policy {s['policy']} by the {s['engine']}", ""]
    lines += [f"  {head:9} {text}" for head, text in rows]
    lines += [f"  refused   {count:,} jobs: {why}" for why, count in s["refused"].items()]
    lines += [f"  {_note(note)}: {count:,} rows" for note, count in s["notes"].items()]
    return "\n".join(lines)


_WAITS = {"mean": "mean_wait_s", "median": "median_wait_s", "95th percentile": "p95_wait_s"}


def _note(text: str) -> str:
    return re.sub(r"^(\w+): ", lambda match: f"{match[1]:9} ", text)
