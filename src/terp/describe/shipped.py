"""Finds and reads the files that people write: by path, or by the name of one that ships with Terp.

Each `read_*` takes a shipped name ("gefion", in whatever case and punctuation), a path, a mapping as a file
would hold it, a record, or what was read before; a text is taken for a path if it has a slash or ends with
.yaml.  Each gives a `Written` record that has passed the checks across its fields, or raises one Problems with
everything that is wrong, or UnknownName with the names that are near.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final, Generic, TypeVar

import terp
from terp.describe.budget import Budget
from terp.describe.checks import budget_checks, machine_checks, model_checks, policy_checks, site_checks, workload_checks
from terp.describe.machine_file import MachineFile
from terp.describe.model_file import ModelFile, TransformerModel
from terp.describe.policy import OWN_POLICIES, Policy
from terp.describe.scenario import Scenario
from terp.describe.science import SCIENCE_FAMILIES
from terp.describe.site import Site
from terp.describe.workload import Workload
from terp.errors import Problem, Problems, UnknownName, did_you_mean
from terp.reader import Record, Sourced, Tree, Written, parse_yaml, read_text, record_of, tree_of_mapping

_PACKAGE: Final = Path(terp.__file__).parent
MODEL_FAMILIES: Final[dict[str, type[ModelFile]]] = {"transformer": TransformerModel, **SCIENCE_FAMILIES}
"""`family` of a model file -> its record."""
_ONE: Final = {"policies": "policy"}
"""Folder -> what one of its descriptions is called, where it is not the folder without its s."""
T = TypeVar("T", bound=Record)


def _folder(kind: str) -> Path:
    """Where files of a kind ship: in the installed package, or at the top of a checkout."""
    packed = _PACKAGE / "shipped" / kind
    return packed if packed.is_dir() else _PACKAGE.parent.parent / kind


def shipped_names(kind: str) -> tuple[str, ...]:
    """Names of the shipped files of a kind, sorted: "machines", "sites", "workloads", "policies", "models" or
    "budgets".

    An unknown kind has no names.
    """
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
    own = tuple(name for name in OWN_POLICIES if isinstance(name, str)) if folder == "policies" else ()
    same = [other for other in known if _spelt(other) == _spelt(name)]
    if name in known:
        return name
    if len(same) != 1:
        raise UnknownName(_word_of(folder), name, (*known, *own))
    return same[0]


def _spelt(name: str) -> str:
    """A name without what people spell differently: case, dots, hyphens, underscores, blanks."""
    return name.lower().translate(str.maketrans("", "", ".-_ "))


DescriptionSource = str | os.PathLike[str] | Mapping[str, object]
"""What names a description: the name of one that ships, a path, or its data as a file would hold them."""


@dataclass(frozen=True)
class _Kind(Generic[T]):
    """How a kind of description is read: its folder, its record, and what it is checked for.

    names     asked of its plain data
    misfits   asked of the record once there is one
    """

    folder: str
    record: type[T]
    misfits: Callable[[Written[T]], list[Problem]]
    names: Callable[[Sourced], list[Problem]] = machine_checks.unmet_sources

    @property
    def word(self) -> str:
        """What one is called."""
        return _word_of(self.folder)

    def read(self, source: DescriptionSource | T | Written[T]) -> Written[T]:
        """A description from what names it; one that was read already is given back as it is, and checked no
        more.

        Raises Problems or UnknownName.
        """
        if isinstance(source, Written):
            if isinstance(source.record, self.record):
                return source
            raise not_a_source(self.word, source.record)
        if isinstance(source, self.record):
            return Written(source, f"<{self.word}>", {}, Tree(f"<{self.word}>"))
        return self.of_tree(_tree(source, self.folder))

    def of_tree(self, tree: Tree) -> Written[T]:
        """The checked record of a text that is parsed.  Raises Problems."""
        written = record_of(tree, self.record, self.names)
        problems = self.misfits(written)
        if problems:
            raise Problems(problems)
        return written


def not_a_source(word: str, source: object) -> Problems:
    """A refusal of what names no description of a kind."""
    would_do = f"the name of a {word} that ships, a path, or a mapping would do"
    return Problems([Problem("", 0, 0, word, f"not a {word}", type(source).__name__, would_do)])


def _word_of(folder: str) -> str:
    """What one of a folder's descriptions is called: "policies" -> "policy"."""
    return _ONE.get(folder, folder.removesuffix("s"))


def _tree(source: object, folder: str) -> Tree:
    """The data of a description, with places where it is a file.  Raises Problems or UnknownName."""
    word = _word_of(folder)
    if isinstance(source, Mapping):
        return tree_of_mapping({"kind": word, **source}, f"<{word}>")
    if isinstance(source, str):
        return parse_yaml(*_find(source, folder))
    if isinstance(source, os.PathLike):
        path = Path(os.fspath(source))
        return parse_yaml(read_text(path), str(path))
    raise not_a_source(word, source)


