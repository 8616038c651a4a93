"""`terp simulate MACHINE`: a simulated year, written as a run folder.

The verb runs a workload that is drawn, or with --trace the jobs of a file.  How the machine is shared comes of a policy
or of a real slurm.conf; what of the latter is not modelled goes to stderr before the run.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

import click

from terp.views.cli.setup.compiling import compile_first
from terp.views.cli.words.names import named
from terp.views.cli.words.scenario_options import ScenarioCommand, default_of, option_of, typed_words, with_defaults
from terp.views.cli.words.suggestions import KnownWord

if TYPE_CHECKING:
    from terp.connect import SlurmConf
    from terp.describe import Scenario
    from terp.simulate import ScenarioInputs

FORMATS: Final = ("swf", "sacct", "sacct-json", "acme", "helios", "philly", "replay", "terp")
"""Formats of a trace, to choose from without reading one; `terp.connect.TRACE_FORMATS` says which there are."""


@click.command("simulate", cls=ScenarioCommand)
@click.argument("machine", required=False, shell_complete=named("machines"))
@click.option("--trace", type=click.Path(path_type=Path), default=None, help="Run the jobs of this file, not a workload's.")
@click.option("--format", "trace_format", type=KnownWord(FORMATS), help="Of --trace, where its content does not tell it.")
@click.option("--unit", type=KnownWord(["node", "gpu"]), default=None, help="What a processor of an SWF trace is.")
@click.option("--slurm-conf", type=click.Path(path_type=Path), default=None, help="How it is shared: a real slurm.conf.")
@click.option("--assoc", type=click.Path(path_type=Path), default=None, help="Accounts and QOS, as sacctmgr prints them.")
@click.option("-o", "--out", type=click.Path(path_type=Path), default=None, help="Folder for the run.")
@click.option("--force", is_flag=True, help="Replace a run of another question in the folder.")
@click.option("--json", "as_json", is_flag=True, help="Print summary.json, data alone.")
@click.option("--check-workload", is_flag=True, help="Only draw the jobs, and compare them with the published shares.")
def command(
    machine: str | None,
    trace: Path | None,
    trace_format: str | None,
    unit: Literal["node", "gpu"] | None,
    slurm_conf: Path | None,
    assoc: Path | None,
    out: Path | None,
    *,
    force: bool,
    as_json: bool,
    check_workload: bool,
    **options: object,
) -> None:
    """Simulate MACHINE, a shipped name or a file, for some days with a whole country working on it.

    Writes a run folder of Parquet tables, summary.json and run.json, and prints a summary.
    Without -o and with --json nothing is written.  Look at it with `terp report FOLDER`.
    A folder with a run of another question is left as it is, unless --force; the same question is simulated again.

    With --trace the jobs of a file are run instead: SWF, sacct's output, published sets, or our own Parquet.
    """
    words = with_defaults(typed_words(machine, options), without=("policy",) if slurm_conf else ())
    if "machine" not in words and not check_workload:
        raise click.UsageError("name a machine, such as `terp simulate gefion`")
    _refuse_pairs(words, trace, trace_format, unit, slurm_conf, assoc)
    from terp.simulate.questions import asked_in_words, conf_and_inputs
    from terp.views.text.replay_text import conf_text

    scenario, given = asked_in_words({"machine": "gefion", **words}, option_of)
    conf, inputs = conf_and_inputs(scenario, given, slurm_conf, assoc)
    if check_workload:
        sys.exit(_check(scenario, inputs, as_json=as_json))
    if conf is not None:
        click.echo(conf_text(conf), err=True)
    if trace is not None:
        _trace(scenario, inputs, conf, (trace, trace_format or "", unit), out, as_json=as_json, force=force)
    else:
        _year(scenario, inputs, out, as_json=as_json, force=force)


def _refuse_pairs(
    words: Mapping[str, object], trace: Path | None, trace_format: str | None, unit: str | None, slurm_conf: Path | None,
    assoc: Path | None,
) -> None:  # fmt: skip
    """Refuses options that contradict each other, or that need another.

    words   values of the scenario's fields that were given, by their words.  Raises click.UsageError

    The others are as click gave them, None where they were not given.  Caps are refused with a trace, the powers of whose
    jobs are not known.
    """
    if words.get("policy") and slurm_conf:
        raise click.UsageError("--policy and --slurm-conf both say how the machine is shared: leave one out")
    if assoc and not slurm_conf:
        raise click.UsageError("--assoc goes with --slurm-conf")
    if (unit or trace_format) and not trace:
        raise click.UsageError(f"{'--unit' if unit else '--format'} goes with --trace")
    if trace and any(name in words for name in ("gpu_cap", "node_cap", "power_cap", "response")):
        raise click.UsageError(
            "caps are of years with a workload, whose jobs' powers are known; leave them out with --trace"
        )


def _year(scenario: Scenario, inputs: ScenarioInputs, out: Path | None, *, as_json: bool, force: bool) -> None:
    """A run of a workload, saved and printed.

    out   its folder; if None, one under runs/ named by machine, site, workload, days and seed, or with --json none at all

    The folder is checked before the run, so that a year is not simulated in vain.

    scenario   what was asked;  inputs   what its names were read as
    force      replace a run of another question

    Raises Problems before the run for a folder that cannot be used and for controls that this machine cannot have.
    """
    from terp.files import check_target, one_writer
    from terp.results import RUN, save_run
    from terp.simulate import question_of_year, simulate_scenario
    from terp.simulate.engine.engines import needs_controller

    names = [inputs.machine.file.name, inputs.site.record.name, inputs.workload.record.name]
    names += [inputs.policy.name] if inputs.policy else []
    default = Path(str(default_of("out") or "runs")) / "-".join([*names, f"{scenario.days}d", f"seed{scenario.seed}"])
    folder = out if out is not None else None if as_json else default
    question = question_of_year(scenario, inputs)  # refuses controls before a long wait
    if folder is not None:
        check_target(folder, RUN, None if force else question)
    with one_writer(folder) if folder is not None else nullcontext():
        compile_first(["controller" if needs_controller(inputs.policy) else "core"])
        run = simulate_scenario(scenario, inputs, _progress(scenario.days))
        if folder is not None:
            save_run(run, folder, force=force)
    if as_json:
        click.echo(json.dumps(run.to_dict(), indent=2))
        return
    from terp.views.text.summary_text import as_text

    click.echo(as_text(run))
    click.echo(f"\n  run      {folder}\n  report   terp report {folder}")


def _trace(
    scenario: Scenario,
    inputs: ScenarioInputs,
    conf: SlurmConf | None,
    source: tuple[Path, str, Literal["node", "gpu"] | None],
    out: Path | None,
    *,
    as_json: bool,
    force: bool,
) -> None:
    """A run of a trace; its folder holds the trace with the simulated times, and summary.json.

    conf   a slurm.conf in the place of a policy, None without
    source the trace, its format, and what a processor of an SWF trace is; "" and None where the file tells
    out    its folder; nothing is written if None
    force  replace a replay of another question

    Raises Problems before the trace is read if the folder cannot be used, or if another process writes it.
    """
    from terp.files import check_target, one_writer
    from terp.results.replay_folder import REPLAY
    from terp.simulate import replay
    from terp.views.text.replay_text import replay_text

    if out is not None:
        check_target(out, REPLAY)
    with one_writer(out) if out is not None else nullcontext():
        path, trace_format, unit = source
        replayed = replay(
            path,
            inputs.machine,
            site=inputs.site,
            policy=None if conf else inputs.policy,
            slurm_conf=conf,
            trace_format=trace_format,
            unit=unit,
            seed=scenario.seed,
            spare_nodes=scenario.spare_nodes_count,
            failures=scenario.failures,
            before=lambda engine: compile_first([engine]),
            out=out,
            force=force,
        )
        if out is not None:
            replayed.save(out, force=force)
    if as_json:
        click.echo(json.dumps(replayed.to_dict(), indent=2))
        return
    click.echo(replay_text(replayed))
    if out is not None:
        click.echo(f"\n  run      {out}")


def say_waiting(folder: Path) -> Callable[[object], None]:
    """A line on stderr where another process writes a folder, and it is waited for.

    folder   as it was named; what comes back takes the `terp.files.Writing` that has it
    """
    return lambda writer: click.echo(f"{folder} is being written by {writer}; waiting until it has ended ...", err=True)


def _progress(days: int) -> Callable[[float], None] | None:
    """Shows how far the run is and how long it will take, where someone watches; None where stderr is no terminal.

    days   that are simulated; the time left is by the pace so far
    """
    if not sys.stderr.isatty():
        return None
    began = time.perf_counter()

    def tell(share: float) -> None:
        """Writes over the last line, and wipes it at the end; `share` is of the simulated time, above 0."""
        left_s = (time.perf_counter() - began) * (1 - share) / share
        text = f"\rsimulated {share * days:.0f} of {days} days, about {left_s:.0f} s left " if share < 1 else "\r\033[K"
        click.echo(text, nl=False, err=True)

    return tell


def _check(scenario: Scenario, inputs: ScenarioInputs, *, as_json: bool) -> int:
    """Draws the jobs and prints them beside the published shares; 0 if all pass, else 1.

    A figure passes within 10 % of what is published, or within one percentage point of a share.

    scenario   whose days and seed count;  inputs   whose workload is drawn, on the GPUs of its machine
    as_json    a list of the figures, numbers in SI
    """
    from terp.simulate import TOLERANCE, check_workload, draw_jobs
    from terp.units import DAY_S, number

    record, built, offset_s = inputs.workload.record, inputs.machine, inputs.site.record.utc_offset_s
    inputs.kinds  # noqa: B018 - raises for what cannot run here
    horizon_s, per_node = scenario.days * DAY_S, built.node.accelerators_count
    jobs = draw_jobs(record, built.gpus_count, per_node, horizon_s, offset_s, scenario.seed)
    checks = check_workload(record, jobs)
    bad = sum(not check.passes for check in checks)
    if as_json:
        keys = ("profile", "measure", "of", "at", "published", "drawn", "points", "jobs_count", "passes")
        click.echo(json.dumps([{key: getattr(check, key) for key in keys} for check in checks], indent=2))
        return int(bad > 0)
    click.echo(
        f"{'profile':12} {'measure':19} {'of':12} {'at':>12} {'published':>11} {'drawn':>11} {'miss':>8} {'points':>7}"
    )
    for check in checks:
        printed, drawn = (
            (f"{value:,.0f} s" if check.measure == "duration_s" else f"{value:.2%}")
            for value in (check.published, check.drawn)
        )
        mark = "" if check.passes else "  <- misses"
        click.echo(
            f"{check.profile:12} {check.measure:19} {check.of:12} {check.at:>12} {printed:>11} {drawn:>11} "
            f"{check.miss:>+8.1%} {100 * check.points:>+7.2f}{mark}"
        )
    by_point = sum(check.passes and abs(check.miss) > TOLERANCE for check in checks)
    within = (
        f"{len(checks) - bad} of {len(checks)} within 10 % or one percentage point of print ({by_point} by the point alone)"
    )
    click.echo(f"\n{within}; {number(len(jobs))} jobs drawn")
    if bad and record.largest_job_count:
        click.echo("`largest_job` leaves jobs out that the printed figures hold: they cannot all be met")
    if bad and len(jobs) < 300_000:
        click.echo("a short run holds few long jobs, which carry most GPU time: check a whole year")
    return int(bad > 0)
