"""`terp validate [MODEL]`: the models against published and measured results.

Without a model, one table of all; with one, its cases too.  That a median has worsened is the answer "no", exit code 1;
a bar that is missed is shown and is none.

`terp.validate` grades, `views.text.grades_text` words the grades; --json prints the document of the same records.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from terp.views.cli.words.names import named, of_words
from terp.views.cli.words.suggestions import TerpCommand

if TYPE_CHECKING:
    from terp.validate import Grades

MODELS: Final = (
    "hpl", "hpl-power", "hpcg", "mxp", "kernels", "collectives", "training", "power", "costs", "fleets", "slurm",
)  # fmt: skip
"""Models to complete; `terp.validate.GRADERS` says which there are."""


@click.command("validate", cls=TerpCommand)
@click.argument("model", required=False, shell_complete=of_words(*MODELS))
@click.option(
    "--cases",
    type=click.Path(path_type=Path),
    help="Grade this table: CSV; JSON lines for kernels; Parquet for power; YAML for costs.",
)
@click.option(
    "--gpu",
    shell_complete=named("gpus", files=False),
    help="GPU of the catalogue that the kernels of --cases were measured on, or the beginning of its name, such as "
    "h200-sxm; the catalogue's reference GPU if not given.",
)
@click.option("--trace", type=click.Path(path_type=Path), help="Of slurm: jobs as they were submitted, CSV.")
@click.option("--observed", type=click.Path(path_type=Path), help="Of slurm: what the real controller did with them, CSV.")
@click.option("--slurm-conf", type=click.Path(path_type=Path), help="Of slurm: under which slurm.conf.")
@click.option("--assoc", type=click.Path(path_type=Path), help="Of slurm: accounts and QOS.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, data alone.")
def command(model: str | None, cases: Path | None, gpu: str | None, *, as_json: bool, **replay: Path | None) -> None:
    """Grade MODEL, or all models, on rows that nothing was fitted to, beside a one-line baseline.

    MODEL is hpl, hpl-power, hpcg, mxp, kernels (with whole steps on one GPU), collectives, training, power, costs, fleets
    or slurm.
    Exit code 1 if a median is worse than the one held by more than its step, or a figure of a fleet no longer inside.
    """
    from terp import validate
    from terp.views.text.error_text import table_lines
    from terp.views.text.grades_text import below_lines, grades_text

    _check_options(model, cases, gpu, replay)
    if model is None:
        every = validate.all_models()
        lines = [*table_lines([grade for grades in every.models for grade in grades.grades]), *below_lines(every.models)]
        text, passed, document = "\n".join(lines), every.passed, json.dumps(every.document, indent=2, allow_nan=False)
    else:
        grades = _graded(model, cases, gpu, replay)
        text, passed = "" if as_json else grades_text(grades), grades.passed
        document = json.dumps(grades.document, indent=2, allow_nan=False)
    click.echo(document if as_json else text)
    if not passed:
        click.echo("worse than what is held in validation/*/expect.yaml, by more than its step", err=True)
        sys.exit(1)


def _check_options(model: str | None, cases: Path | None, gpu: str | None, replay: dict[str, Path | None]) -> None:
    """Refuses options that do not go with the model, before anything is graded.

    replay   --trace, --observed, --slurm-conf and --assoc, None where not given

    Raises UsageError for options, UnknownName for a model that there is not, Problems for a replay in one file.

    model   as typed, None for all;  cases   a table in the place of ours;  gpu   of `kernels` with a table of its own
    """
    from terp.errors import Problem, Problems, UnknownName
    from terp.validate import GRADERS

    if cases is not None and model is None:
        raise click.UsageError("--cases needs a MODEL, such as `terp validate hpl --cases FILE.csv`")
    if gpu is not None and (model != "kernels" or cases is None):
        raise click.UsageError("--gpu is of `terp validate kernels --cases FILE.jsonl`")
    if model is not None and model not in GRADERS:
        raise UnknownName("model to validate", model, GRADERS)
    if any(replay.values()):
        if model != "slurm":
            raise click.UsageError("--trace, --observed, --slurm-conf and --assoc are of `terp validate slurm`")
        if replay["trace"] is None or replay["observed"] is None or replay["slurm_conf"] is None:
            raise click.UsageError(
                "`terp validate slurm` needs --trace, --observed and --slurm-conf together, or none of them"
            )
    elif model == "slurm" and cases is not None:
        would_do = "name --trace, --observed and --slurm-conf"
        raise Problems([Problem("", 0, 0, "--cases", "a replay is more than one file", str(cases), would_do)])


def _graded(model: str, cases: Path | None, gpu: str | None, replay: dict[str, Path | None]) -> Grades:
    """The grades of one model: each takes a table, but kernels a GPU too, and replays their four files.

    model   one of `terp.validate.GRADERS`;  cases   the user's table, None for the rows that ship
    gpu     of the kernels, None for the reference GPU;  replay   files of a replay of Slurm, None where not given
    """
    from terp import validate

    if model == "slurm":
        return validate.slurm(**replay)
    if model == "kernels":
        return validate.kernels(cases, gpu or "")
    return validate.GRADERS[model](cases)