def _misfits_of_workload(written: Written[Workload]) -> list[Problem]:
    """What does not fit in a workload, what its jobs run included, which the shipped models tell."""
    models = shipped_names("models")
    return [*workload_checks.misfits_of_workload(written), *workload_checks.misfits_of_runs(written, models, read_model)]


def _misfits_of_budget(written: Written[Budget]) -> list[Problem]:
    """What does not fit in a budget, with the sites and workloads that ship."""
    return budget_checks.misfits_of_budget(written, shipped_names("sites"), shipped_names("workloads"), read_workload)


_MACHINE: Final = _Kind("machines", MachineFile, machine_checks.misfits_of_machine, machine_checks.unmet_names)
_SITE: Final = _Kind("sites", Site, site_checks.misfits_of_site)
_WORKLOAD: Final = _Kind("workloads", Workload, _misfits_of_workload)
_POLICY: Final = _Kind("policies", Policy, policy_checks.misfits_of_policy)
_SCENARIO: Final = _Kind("scenarios", Scenario, lambda _: [])
_BUDGET: Final = _Kind("budgets", Budget, _misfits_of_budget)


def read_machine(source: DescriptionSource | MachineFile | Written[MachineFile]) -> Written[MachineFile]:
    """A machine file, by shipped name, path or mapping.  Raises Problems or UnknownName."""
    return _MACHINE.read(source)


def machine_of_text(text: str, shown: str) -> Written[MachineFile]:
    """A machine from the text of a file, such as one that a plan has written.  Raises Problems.

    shown   what problems name the text by
    """
    return _MACHINE.of_tree(parse_yaml(text, shown))


def read_site(source: DescriptionSource | Site | Written[Site]) -> Written[Site]:
    """A site, by shipped name, path or mapping.  Raises Problems or UnknownName."""
    return _SITE.read(source)


def read_workload(source: DescriptionSource | Workload | Written[Workload]) -> Written[Workload]:
    """A workload, by shipped name, path or mapping.  Raises Problems or UnknownName."""
    return _WORKLOAD.read(source)


def read_policy(source: DescriptionSource | Policy | Written[Policy] | Callable[..., object]) -> Written[Policy]:
    """A policy, by shipped name, path or mapping; one of your own in Python, by its name or function.

    Raises Problems or UnknownName; Problems too for a function that `terp.extend.policy` has not registered.
    """
    if not callable(source):
        own = OWN_POLICIES.get(source) if isinstance(source, str) else None
        return _POLICY.read(source if own is None else own)
    if source not in OWN_POLICIES:
        name = getattr(source, "__name__", type(source).__name__)
        raise Problems([Problem("", 0, 0, "policy", "a function that is no policy", name, "@terp.extend.policy before it")])
    return _POLICY.read(OWN_POLICIES[source])


def read_scenario(source: DescriptionSource | Scenario | Written[Scenario]) -> Written[Scenario]:
    """A scenario, by path or mapping; none ships.  Raises Problems or UnknownName."""
    return _SCENARIO.read(source)


def read_budget(source: DescriptionSource | Budget | Written[Budget]) -> Written[Budget]:
    """A budget, by shipped name, path or mapping.  Raises Problems or UnknownName."""
    return _BUDGET.read(source)


def read_model(source: DescriptionSource | ModelFile | Written[ModelFile]) -> Written[ModelFile]:
    """A model, by shipped name, path or mapping, as the record of its family.

    The family is one of `MODEL_FAMILIES`, those that a user registered among them.  Raises Problems or
    UnknownName.
    """
    if isinstance(source, str) and "/" not in source and Path(source).suffix not in (".yaml", ".yml"):
        return _shipped_model(source)
    if isinstance(source, Written | ModelFile):
        return _Kind("models", ModelFile, model_checks.misfits_of_model).read(source)
    return _model(source)


@cache
def _shipped_model(name: str) -> Written[ModelFile]:
    """One that ships, read once: a workload asks for the same few again and again."""
    return _model(name)


def _model(source: DescriptionSource) -> Written[ModelFile]:
    """A model that is read anew: its family first, then its record."""
    tree = _tree(source, "models")
    family = tree.data.get("family") if isinstance(tree.data, dict) else None
    record = MODEL_FAMILIES.get(family) if isinstance(family, str) else None
    if record is None and isinstance(family, str):
        raise Problems(
            [Problem(tree.file, 0, 0, "family", "no such family", repr(family), did_you_mean(family, MODEL_FAMILIES))]
        )
    return _Kind("models", record or TransformerModel, model_checks.misfits_of_model).of_tree(tree)
