"""File -> checked record, with all problems of the file raised together.

`read_record` is the whole way from a text to a record; `record_of` begins behind the parser, for mappings too;
`read_entries` reads files of many records by name, as the catalogue has them.  The second half of the module
words pydantic's errors anew: the line of the value, what would do in the unit of the field, and the key that
was meant.
"""

from __future__ import annotations

import difflib
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final, Generic, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

import terp
from terp import units
from terp.errors import Problem, Problems, did_you_mean, printable
from terp.reader import provenance
from terp.reader.fields import Record, dimension_of, keys_of, plain_type, record_digest
from terp.reader.provenance import Provenance
from terp.reader.tree import Path, Tree, dotted, parse_yaml

T = TypeVar("T", bound=Record)
MOST_TITLE: Final = 100
"""Characters of a title that a repr shows."""


@dataclass(frozen=True)
class Sourced:
    """A file's plain data, who says each value, and where each stands.

    data         values alone: mappings, lists, texts, numbers; sourcing is taken out
    provenance   path of a value -> its status, range and source; only for values that say so, or whose
                 mapping does
    """

    tree: Tree
    data: object
    provenance: dict[Path, Provenance]

    @property
    def mapping(self) -> dict[str, object]:
        """The data of a file that holds keys and values; empty for any other, which has problems of its own."""
        return self.data if isinstance(self.data, dict) else {}


@dataclass(frozen=True, eq=False, repr=False)
class Written(Generic[T]):
    """A record as it was written: the record, the text's file, and the sourcing of its values by dotted path.

    The record's fields are attributes of this too, so that `site.title` is `site.record.title`.  Two are equal
    if their records are; `digest` is the identity.

    file         path of the text, or what stands for it, such as "<machine>" for a mapping of Python
    provenance   dotted path, such as "compute.node" -> where the value comes from
    tree         the text with the places of its values, for checks that come after reading
    """

    record: T
    file: str
    provenance: dict[str, Provenance]
    tree: Tree

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the record's JSON: the same description, however written, has the same digest.

        Comments, the order of keys, units and sources make no difference, so caches and `run.json` go by it.
        """
        return record_digest(self.record)

    def to_dict(self) -> dict[str, object]:
        """The record in SI, fields by name, as JSON takes it."""
        return dict(self.record.model_dump(mode="json"))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Written):
            return NotImplemented
        return type(self.record) is type(other.record) and self.digest == other.digest

    def __hash__(self) -> int:
        return hash(self.digest)

    def __repr__(self) -> str:
        name = getattr(self.record, "name", "")
        title = str(getattr(self.record, "title", ""))
        return printable(f"{type(self.record).__name__}({name}: {title[:MOST_TITLE]})")

    def _repr_html_(self) -> str:
        return terp.viewer().html(repr(self), self.to_dict())

    if not typing.TYPE_CHECKING:

        def __getattr__(self, name: str) -> object:
            if name.startswith("_") or "record" not in vars(self):
                raise AttributeError(name)
            return getattr(self.record, name)


def read_tree(text: str, file: str) -> Sourced:
    """Plain data and sourcing of a YAML text, without a record.

    text   the YAML
    file   its name, for problems

    Raises Problems with every key that stands twice and every sourcing that cannot be.
    """
    tree = parse_yaml(text, file)
    data, sourcing, problems = provenance.split(tree)
    if problems or tree.problems:
        raise Problems([*tree.problems, *problems])
    return Sourced(tree, data, sourcing)


def read_record(text: str, file: str, kind: type[T], names: Callable[[Sourced], list[Problem]] | None = None) -> Written[T]:
    """A checked record of a YAML text, of a kind that has a field `kind`.  Raises Problems with every mistake
    at once.

    text, file   the YAML, and its name for problems
    kind         the record's class; a text whose `kind:` is another is refused
    names        asked for problems with names in the plain data, whether or not a record can be made of it

    Ranges of sourced values are checked too: in the field's unit, and around the value.
    """
    return record_of(parse_yaml(text, file), kind, names)


def record_of(tree: Tree, kind: type[T], names: Callable[[Sourced], list[Problem]] | None = None) -> Written[T]:
    """As `read_record`, of a text that is parsed or of a program's mapping.  Raises Problems."""
    data, sourcing, problems = provenance.split(tree)
    problems += tree.problems
    if not isinstance(data, dict):
        problems.append(tree.problem((), "not a mapping of keys to values", would_do="start with `kind:`"))
        raise Problems(problems)
    [wanted] = typing.get_args(kind.model_fields["kind"].annotation)
    if data.get("kind", wanted) != wanted:
        raise Problems(
            [tree.problem(("kind",), f"not a {wanted} file", repr(data["kind"]), f"name a file of `kind: {wanted}`")]
        )
    problems += names(Sourced(tree, data, sourcing)) if names else []
    try:
        record = kind.model_validate(data)
    except ValidationError as error:
        raise Problems([*problems, *_problems_of(error, kind, tree)]) from None
    problems += _bad_ranges(record, sourcing, tree)
    if problems:
        raise Problems(problems)
    return Written(record, tree.file, {dotted(path): entry for path, entry in sourcing.items()}, tree)


