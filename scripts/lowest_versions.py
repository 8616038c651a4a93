"""Prints the lowest versions that pyproject.toml allows, a line each, as pip's constraints.

python scripts/lowest_versions.py > lowest.txt
pip install --constraint lowest.txt -e '.[dev]'

Where a range has no lower end nothing is printed for it.  A marker that leaves a line out on this Python is heeded.
"""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]
EXTRAS = ("dev", "notebook", "plots")
"""What the tests need beside the core."""


def lowest(requirement: str) -> str | None:
    """The lowest version of one requirement as a constraint: `numpy>=1.26` -> `numpy==1.26`; None where it has none."""
    read = Requirement(requirement)
    if read.marker and not read.marker.evaluate():
        return None
    least = [clause.version for clause in read.specifier if clause.operator in (">=", "==", "~=")]
    return f"{read.name}=={least[0]}" if least else None


def constraints() -> list[str]:
    """The constraints of the core and of what the tests need, in order."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    extras = project["optional-dependencies"]
    wanted = [*project["dependencies"], *(entry for name in EXTRAS for entry in extras[name])]
    return [line for line in map(lowest, wanted) if line]


if __name__ == "__main__":
    sys.stdout.write("\n".join(constraints()) + "\n")
