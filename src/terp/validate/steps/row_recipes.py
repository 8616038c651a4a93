"""Settings that a public recipe's defaults give where a row does not tell them: validation/training/recipes.yaml."""

from __future__ import annotations

import re
from functools import cache
from typing import Literal

from pydantic import Field

from terp.reader import Record, read_record, read_text
from terp.validate.grading.cases import published_file
from terp.validate.steps.row_cells import Cells, whole_of


class RecipeLine(Record):
    """What a recipe says of the jobs that all of its fields fit.

    model, software   patterns over the model's name and the framework, in small letters
    architectures     of the GPU; all if empty
    pp_count          stages;  tp_count   tensor parallelism; any where it is 0
    vp_count          parts of a stage that take turns
    recipe            whose it is
    """

    model: str
    software: str = ""
    architectures: list[str] = []
    pp_count: int = Field(ge=1)
    tp_count: int = Field(default=0, ge=0)
    vp_count: int = Field(ge=1)
    recipe: str


class Recipes(Record):
    """Recipes, the first that fits counts."""

    kind: Literal["training-recipes"]
    interleaves: list[RecipeLine]


@cache
def _recipes() -> Recipes:
    """The recipes that ship.  Raises Problems for a file that is damaged."""
    path = published_file("training", "recipes.yaml")
    return read_record(read_text(path), str(path), Recipes).record


def recipe_of(cells: Cells, architecture: str) -> int:
    """The interleave that a public recipe gives for a row's model, software, GPU and stages; 0 where none is known."""
    model, software = (cells.get("model") or "").lower(), (cells.get("framework") or "").lower()
    p, t = whole_of(cells, "pp", 1), whole_of(cells, "tp", 1)
    for line in _recipes().interleaves:
        if (
            line.pp_count == p
            and line.tp_count in (0, t)
            and (not line.architectures or architecture in line.architectures)
            and re.search(line.model, model)
            and re.search(line.software, software)
        ):
            return line.vp_count
    return 0
