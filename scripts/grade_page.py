"""Writes docs/validation.md: the grade of every model, with every case and every row left out.

python scripts/grade_page.py
"""

from __future__ import annotations

from pathlib import Path

from terp.units import show
from terp.validate import Grade, all_models
from terp.validate.systems.cost_grades import grade_costs
from terp.validate.systems.fleet_grades import grade_fleets
from terp.validate.systems.slurm_grades import grade_replays
from terp.views.text.error_text import HEAD, MOST_CASES, PART_HEAD, by_part, grouped, part_rows, table_rows
from terp.views.text.grades_text import (
    COST_HEAD,
    FLEET_HEAD,
    SLURM_HEAD,
    cost_rows,
    costs_line,
    fleet_rows,
    fleets_line,
    slurm_line,
    slurm_rows,
)

PAGE = Path(__file__).parents[1] / "docs" / "validation.md"
OPENING = """# Validation

Made by `scripts/grade_page.py`; `terp validate` prints the same table.

Machines are grouped by vendor, architecture and year, and each group is left out once: groups are dealt into eight folds, and a fold is
graded by constants fitted to the others (`validation/top500/folds.yaml`). The form of the models was chosen by its errors on groups left out
([decision](decisions/0005-hpl.md)), so that the rows had a say in the form, and none in the constants that grade them. Rows that list no
matrix, thirty of the lists of 2025-11 and before, are graded and never fitted to. The baseline is the median a GPU of the same GPU model in the
rows of the other folds. Bars were fixed before the first run, in `validation/top500/expect.yaml`; a change that worsens a median by more than the
step named there fails the tests.

**Intervals** are of 90 %: `inside` is the share of the cases that lie in theirs, `width` the median of high over low end. Each comes from the residuals of
other groups in the case's class ([uncertainty](theory/uncertainty.md)).

Kernels are fitted on the tables of one H100 in an inference engine (`validation/aiconfigurator`), on half of the shapes of an
A100 and of a B200 there, and on half of our own H100's (`validation/terp-h100`), and graded on the other halves and on an H200, on which
nothing was fitted. Their baseline is flops over three quarters of the peak, half in attention, and no less than the bytes or the launch.
Training steps on that H100, of transformers and of sciences, are graded in time and in memory; to three of them constants of convolutions,
norms and transforms were fitted, and to the power of all those of power. Their baselines are model flops, with recomputation, over half of
the peak, and 18 bytes a parameter. Collectives are fitted in a node of three GPUs (`validation/collectives`) and graded on all others and across nodes;
their baseline is bytes over the rate of links or ports.

Power of nodes (`validation/power`) is graded on runs of MLPerf that nothing was fitted to, of benchmarks and numbers of nodes of which other runs were;
`power-groups` on all runs on 8 and 9 nodes, with constants of runs on 1 and 64 alone. Their baseline is the mean power of all fit runs.

**The floor.** Equal machines differ. Of 8-GPU Hopper nodes with eight NDR ports, half lie more than 2 % from their own
trend with size; of boards of four GPUs, 5 %; of A100 machines, 6 %. Half of like machines differ by 8 % in the power that
they submit. No model that sees only what a list prints can do better than that.
"""


def text() -> str:
    grades = [entry for model in all_models().models for entry in model.grades]
    lines = [OPENING, "| " + " | ".join(HEAD) + " |", "|---" * len(HEAD) + "|"]
    lines += ["| " + " | ".join(row) + " |" for row in table_rows(grades)]
    for entry in grades:
        lines += costs() if entry.model == "costs" else section(entry)
    lines += fleets() + slurm()
    return "\n".join(lines) + "\n"


