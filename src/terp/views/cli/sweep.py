"""`terp sweep MACHINE --over load=0.7,0.8 --over seed=1..20`: many scenarios at once.

Points run in processes of this machine or on a Dask scheduler.  The folder keeps every scenario that is complete, so
that the same command goes on where it was interrupted.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from terp.views.cli.setup.compiling import compile_first
from terp.views.cli.words.names import named
from terp.views.cli.words.scenario_options import ScenarioCommand, axes, default_of, typed_words, with_defaults

if TYPE_CHECKING:
    from terp.sweep import SweepAxes

_PATIENCE_S: Final = 20.0
"""How long an orderly end may take after Ctrl-C before the process ends by itself."""


@click.command("sweep", cls=ScenarioCommand)
@click.argument("machine", required=False, shell_complete=named("machines"))
@click.option(
    "--over",
    multiple=True,
    metavar="FIELD=VALUES",
    shell_complete=axes,
    help="What to vary, such as load=0.7,0.9; again for more.",
)
@click.option(
    "-o", "--out", type=click.Path(path_type=Path), required=True, help="Folder for the sweep; run again to go on."
)
@click.option(
    "--workers", type=click.IntRange(1, 1024), default=None, help="Processes; as many as there are cores if absent."
)
@click.option(
    "--scheduler", default=None, metavar="ADDRESS", help="Send the work to a Dask scheduler, such as tcp://host:8786."
)
@click.option("--json", "as_json", is_flag=True, help="Print sweep.json and the figures of each point, data alone.")
def command(
    machine: str | None,
    over: tuple[str, ...],
    out: Path,
    workers: int | None,
    scheduler: str | None,
    *,
    as_json: bool,
    **options: object,
) -> None:
    """Simulate MACHINE in every combination of the values of some fields, and keep the figures of each.

    A FIELD of --over is any option below by its name, with _ or - between words: what is not varied is set by its option, or
    is as the files say. Values stand between commas, with their units; `file` among them is what the files say, and 1..20 is
    every whole number from 1 to 20. The same command again does only what is missing. Exit code 1 if a scenario failed.

    \b
    Such as
      terp sweep gefion --over load=0.7,0.85 --over seed=1..5 --days 30 -o runs/load
      terp sweep gefion --over gpu_cap=none,600W,500W --over seed=1..3 -o runs/caps
      terp sweep netherlands --over site=groningen,amsterdam --over spare_nodes=0,4 -o runs/sites
    """  # noqa: D301 - click wants the letter itself
    from terp.errors import Interrupted
    from terp.results import bands
    from terp.results.sweep_result import sweep_at
    from terp.sweep.axes import read_axes
    from terp.sweep.executors import cores, dask, processes
    from terp.sweep.points import run_sweep
    from terp.views.cli.simulate import say_waiting
    from terp.views.text.comparison_text import bands_text

    if not over:
        raise click.UsageError("say what to vary, such as --over seed=1..20")
    if scheduler and workers:
        raise click.UsageError("--workers is of this machine: Dask has its own")
    axis_words = tuple(axis.partition("=")[0].strip() for axis in over)
    scenarios = read_axes(over, with_defaults(typed_words(machine, options), without=axis_words))
    if not scheduler:
        compile_first(_engines_of(scenarios))
    crew = dask(scheduler) if scheduler else processes(workers or int(default_of("workers") or cores()))
    try:
        document = run_sweep(scenarios, out, crew, _stoppable(_progress()), waiting=say_waiting(out))
    except Interrupted as error:
        click.echo(f"\nterp: interrupted; {error} are kept in {out}, and the same command goes on from there", err=True)
        sys.stderr.flush()
        os._exit(130)  # a worker that was ended while it held a queue would keep an orderly exit waiting for ever
    sweep = sweep_at(out)
    if as_json:
        click.echo(json.dumps(sweep.to_dict(), indent=2, allow_nan=False))
    else:
        click.echo(bands_text(bands(sweep.cases)))
        click.echo(f"\n  sweep    {out}, {document['done_count']:,} of {document['scenarios_count']:,} scenarios")
    for failure in document["failures"][:20]:
        varied = ", ".join(f"{name} {failure['scenario'][name]}" for name in document["axes"])
        click.echo(f"failed: {varied}: {failure['error'].splitlines()[0]}", err=True)
    if document["failed_count"]:
        click.echo(f"{document['failed_count']:,} failed; sweep.json names them", err=True)
        sys.exit(1)


def _engines_of(swept: SweepAxes) -> set[str]:
    """The engines that a sweep's policies need; a policy that is not there is said later, with all else that is wrong.

    swept   the scenarios, of whose policies each is read once

    A sweep without a policy needs the core alone.
    """
    from terp.describe import read_policy
    from terp.errors import TerpError
    from terp.simulate.engine.engines import needs_controller

    engines = set()
    for name in {scenario.policy for scenario in swept.scenarios}:
        try:
            policy = None if name is None else read_policy(name).record
        except TerpError:
            continue
        engines.add("controller" if needs_controller(policy) else "core")
    return engines


def _stoppable(tell: Callable[[int, int, float], None] | None) -> Callable[[int, int, float], None]:
    """Hears Ctrl-C for sure: it can get lost in a library's own handler or in a callback, and a pool can hang on it.

    tell   shows progress; None where nobody watches.  What comes back takes the same arguments and is to be called often

    The signal raises KeyboardInterrupt where the work is, and again at the next call of what comes back.  If that does not
    end the process within `_PATIENCE_S`, it ends with exit code 130; rows that were written stay.
    """
    import pyarrow as pa

    pa.enable_signal_handlers(False)  # noqa: FBT003 - its signature
    heard = threading.Event()

    def hear(*_: object) -> None:
        """Remembers the signal, sets the clock of the last resort, and interrupts what runs."""
        heard.set()
        last = threading.Timer(_PATIENCE_S, os._exit, (130,))  # what is complete is kept: parts are written whole
        last.daemon = True
        last.start()
        raise KeyboardInterrupt

    signal.signal(signal.SIGINT, hear)

    def tell_or_stop(done: int, total: int, left_s: float) -> None:
        """Shows progress, or interrupts where the signal was heard and got lost."""
        if heard.is_set():
            raise KeyboardInterrupt
        if tell is not None:
            tell(done, total, left_s)

    return tell_or_stop


def _progress() -> Callable[[int, int, float], None] | None:
    """Shows how many are done and how long the rest will take, where someone watches; None where stderr is no terminal.

    What it gives has the arguments of `terp.sweep.points.Progress`.
    """
    if not sys.stderr.isatty():
        return None

    def tell(done: int, total: int, left_s: float) -> None:
        """Writes over the last line: scenarios done, of how many, and the seconds left."""
        from terp.units import show

        text = f"\r\033[K{done:,} of {total:,} scenarios, about {show(left_s, 's', 2)} left " if done < total else "\r\033[K"
        click.echo(text, nl=False, err=True)

    return tell
