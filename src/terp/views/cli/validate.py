"""`terp validate [MODEL]`: the models against published and measured results."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click


@click.command("validate")
@click.argument("model", required=False)
@click.option(
    "--cases",
    type=click.Path(path_type=Path),
    help="Grade this table: CSV; JSON lines for kernels; Parquet for power; YAML for costs.",
)
@click.option(
    "--gpu",
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
    from terp.errors import UnknownName
    from terp.views.text.grades_text import GRADERS, table_lines

    if cases is not None and model is None:
        raise click.UsageError("--cases needs a MODEL, such as `terp validate hpl --cases FILE.csv`")
    if gpu is not None and (model != "kernels" or cases is None):
        raise click.UsageError("--gpu is of `terp validate kernels --cases FILE.jsonl`")
    if model is not None and model not in GRADERS:
        raise UnknownName("model to validate", model, GRADERS)
    if any(replay.values()):
        _replay(model, replay, as_json=as_json)
        return
    said = [GRADERS[name](cases, gpu) for name in ([model] if model else GRADERS)]
    grades = [entry for one in said for entry in one.grades]
    if as_json:
        data = said[0].data if model else [*(entry.as_data() for entry in grades), *(one.data for one in said if one.below)]
        click.echo(json.dumps(data, indent=2, allow_nan=False))
    else:
        below = [one.below for one in said if one.below]
        click.echo(said[0].text if model else "\n".join([*table_lines(grades), *below]))
    if cases is None and any(one.worsened for one in said):
        click.echo("worse than what is held in validation/*/expect.yaml, by more than its step", err=True)
        sys.exit(1)


def _replay(model: str | None, replay: dict[str, Path | None], *, as_json: bool) -> None:
    """One replay of a real Slurm from files."""
    from terp.validate import grade_slurm
    from terp.views.text.grades_text import slurm_said

    trace, observed, conf = replay["trace"], replay["observed"], replay["slurm_conf"]
    if model != "slurm":
        raise click.UsageError("--trace, --observed, --slurm-conf and --assoc are of `terp validate slurm`")
    if trace is None or observed is None or conf is None:
        raise click.UsageError("`terp validate slurm` needs --trace, --observed and --slurm-conf together, or none of them")
    found = grade_slurm(trace, observed, conf, replay["assoc"])
    said = slurm_said([found], found.as_data())
    click.echo(json.dumps(said.data, indent=2, allow_nan=False) if as_json else said.text)
