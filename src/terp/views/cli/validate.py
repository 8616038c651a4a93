"""`terp validate [MODEL]`: the models against published and measured results."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import click


@click.command("validate")
@click.argument("model", required=False)
@click.option("--cases", type=click.Path(path_type=Path), help="Grade this table: CSV, or JSON lines for kernels.")
@click.option("--gpu", help="GPU of the catalogue that the kernels of --cases were measured on; h100-sxm-80gb if not given.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, data alone.")
def command(model: str | None, cases: Path | None, gpu: str | None, *, as_json: bool) -> None:
    """Grade MODEL, or all models, on rows that nothing was fitted to, beside a one-line baseline.

    MODEL is hpl, hpl-power, hpcg, mxp, or kernels.  Exit code 1 if a median is worse than the one held by more than its
    step.
    """
    from terp.errors import UnknownName
    from terp.validate import grade, grade_kernels, models
    from terp.views.grades import as_text, kernels_data, left_lines, table_lines

    if cases is not None and model is None:
        raise click.UsageError("--cases needs a MODEL, such as `terp validate hpl --cases FILE.csv`")
    if gpu is not None and (model != "kernels" or cases is None):
        raise click.UsageError("--gpu is of `terp validate kernels --cases FILE.jsonl`")
    if model not in (None, "kernels", *models()):
        raise UnknownName("model to validate", str(model), (*models(), "kernels"))
    kinds, left = grade_kernels(cases, gpu) if model in (None, "kernels") else ({}, ())
    others = [grade(name, cases) for name in ([model] if model else models()) if name != "kernels"]
    grades = [*others, *(entry for entry in kinds.values() if entry.cases)]
    if as_json:
        data: Any = [entry.as_data() for entry in grades]
        if model == "kernels":
            data = kernels_data(kinds, left)
        elif model is not None:
            data = data[0] | ({"power_median_abs_error": _power(cases)} if model == "hpl" else {})
        click.echo(json.dumps(data, indent=2, allow_nan=False))
    elif model:
        parts = [as_text(entry) for entry in grades] + ["\n".join(left_lines(left))]
        click.echo("\n\n".join(part for part in parts if part) or "nothing to grade")
    else:
        click.echo("\n".join(table_lines(grades)))
    if cases is None and any(entry.worsened for entry in grades):
        click.echo("a median is worse than the one held in validation/*/expect.yaml by more than its step", err=True)
        sys.exit(1)


def _power(cases: Path | None) -> float | None:
    """Median error of the power beside that of Rmax; None for a table without powers."""
    from terp.errors import Problems
    from terp.validate import grade

    try:
        return grade("hpl-power", cases).median_fraction
    except Problems:  # the column is not there; what else is wrong with the table, the grade of Rmax has said
        return None
