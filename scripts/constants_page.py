"""Writes docs/constants.md from catalogue/physics: every fitted or assumed number of the models, and who says it.

python scripts/constants_page.py
"""

from __future__ import annotations

from pathlib import Path

from terp.catalogue import ConstantNote, constant_notes
from terp.catalogue.read.constants import FILES

PAGE = Path(__file__).parents[1] / "docs" / "constants.md"
TITLES = {
    "architectures": "GPU architectures",
    "precisions": "Precisions",
    "kernels": "Kernels",
    "collectives": "Collectives",
    "benchmarks": "HPL, HPCG, HPL-MxP",
    "training": "Training steps, memory, checkpoints",
    "software": "Generations of training software",
    "networks": "Layers of networks",
    "inference": "Inference",
    "node_power": "Power of GPUs, nodes and jobs",
    "costs": "Level of deals",
    "intervals": "Intervals",
}
HEAD = """# Constants of the models

Made by `scripts/constants_page.py` from `catalogue/physics/*.yaml`; change those, not this page. A **published**, **measured**
or **derived** number is what its source says or follows from it. A **fitted** one is written into its file by the script that
is named, and its range is where it plausibly lies. An **assumed** one is ours, with the range to vary it in. Sources are those
of the [catalogue](catalogue.md#sources). From Python: `terp.catalogue.constants_used("hpl")`.
"""


def page() -> str:
    """The page, whole."""
    lines = [HEAD]
    for file in FILES:
        notes = constant_notes(file)
        counts = ", ".join(f"{sum(note.status == status for note in notes)} {status}" for status in statuses(notes))
        lines += [f"## {TITLES[file]}", "", f"`{file}.yaml`: {counts}.", ""]
        lines += ["| constant | value | status | range | source | note |", "|---|---|---|---|---|---|"]
        lines += [*(row(note) for note in notes), ""]
    return "\n".join(lines).rstrip() + "\n"


def statuses(notes: tuple[ConstantNote, ...]) -> list[str]:
    """The statuses of some notes, in the order in which they first stand."""
    return list(dict.fromkeys(note.status for note in notes))


def row(note: ConstantNote) -> str:
    """A constant's line; its path is without the name of the file."""
    path = note.path.partition(".")[2].removeprefix("architectures.").removeprefix("precisions.")
    status = f"{note.status} by `{note.fitted_by}`" if note.fitted_by else note.status
    source = f"`{note.source}`" if note.source else ""
    return f"| `{path}` | {note.value_text} | {status} | {note.range_text} | {source} | {note.note} |"


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
