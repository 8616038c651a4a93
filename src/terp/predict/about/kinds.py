"""Kinds of what has a name, and which of them a word is of: by name, by path, or by a hub's id."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from terp.catalogue import read_catalogue
from terp.connect import hub_model_name, is_hub_config
from terp.describe import shipped_names
from terp.describe.policy import OWN_POLICIES
from terp.errors import Problem, Problems, UnknownName, did_you_mean
from terp.physics.training.software import generations
from terp.reader import parse_yaml, read_text


@dataclass(frozen=True)
class NamedKind:
    """A kind of what has a name.

    name    in plural, as `terp list` takes it;  word  of one
    what    one of them is, in a few words
    folder  of files that ship, or empty;  family  of the catalogue's parts, or empty
    """

    name: str
    word: str
    what: str
    folder: str = ""
    family: str = ""


KINDS: Final = {
    kind.name: kind
    for kind in (
        NamedKind("machines", "machine", "supercomputers, real and planned", folder="machines"),
        NamedKind("models", "model", "neural networks to train", folder="models"),
        NamedKind("sites", "site", "places: climate, prices, grid, hall", folder="sites"),
        NamedKind("workloads", "workload", "who works on a machine, and what they run", folder="workloads"),
        NamedKind("policies", "policy", "how a machine is shared", folder="policies"),
        NamedKind("budgets", "budget", "money, payers and wishes to plan by", folder="budgets"),
        NamedKind("gpus", "gpu", "accelerators of the catalogue", family="accelerators"),
        NamedKind("nodes", "node", "compute nodes of the catalogue", family="nodes"),
        NamedKind("software", "software", "generations of training software"),
    )
}
"""All kinds, in the order in which they are listed."""


def kind_named(word: str) -> str:
    """The name of a kind, from its plural or its singular in whatever case.  Raises UnknownName.

    >>> kind_named("GPU"), kind_named("policies")
    ('gpus', 'policies')
    """
    lowered = word.lower()
    for kind in KINDS.values():
        if lowered in (kind.name, kind.word) or (kind.family and lowered in (kind.family, kind.family.removesuffix("s"))):
            return kind.name
    raise UnknownName("kind", word, KINDS)


def names(kind: str) -> tuple[str, ...]:
    """All names of a kind, sorted: of what ships, and of the user's own catalogue and policies.  Raises UnknownName.

    kind   in plural or singular, such as "models"
    """
    known = KINDS[kind_named(kind)]
    if known.folder:
        own = [name for name in OWN_POLICIES if isinstance(name, str)] if known.name == "policies" else []
        return tuple(sorted({*shipped_names(known.folder), *own}))
    return tuple(sorted(read_catalogue().parts[known.family] if known.family else generations()))


def spelt_alike(name: str, kind: str) -> str | None:
    """The name of a kind that a word spells in whatever case, dots, dashes and blanks; of a GPU its beginning will do.

    None where it spells none, or more than one.  Raises Problems where it begins several GPUs, and names them.
    """
    known = names(kind)
    if name in known:
        return name
    same = [other for other in known if _bare(other) == _bare(name)]
    if len(same) == 1:
        return same[0]
    if kind == "models":
        return hub_model_name(name)
    if kind == "gpus":
        try:
            return read_catalogue().accelerator_named(name)
        except UnknownName:
            return None
    return None


def _bare(name: str) -> str:
    """A name without what people spell differently: case, dots, dashes, underscores and blanks."""
    return name.lower().translate(str.maketrans("", "", ".-_ "))


def kinds_of(source: str) -> tuple[str, ...]:
    """The kinds that a word is of, the likeliest first: one of a file, by its content; several where a name is shared.

    source   a name, a path, or a hub's id or folder

    Raises Problems for a file that is none of them, and for a name that nothing has, with what is near.
    """
    path = Path(source)
    if path.suffix in (".yaml", ".yml"):
        return (_kind_in(path),)
    if is_hub_config(source):
        return ("models",)
    found, begun = [], None
    for kind in KINDS:
        try:
            found += [kind] if spelt_alike(source, kind) else []
        except Problems as error:
            begun = error
    if found:
        return tuple(found)
    if begun is not None:
        raise begun
    known = [name for kind in KINDS for name in names(kind)]
    hint = did_you_mean(source.rpartition("/")[2], known)
    raise Problems([Problem("", 0, 0, "", f"nothing has the name {source!r}", would_do=_with_kinds(hint, known))])


def _with_kinds(hint: str, known: Sequence[str]) -> str:
    """A hint with the kind of each name that it proposes, so that one sees which is meant."""
    if not hint.startswith("did you mean"):
        return f"`terp list` says what there is, {len(known):,} names of {len(KINDS)} kinds"
    words = hint.removeprefix("did you mean ").rstrip("?").split(" or ")
    kinds = [next(KINDS[kind].word for kind in KINDS if word.strip("'") in names(kind)) for word in words]
    return "did you mean " + " or ".join(f"{word} ({kind})" for word, kind in zip(words, kinds, strict=True)) + "?"


def _kind_in(path: Path) -> str:
    """The kind of a file by its key `kind`.  Raises Problems.

    path   of a YAML file; what else stands in it is checked when it is read as that kind
    """
    data = parse_yaml(read_text(path), str(path)).data
    word = data.get("kind") if isinstance(data, dict) else None
    for kind in KINDS.values():
        if kind.folder and kind.word == word:
            return kind.name
    known = [kind.word for kind in KINDS.values() if kind.folder]
    would_do = did_you_mean(word, known) if isinstance(word, str) else f"add `kind:`, one of {', '.join(known)}"
    found = "" if word is None else repr(word)[:60]
    raise Problems(
        [Problem(str(path), 0, 0, "kind", "not a kind that can be shown" if found else "missing", found, would_do)]
    )
