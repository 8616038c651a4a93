"""Finds and reads the files that people write: by path, or by the name of one that ships with Terp."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Final, TypeVar

import terp
from terp.describe.budget import Budget
from terp.describe.checks import budget_checks
from terp.describe.checks import misfits as checks
from terp.describe.machine_file import MachineFile
from terp.describe.model_file import ModelFile, TransformerModel
from terp.describe.policy import Policy
from terp.describe.science import SCIENCE_FAMILIES
from terp.describe.site import Site
from terp.describe.workload import Workload
from terp.errors import Problem, Problems, UnknownName, did_you_mean
from terp.reader import Record, Sourced, Written, read_record, read_text, read_tree

_PACKAGE: Final = Path(terp.__file__).parent
MODEL_FAMILIES: Final[dict[str, type[ModelFile]]] = {"transformer": TransformerModel, **SCIENCE_FAMILIES}
"""`family` of a model file -> its record."""
_ONE: Final = {"policies": "policy"}
T = TypeVar("T", bound=Record)


def _folder(kind: str) -> Path:
    """Where files of a kind ship: in the installed package, or at the top of a checkout."""
    packed = _PACKAGE / "shipped" / kind
    return packed if packed.is_dir() else _PACKAGE.parent.parent / kind


def shipped_names(kind: str) -> tuple[str, ...]:
    """Names of the shipped files of a kind: "machines", "sites", "workloads", "policies", "models" or "budgets"."""
    return tuple(sorted(path.stem for path in _folder(kind).glob("*.yaml")))


def _find(name_or_path: str, folder: str) -> tuple[str, str]:
    """Text of a file, by path or shipped name, and the name that it is shown under.  Raises Problems or UnknownName."""
    path = Path(name_or_path)
    if path.suffix not in (".yaml", ".yml") and "/" not in name_or_path:
        path = _folder(folder) / f"{_shipped_name(name_or_path, folder)}.yaml"
    shown = str(path.relative_to(_folder(folder).parent)) if path.is_relative_to(_folder(folder)) else str(path)
    return read_text(path), shown


def text_of(name_or_path: str, kind: str) -> str:
    """The text of a file of a kind, such as "workloads", by path or shipped name.  Raises Problems or UnknownName."""
    return _find(name_or_path, kind)[0]


def _shipped_name(name: str, folder: str) -> str:
    """The shipped name that `name` spells, with whatever case, dots, hyphens and underscores.  Raises UnknownName."""
    known = shipped_names(folder)
    same = [other for other in known if _spelt(other) == _spelt(name)]
    if name in known:
        return name
    if len(same) != 1:
        raise UnknownName(_ONE.get(folder, folder.removesuffix("s")), name, known)
    return same[0]


def _spelt(name: str) -> str:
    return name.lower().translate(str.maketrans("", "", ".-_ "))


def _read(
    found: tuple[str, str],
    kind: type[T],
    names: Callable[[Sourced], list[Problem]],
    misfits: Callable[[Written[T]], list[Problem]],
) -> Written[T]:
    """A file of a kind.  `names` is asked of its plain data, `misfits` of the record once there is one."""
    written = read_record(*found, kind, names)
    problems = misfits(written)
    if problems:
        raise Problems(problems)
    return written


def read_machine(name_or_path: str) -> Written[MachineFile]:
    """A machine file, by path or shipped name.  Raises Problems or UnknownName."""
    return _read(_find(name_or_path, "machines"), MachineFile, checks.unmet_names, checks.misfits_of_machine)


def machine_of_text(text: str, shown: str) -> Written[MachineFile]:
    """A machine from the text of a file, shown under a name.  Raises Problems."""
    return _read((text, shown), MachineFile, checks.unmet_names, checks.misfits_of_machine)


def read_site(name_or_path: str) -> Written[Site]:
    """A site file, by path or shipped name.  Raises Problems or UnknownName."""
    return _read(_find(name_or_path, "sites"), Site, checks.unmet_sources, checks.misfits_of_site)


def read_workload(name_or_path: str) -> Written[Workload]:
    """A workload file, by path or shipped name.  Raises Problems or UnknownName."""

    def misfits(written: Written[Workload]) -> list[Problem]:
        models = shipped_names("models")
        return [*checks.misfits_of_workload(written), *checks.misfits_of_runs(written, models, read_model)]

    return _read(_find(name_or_path, "workloads"), Workload, checks.unmet_sources, misfits)


def read_policy(name_or_path: str) -> Written[Policy]:
    """A policy file, by path or shipped name.  Raises Problems or UnknownName."""
    return _read(_find(name_or_path, "policies"), Policy, checks.unmet_sources, checks.misfits_of_policy)


def read_budget(name_or_path: str) -> Written[Budget]:
    """A budget file, by path or shipped name.  Raises Problems or UnknownName."""

    def misfits(written: Written[Budget]) -> list[Problem]:
        return budget_checks.misfits_of_budget(written, shipped_names("sites"), shipped_names("workloads"), read_workload)

    return _read(_find(name_or_path, "budgets"), Budget, checks.unmet_sources, misfits)


def read_model(name_or_path: str) -> Written[ModelFile]:
    """A model file, by path or shipped name, as the record of its family.  Raises Problems or UnknownName."""
    a_path = "/" in name_or_path or Path(name_or_path).suffix in (".yaml", ".yml")
    return _model(name_or_path) if a_path else _shipped_model(name_or_path)


@cache
def _shipped_model(name: str) -> Written[ModelFile]:
    """One that ships, read once: a workload asks for the same few again and again."""
    return _model(name)


def _model(name_or_path: str) -> Written[ModelFile]:
    found = _find(name_or_path, "models")
    data = read_tree(*found).data
    family = data.get("family") if isinstance(data, dict) else None
    kind = MODEL_FAMILIES.get(family) if isinstance(family, str) else None
    if kind is None and isinstance(family, str):
        raise Problems(
            [Problem(found[1], 0, 0, "family", "no such family", repr(family), did_you_mean(family, MODEL_FAMILIES))]
        )
    return _read(found, kind or TransformerModel, checks.unmet_sources, checks.misfits_of_model)
