"""`terp plan BUDGET`: what to buy under a budget, with the frontier as machine files and a decision paper.

The verb calls `terp.plan.purchase`, saves the plan where -o says, and prints it.  That no machine fits the budget is an
answer, not an error: it goes to stderr with the reasons, and the exit code is 1.

Progress, reasons and errors go to stderr, so that what is printed can be handed to another program.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from textwrap import fill
from typing import TYPE_CHECKING, Final

import click

from terp.views.cli.setup.compiling import compile_first
from terp.views.cli.words.names import listed, named, of_words
from terp.views.cli.words.quantities import TypedRange
from terp.views.cli.words.scenario_options import default_of
from terp.views.cli.words.suggestions import KnownWord, TerpCommand

if TYPE_CHECKING:
    from collections.abc import Callable

    from terp.plan import PurchasePlan

_WIDTH: Final = 125
"""Columns of a line."""
OBJECTIVES: Final = ("science", "rmax", "tokens", "cost", "unit-cost", "energy", "carbon", "time")
"""Words of --objective, to complete; `plan` says which there are."""


@click.command("plan", cls=TerpCommand)
@click.argument("budget", shell_complete=named("budgets"))
@click.option(
    "-o", "--out", type=click.Path(path_type=Path), default=None, help="Folder for machine files, tables and paper."
)
@click.option(
    "--objective", default="", metavar="NAME", shell_complete=of_words(*OBJECTIVES),
    help="What the best machine is the best in, if not as the budget says: science, rmax, tokens, cost, unit-cost, energy, "
    "carbon or time.",
)  # fmt: skip
@click.option(
    "--sites",
    default="",
    metavar="NAMES",
    shell_complete=listed("sites"),
    help="Only these sites of the budget, with commas.",
)
@click.option("--lang", type=KnownWord(["en", "nl"]), default="en", show_default=True, help="Language of the paper.")
@click.option("--scenarios", default=1000, show_default=True, type=TypedRange(50, 100_000), help="Price scenarios.")
@click.option("--seed", default=1, show_default=True, type=click.IntRange(0, 2**32 - 1), help="Other scenarios.")
@click.option("--no-simulation", is_flag=True, help="Leave out the simulated years of the frontier.")
@click.option("--workers", type=click.IntRange(1, 1024), default=None, help="Processes; as many as cores if absent.")
@click.option("--scheduler", default=None, metavar="ADDRESS", help="Simulate on a Dask scheduler's workers instead.")
@click.option("--force", is_flag=True, help="Replace a plan of another question in the folder.")
@click.option("--json", "as_json", is_flag=True, help="Print plan.json, data alone.")
def command(
    budget: str,
    out: Path | None,
    objective: str,
    sites: str,
    lang: str,
    scenarios: int,
    seed: int,
    workers: int | None,
    scheduler: str | None,
    *,
    no_simulation: bool,
    force: bool,
    as_json: bool,
) -> None:
    """Plan a machine under BUDGET, a shipped name or a file: which kind, how large, where, who pays what, and how sure.

    Writes to -o: best.yaml and every machine of the frontier as files that all other verbs take, workload.yaml as the
    budget weighs it, plan.json, tables in Parquet, and brief.html to decide by.  Exit code 1 if no machine fits the budget.
    """
    from terp.plan import NothingFits, purchase
    from terp.sweep.executors import cores, dask, processes
    from terp.views.text.plan_text import as_text

    if scheduler and workers:
        raise click.UsageError("--workers is of this machine: Dask has its own")
    if not no_simulation:
        compile_first(["core"])
    try:
        plan = _planned(
            out,
            (lang, force),
            lambda: purchase(
                budget,
                objective=objective,
                sites=_names(sites),
                scenarios=scenarios,
                seed=seed,
                simulation=not no_simulation,
                executor=dask(scheduler) if scheduler else processes(workers or int(default_of("workers") or cores())),
                progress=_progress(),
                out=out,
                force=force,
            ),
        )
    except NothingFits as error:
        _say_nothing_fits(str(error))
        sys.exit(1)
    if as_json:
        click.echo(json.dumps(plan.to_dict(), indent=2, allow_nan=False))
        return
    click.echo(as_text(plan))
    if out is not None:
        click.echo(f"\n  paper    {out / 'brief.html'}")
        click.echo(f"  next     terp simulate {out / 'best.yaml'} --workload {out / 'workload.yaml'}")


def _planned(out: Path | None, how: tuple[str, bool], make: Callable[[], PurchasePlan]) -> PurchasePlan:
    """A plan, made and saved while nobody else writes its folder, which is checked before the work.

    out   its folder, None for none
    how   language of the paper in it, and whether a plan of another question is replaced

    make   works the plan out, called once; what it raises passes

    Raises Problems before the work if the folder cannot be written, holds something else, or another process writes it.
    """
    from terp.files import check_target, one_writer
    from terp.plan.outcome.plan_folder import plan_kind

    if out is None:
        return make()
    check_target(out, plan_kind(out))
    with one_writer(out):
        plan = make()
        plan.save(out, how[0], force=how[1])
    return plan


def _say_nothing_fits(why: str) -> None:
    """Why nothing can be bought, on stderr, a line a reason, folded; the line of progress is wiped first.

    why   lines of reasons, each of which may be longer than the 125 columns that are printed
    """
    if sys.stderr.isatty():
        click.echo("\r\033[K", nl=False, err=True)
    for line in why.splitlines():
        click.echo(fill(line, _WIDTH, subsequent_indent="  "), err=True)


def _names(sites: str) -> tuple[str, ...]:
    """The names of --sites; none where it is not given.

    sites   names with commas between, blanks around them allowed

    Raises UsageError where there are commas or blanks alone.
    """
    names = tuple(name.strip() for name in sites.split(",") if name.strip())
    if sites and not names:
        raise click.UsageError("--sites names no site")
    return names


def _progress() -> Callable[[str, float], None] | None:
    """Shows what is being done and how long it will take, where someone watches; None where stderr is no terminal.

    The function that it gives is called with a stage, "search", "prices" or "simulate", and the share of it that is done.
    """
    if not sys.stderr.isatty():
        return None
    began: dict[str, float] = {}
    words = {"search": "searching machines", "prices": "trying price scenarios", "simulate": "simulating years"}

    def tell(stage: str, share: float) -> None:
        """Writes over the last line; the time left is by the pace of this stage so far."""
        start = began.setdefault(stage, time.perf_counter())
        left = (time.perf_counter() - start) * (1 - share) / share if share > 0 else 0.0
        wait = f", about {left:.0f} s left " if share > 0 else " "
        text = "\r\033[K" if stage == "simulate" and share >= 1 else f"\r\033[K{words[stage]}: {share:.0%}{wait}"
        click.echo(text, nl=False, err=True)

    return tell
