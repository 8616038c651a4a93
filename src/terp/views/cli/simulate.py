"""`terp simulate MACHINE`: a simulated year, written as a run folder."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

if TYPE_CHECKING:
    from collections.abc import Callable

    from terp.build import Machine
    from terp.describe import MachineFile, Site, Workload
    from terp.reader import Written

T = TypeVar("T")


@click.command("simulate")
@click.argument("machine", required=False)
@click.option("--workload", default="national", show_default=True, help="Who works on it: a shipped name or a file.")
@click.option("--site", default=None, help="Where it stands, if not where its file says: a shipped name or a file.")
@click.option("--days", default=365, show_default=True, type=click.IntRange(1, 3660), help="Days to simulate.")
@click.option("--seed", default=1, show_default=True, type=click.IntRange(0, 2**32 - 1), help="Another seed, another year.")
@click.option("-o", "--out", type=click.Path(path_type=Path), default=None, help="Folder for the run.")
@click.option("--json", "as_json", is_flag=True, help="Print summary.json, data alone.")
@click.option("--check-workload", is_flag=True, help="Only draw the jobs, and compare them with the published shares.")
def command(
    machine: str | None,
    workload: str,
    site: str | None,
    days: int,
    seed: int,
    out: Path | None,
    *,
    as_json: bool,
    check_workload: bool,
) -> None:
    """Simulate MACHINE, a shipped name or a file, for some days with a whole country working on it.

    Writes a run folder of Parquet tables, summary.json and run.json, and prints a summary.
    Without -o and with --json nothing is written.  Look at it with `terp report FOLDER`.
    """
    if machine is None and not check_workload:
        raise click.UsageError("name a machine, such as `terp simulate gefion`")
    machine_file, workload_file, site_file = _read(machine or "gefion", workload, site)
    from terp.build import build_machine
    from terp.catalogue import read_catalogue

    built = build_machine(machine_file, read_catalogue())
    if check_workload:
        sys.exit(_check(workload_file, built, site_file.record.utc_offset_s, days, seed, as_json=as_json))
    names = (built.file.name, site_file.record.name, workload_file.record.name, f"{days}d", f"seed{seed}")
    folder = out if out is not None else None if as_json else Path("runs") / "-".join(names)
    from terp.results import check_target, save_run
    from terp.simulate import simulate

    if folder is not None:
        check_target(folder)
    _say_if_compiling()
    run = simulate(built, site_file, workload_file, days, seed, _progress(days))
    if folder is not None:
        save_run(run, folder)
    if as_json:
        click.echo(json.dumps(run.summary, indent=2))
        return
    from terp.views.summary import as_text

    click.echo(as_text(run))
    click.echo(f"\n  run      {folder}\n  report   terp report {folder}")


def _read(machine: str, workload: str, site: str | None) -> tuple[Written[MachineFile], Written[Workload], Written[Site]]:
    """The three files of a run.  Raises TerpError with the mistakes of all of them."""
    from terp.describe import read_machine, read_site, read_workload, shipped_names
    from terp.errors import TerpError

    wrong: list[str] = []

    def attempt(read: Callable[[str], T], name: str) -> T | None:
        try:
            return read(name)
        except TerpError as error:
            wrong.append(str(error))
            return None

    machine_file, workload_file = attempt(read_machine, machine), attempt(read_workload, workload)
    place = site or (machine_file.record.site if machine_file else None)
    site_file = attempt(read_site, place) if place else None
    if machine_file and not place:
        sites = " or ".join(f"--site {name}" for name in shipped_names("sites"))
        wrong.append(f"{machine_file.file} names no site; say where it stands with {sites}")
    if machine_file is None or workload_file is None or site_file is None:
        raise TerpError("\n".join(wrong))
    return machine_file, workload_file, site_file


def _say_if_compiling() -> None:
    """A line on stderr before the one long wait: the first run on a machine."""
    from terp.simulate import compiled_before

    if not compiled_before():
        click.echo("compiling the simulation core, once on this machine; about 15 s ...", err=True)


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
    from terp.units import number

    record = workload.record
    kinds_of(built, workload)  # raises for what cannot run here
    jobs = draw_jobs(record, built.gpus_count, built.node.accelerators_count, days * 86_400, utc_offset_s, seed)
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