def read_entries(sourced: Sourced, kind: type[T], problems: list[Problem]) -> dict[str, T]:
    """The records of a file of named entries.  Its mistakes are added to `problems`, with their places.

    sourced    the file: a mapping of names to entries
    kind       record of each entry

    Entries with mistakes are left out of what is given back; the caller raises when it has read all of its
    files.
    """
    records: dict[str, T] = {}
    for name, data in sourced.mapping.items():
        try:
            records[name] = kind.model_validate(data)
        except ValidationError as error:
            problems += _problems_of(error, kind, sourced.tree, (name,))
    return records


def record_of_values(values: Mapping[str, object], kind: type[T], path_of: Callable[[str], str] = str) -> T:
    """A checked record of values that stand in no file: of options, or of arguments from Python.

    values    by key, written as in a file: quantities with their unit
    path_of   how the place of a value is called in a problem, from its key

    Raises Problems with every mistake at once.
    """
    try:
        return kind.model_validate(dict(values))
    except ValidationError as error:
        problems = _problems_of(error, kind, Tree("", dict(values)))
    raise Problems(replace(problem, line=0, column=0, path=path_of(problem.path)) for problem in problems)


def _problems_of(error: ValidationError, kind: type[BaseModel], tree: Tree, prefix: Path = ()) -> list[Problem]:
    """A validation error as problems with places.  `prefix` is where the record stands in the tree.

    A misspelt key makes two errors in pydantic, one unknown and one missing key; only the first is told.
    """
    items = error.errors(include_url=False)
    misspelt = {(item["loc"][:-1], str(item["loc"][-1])) for item in items if item["type"] == "extra_forbidden"}
    return [_problem(item, kind, tree, prefix) for item in items if not _is_misspelt(item, misspelt)]


def _is_misspelt(item: ErrorDetails, misspelt: set[tuple[Path, str]]) -> bool:
    """True for a missing key that stands there under a name much like it: that one is reported."""
    beside = [name for parent, name in misspelt if parent == item["loc"][:-1]]
    return item["type"] == "missing" and bool(difflib.get_close_matches(str(item["loc"][-1]), beside))


def _problem(item: ErrorDetails, kind: type[BaseModel], tree: Tree, prefix: Path) -> Problem:
    """One of pydantic's errors in our words: what is wrong, as it was written, and what would do."""
    steps = [step for step in item["loc"] if not (isinstance(step, str) and step.startswith(("function-", "[key]")))]
    loc: Path = tuple(steps)
    path = (*prefix, *loc)
    shown = _found(item.get("input"))
    match item["type"]:
        case "extra_forbidden":
            hint = did_you_mean(str(loc[-1]), _fields_at(kind, loc[:-1]).values())
            return tree.problem(path, "unknown key", repr(loc[-1]), hint, key=True)
        case "missing":
            return tree.problem(path, "missing", would_do=f"add `{path[-1]}:`", key=True)
        case "terp":
            return tree.problem(path, item["ctx"]["wrong"], shown, item["ctx"]["would_do"])
        case "greater_than_equal" | "less_than_equal" | "greater_than" | "less_than":
            written = _written_at(tree.data, path)
            percent = isinstance(written, str) and written.endswith("%")
            return tree.problem(path, "out of range", _found(written), _limits(kind, loc, item["ctx"], percent=percent))
        case "literal_error":
            allowed = [word.strip("'") for word in item["ctx"]["expected"].replace(" or ", ", ").split(", ")]
            return tree.problem(path, "not one of the known words", shown, did_you_mean(str(item["input"]), allowed))
        case "string_pattern_mismatch" if "0[1-9]|1[0-2]" in item["ctx"]["pattern"]:
            return tree.problem(path, "not a month", shown, "write it as '2027-09'")
        case "string_pattern_mismatch":
            return tree.problem(path, "not a short name", shown, "use small letters, digits, dots and dashes")
        case "dict_type" | "model_type" | "model_attributes_type":
            return tree.problem(path, "not a mapping of keys to values", shown, "put its keys below it, indented")
        case "list_type" | "tuple_type":
            return tree.problem(path, "not a list", shown, "write it as [a, b] or as lines that start with a dash")
        case "string_type":
            return tree.problem(path, "not a text", shown, "put it in quotes")
        case "bool_parsing" | "bool_type":
            return tree.problem(path, "neither true nor false", shown, "write true or false")
    return tree.problem(path, item["msg"][:1].lower() + item["msg"][1:], shown)


