"""`terp validate [MODEL]`: the models against published results."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click


@click.command("validate")
@click.argument("model", required=False)
@click.option(
    "--cases", type=click.Path(path_type=Path), help="Grade this CSV, of the columns of validation/top500/table.csv."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON, data alone.")
def command(model: str | None, cases: Path | None, *, as_json: bool) -> None:
    """Grade MODEL, or all models, on published rows that nothing was fitted to, beside a one-line baseline.

    Exit code 1 if a median is worse than the one held by more than its step.
    """
    from terp.validate import grade, models
    from terp.views.grades import as_text, table_lines

    if cases is not None and model is None:
        raise click.UsageError("--cases needs a MODEL, such as `terp validate hpl --cases FILE.csv`")
    grades = [grade(name, cases) for name in ([model] if model else models())]
    if as_json:
        data = [entry.as_data() for entry in grades]
        if model == "hpl":
            data[0]["power_median_abs_error"] = _power(cases)
        click.echo(json.dumps(data[0] if model else data, indent=2, allow_nan=False))
    elif model:
        click.echo(as_text(grades[0]))
    else:
        click.echo("\n".join(table_lines(grades)))
    if cases is None and any(entry.worsened for entry in grades):
        click.echo("a median is worse than the one held in validation/top500/expect.yaml by more than its step", err=True)
        sys.exit(1)


def _power(cases: Path | None) -> float | None:
    """Median error of the power beside that of Rmax; None for a table without powers."""
    from terp.errors import Problems
    from terp.validate import grade

    try:
        return grade("hpl-power", cases).median_fraction
    except Problems:  # the column is not there; what else is wrong with the table, the grade of Rmax has said
        return None