def section(entry: Grade) -> list[str]:
    fitted = ", ".join(entry.constants) or "none"
    lines = ["", f"## {entry.model}: {entry.quantity}", "", f"Fitted constants: {fitted}.", ""]
    for title, parts in grouped(entry):
        lines += [f"| {title} | " + " | ".join(PART_HEAD) + " |", "|---" * (len(PART_HEAD) + 1) + "|"]
        lines += ["| " + " | ".join(cell.replace("|", ", ") for cell in row) + " |" for row in part_rows(parts)] + [""]
    if len(entry.cases) > MOST_CASES:
        lines += ["| measured on | cases | median | 90 % |", "|---|---|---|---|"]
        return lines + [f"| {part} | {count} | {median:.1%} | {p90:.1%} |" for part, count, median, p90 in by_part(entry)]
    lines += ["| error | machine | GPU | published | predicted | baseline |", "|---|---|---|---|---|---|"]
    for case in sorted(entry.cases, key=lambda case: abs(case.error_fraction)):
        told = [
            show(value, entry.unit, 4) if value is not None else ""
            for value in (case.published, case.predicted, case.baseline)
        ]
        lines.append(f"| {case.error_fraction:+.1%} | {case.name} | `{case.part}` | {' | '.join(told)} |")
    if entry.skipped:
        lines += ["", f"{len(entry.skipped)} rows left out:", ""]
        lines += [f"- {row.name}: {row.reason}" for row in entry.skipped]
    return lines


COSTS = """
Each machine is built from its file and priced from its bill of materials at the month of the contract; what the sum covers besides is
added by quantity (`validation/costs/cases.yaml`). Quoted prices are brought to the level of deals of that size, which is fitted to six
purchases and one price to a seventh; what that rests on stands in [costs](theory/costs.md). Bars: a median of 20 %, and 80 % of the sums
within the 90 % interval.
"""


def costs() -> list[str]:
    found = grade_costs()
    lines = ["", "## costs: what a machine was bought for", COSTS, costs_line(found)[7:] + ".", ""]
    lines += ["| " + " | ".join(COST_HEAD) + " |", "|---" * len(COST_HEAD) + "|"]
    lines += ["| " + " | ".join(row) + " |" for row in cost_rows(found)]
    lines += ["", f"{len(found.grade.skipped)} rows left out:", ""]
    return lines + [f"- {row.name}: {row.reason}" for row in found.grade.skipped]


FLEETS = """
A rate is the geometric mean of the fleets that publish one, without the fleet that is graded (`validation/fleets/split.yaml`).
A figure is inside if it lies in the simulation's 95 % interval, which holds what fleets differ by, and the simulation's mean in the
figure's own, where it has one. What is not modelled, and what the choice of the mean decides, stands in
[failures](theory/failures.md).
"""


def fleets() -> list[str]:
    found = grade_fleets()
    lines = [
        "",
        "## fleets: interruptions, time to failure, effective training time",
        FLEETS,
        fleets_line(found)[8:] + ".",
        "",
    ]
    lines += ["| " + " | ".join(FLEET_HEAD) + " |", "|---" * len(FLEET_HEAD) + "|"]
    lines += ["| " + " | ".join(row) + " |" for row in fleet_rows(found)]
    lines += ["", f"{len(found.skipped)} rows left out:", ""]
    return lines + [f"- {row.name}: {row.reason}" for row in found.skipped]


SLURM = """
Five hundred jobs each through a real slurmctld of 191 nodes (`validation/slurm/source.yaml`), and through the controller under the
same slurm.conf. Constants of its latencies are from `fifo_11`, `multifactor_31` and `plain_7`; the rules were held against those and
against a log of the real backfill; the others came after, `fifo_s101` on an overloaded machine. Chaos is the standard deviation of
the simulated mean wait when submissions shift by 0 or 1 s: two real runs of one trace differed by 15 %.
"""


def slurm() -> list[str]:
    grades = grade_replays()
    lines = ["", "## slurm: when a real controller started its jobs", SLURM, slurm_line(grades)[7:] + ".", ""]
    lines += ["| " + " | ".join(SLURM_HEAD) + " |", "|---" * len(SLURM_HEAD) + "|"]
    return lines + ["| " + " | ".join(row) + " |" for row in slurm_rows(grades)]


if __name__ == "__main__":
    PAGE.write_text(text(), encoding="utf-8")