def _written_at(data: object, path: Path) -> object:
    """What stands in the file at a path, before scaling; the value itself where a mapping sources it."""
    for step in path:
        if isinstance(data, dict) and "value" in data:
            data = data["value"]
        data = data.get(step) if isinstance(data, dict) else data[int(step)] if isinstance(data, list) else None
    return data["value"] if isinstance(data, dict) and "value" in data else data


def _limits(kind: type[BaseModel], loc: Path, context: Mapping[str, float], *, percent: bool = False) -> str:
    """Which values would do for a number that is out of range, in the unit of its field, or in per cent as
    written.

    context   the limit as pydantic names it (`ge`, `le`, `gt`, `lt`), in SI
    """
    names = [name for name, key in _fields_at(kind, loc[:-1]).items() if loc[-1] in (name, key)]
    names += [str(step) for step in loc[:-1]]
    dimension = next((name for name in map(dimension_of, names) if name), "ratio")
    words = {"gt": "more than", "ge": "at least", "lt": "less than", "le": "at most"}
    limit = next(limit for limit in words if limit in context)
    bound = f"{100 * context[limit]:g} %" if percent else units.show(context[limit], dimension)
    return f"{words[limit]} {bound} would do"


def _found(value: object) -> str:
    """A value as problems show it, in at most 60 letters."""
    text = "a mapping" if isinstance(value, dict) else "a list" if isinstance(value, list) else repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _fields_at(kind: type[BaseModel], loc: Path) -> dict[str, str]:
    """Fields of the record at a location and their keys, following records in mappings, lists and options."""
    current: object = kind
    for step in loc:
        current = _member(current, step)
    record = _record_in(current)
    return keys_of(record) if record else {}


def _member(current: object, step: str | int) -> object:
    """The annotation of what lies one step inside an annotation; None where nothing does."""
    record = _record_in(current) if not isinstance(step, int) else None
    if record is not None:
        for name, key in keys_of(record).items():
            if step in (name, key):
                return record.model_fields[name].annotation
    arguments = typing.get_args(plain_type(current))
    return arguments[-1 if typing.get_origin(plain_type(current)) is dict else 0] if arguments else None


def _record_in(annotation: object) -> type[BaseModel] | None:
    """The record that an annotation is, optional or not; None where it is none."""
    bare = plain_type(annotation)
    return bare if isinstance(bare, type) and issubclass(bare, BaseModel) else None


def _bad_ranges(record: Record, sourcing: dict[Path, Provenance], tree: Tree) -> list[Problem]:
    """Ranges that cannot be read in the dimension of their field, or that leave the value out.

    A range of money is read in its own currency; values that are no numbers have ranges that nothing checks.
    """
    problems = []
    for path, entry in sourcing.items():
        if not entry.range_text:
            continue
        name, value = _leaf(record, path)
        dimension = dimension_of(name)
        try:
            if isinstance(value, units.Money):
                low, high = (end.amount for end in units.parse_money_range(entry.range_text))
                value = value.amount
            elif isinstance(value, int | float) and dimension:
                low, high = units.parse_range(entry.range_text, dimension)
            else:
                continue
        except units.NotAQuantity as error:
            problems.append(tree.problem((*path, "range"), error.wrong, repr(entry.range_text), error.would_do))
            continue
        if not low <= value <= high:
            would_do = "widen the range or correct the value"
            problems.append(tree.problem((*path, "range"), "the value lies outside its range", entry.range_text, would_do))
    return problems


def _leaf(record: object, path: Path) -> tuple[str, object]:
    """Field name and value at a path of written names; a mapping's own field name stands for its entries."""
    name = ""
    for step in path:
        if isinstance(record, BaseModel):
            name = next((field for field, key in keys_of(type(record)).items() if step in (field, key)), "")
            record = getattr(record, name, None)
        elif isinstance(record, dict):
            record = record.get(step)
        elif isinstance(record, list | tuple) and isinstance(step, int):
            record = record[step]
    return name, record
