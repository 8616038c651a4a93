"""`terp simulate MACHINE`: a simulated year, written as a run folder."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Callable

    from terp.describe import Workload
    from terp.hardware import Machine
    from terp.reader import Written
    from terp.views.operation import Asked


@click.command("simulate")
@click.argument("machine", required=False)
@click.option("--workload", default="national", show_default=True, help="Who works on it: a shipped name or a file.")
@click.option("--trace", type=click.Path(path_type=Path), default=None, help="Run the jobs of this file, not a workload's.")
@click.option("--unit", type=click.Choice(["node", "gpu"]), default=None, help="What a processor of an SWF trace is.")
@click.option("--site", default="", help="Where it stands, if not where its file says: a shipped name or a file.")
@click.option("--days", default=365, show_default=True, type=click.IntRange(1, 3660), help="Days to simulate.")
@click.option("--seed", default=1, show_default=True, type=click.IntRange(0, 2**32 - 1), help="Another seed, another year.")
@click.option("--policy", default="", help="How it is shared: a shipped name, such as conservative, or a file.")
@click.option("--slurm-conf", type=click.Path(path_type=Path), default=None, help="How it is shared: a real slurm.conf.")
@click.option("--assoc", type=click.Path(path_type=Path), default=None, help="Accounts and QOS, as sacctmgr prints them.")
@click.option("--no-failures", is_flag=True, help="Nothing fails.")
@click.option("--gpu-cap", default="", metavar="POWER", help="Cap the power of every GPU, such as '600 W'.")
@click.option("--node-cap", default="", metavar="POWER", help="Cap the GPUs so that no node draws more, fans aside.")
@click.option("--power-cap", default="", metavar="POWER", help="Start nothing that takes the machine above it.")
@click.option("--response", default="", metavar="POWER", help="The same in the hours of --response-hours, each day.")
@click.option("--response-hours", default="17-20", show_default=True, help="Local hours of --response.")
@click.option("--spares", default=0, type=click.IntRange(0, 10_000), help="Nodes that stand by for those that fail.")
@click.option("--checkpoints", default="file", show_default=True, help="file: as the workload says; daly: as costs least.")
@click.option("--delay-by", default="price", show_default=True, help="What jobs that may be delayed wait for, or carbon.")
@click.option("-o", "--out", type=click.Path(path_type=Path), default=None, help="Folder for the run.")
@click.option("--json", "as_json", is_flag=True, help="Print summary.json, data alone.")
@click.option("--check-workload", is_flag=True, help="Only draw the jobs, and compare them with the published shares.")
def command(machine: str | None, out: Path | None, *, as_json: bool, check_workload: bool, **given: Any) -> None:
    """Simulate MACHINE, a shipped name or a file, for some days with a whole country working on it.

    Writes a run folder of Parquet tables, summary.json and run.json, and prints a summary.
    Without -o and with --json nothing is written.  Look at it with `terp report FOLDER`.

    With --trace the jobs of a file are run instead: SWF, sacct's output, published sets, or our own Parquet.
    """
    if machine is None and not check_workload:
        raise click.UsageError("name a machine, such as `terp simulate gefion`")
    _refuse_pairs(given)
    from terp.views.operation import ask, conf_text

    asked = ask(machine or "gefion", given)
    if check_workload:
        record, site = asked.inputs.workload, asked.inputs.site.record
        sys.exit(_check(record, asked.inputs.machine, site.utc_offset_s, given["days"], given["seed"], as_json=as_json))
    if asked.conf is not None:
        click.echo(conf_text(asked.conf), err=True)
    if given["trace"] is not None:
        _trace(asked, given, out, as_json=as_json)
    else:
        _year(asked, out, as_json=as_json)


def _refuse_pairs(given: dict[str, Any]) -> None:
    """Options that contradict each other, or that need another."""
    if given["policy"] and given["slurm_conf"]:
        raise click.UsageError("--policy and --slurm-conf both say how the machine is shared: leave one out")
    if given["assoc"] and not given["slurm_conf"]:
        raise click.UsageError("--assoc goes with --slurm-conf")
    if given["unit"] and not given["trace"]:
        raise click.UsageError("--unit goes with --trace")
    if given["trace"] and any(given[name] for name in ("gpu_cap", "node_cap", "power_cap", "response")):
        raise click.UsageError(
            "caps are of years with a workload, whose jobs' powers are known; leave them out with --trace"
        )


def _year(asked: Asked, out: Path | None, *, as_json: bool) -> None:
    """A run of a workload."""
    from terp.results import check_target, save_run
    from terp.simulate import simulate
    from terp.simulate.engine.engines import needs_controller

    scenario, inputs = asked.scenario, asked.inputs
    names = [inputs.machine.file.name, inputs.site.record.name, inputs.workload.record.name]
    names += [asked.policy.name] if asked.policy else []
    default = Path("runs") / "-".join([*names, f"{scenario.days}d", f"seed{scenario.seed}"])
    folder = out if out is not None else None if as_json else default
    if folder is not None:
        check_target(folder)
    _say_if_compiling("controller" if needs_controller(asked.policy) else "core")
    run = simulate(
        inputs.machine, inputs.site, inputs.workload, scenario.days, scenario.seed, _progress(scenario.days), inputs.kinds,
        scenario.controls(asked.policy),
    )  # fmt: skip
    if folder is not None:
        save_run(run, folder)
    if as_json:
        click.echo(json.dumps(run.summary, indent=2))
        return
    from terp.views.text.summary_text import as_text

    click.echo(as_text(run))
    click.echo(f"\n  run      {folder}\n  report   terp report {folder}")


def _trace(asked: Asked, given: dict[str, Any], out: Path | None, *, as_json: bool) -> None:
    """A run of a trace; its folder holds the trace with the simulated times, and summary.json."""
    from terp.results import check_target
    from terp.views.operation import read_jobs, replay_text, run_trace, save_replay

    if out is not None:
        check_target(out, "summary.json")
    trace = read_jobs(given["trace"], given["unit"] or "", asked)
    found = run_trace(asked, trace, _say_if_compiling)
    if out is not None:
        save_replay(found, out)
    if as_json:
        click.echo(json.dumps({"trace": given["trace"].name, **found.summary}, indent=2))
        return
    click.echo(replay_text(given["trace"].name, found))
    if out is not None:
        click.echo(f"\n  run      {out}")


def _say_if_compiling(engine: str = "core") -> None:
    """A line on stderr before the one long wait: the first run on a machine."""
    from terp.simulate import compiled_before

    if not compiled_before(engine):
        takes = {"core": "15 s", "pool": "5 s", "controller": "40 s"}[engine]
        click.echo(f"compiling the simulation's {engine}, once on this machine; about {takes} ...", err=True)


def _progress(days: int) -> Callable[[float], None] | None:
    """Shows how far the run is and how long it will take, where someone watches."""
    if not sys.stderr.isatty():
        return None
    began = time.perf_counter()

    def tell(share: float) -> None:
        left_s = (time.perf_counter() - began) * (1 - share) / share
        text = f"\rsimulated {share * days:.0f} of {days} days, about {left_s:.0f} s left " if share < 1 else "\r\033[K"
        click.echo(text, nl=False, err=True)

    return tell


def _check(workload: Written[Workload], built: Machine, utc_offset_s: float, days: int, seed: int, *, as_json: bool) -> int:
    """Draws the jobs and prints them beside the published shares; 0 if all pass, else 1."""
    from terp.simulate import TOLERANCE, check_workload, draw_jobs, kinds_of
    from terp.units import DAY_S, number

    record = workload.record
    kinds_of(built, workload)  # raises for what cannot run here
    jobs = draw_jobs(record, built.gpus_count, built.node.accelerators_count, days * DAY_S, utc_offset_s, seed)
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
