"""What ships as a list, and one thing with a name as its values, each with who says it.

`terp list` prints `listing_text`, and `terp show` the other two, of all that is no machine.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from terp.predict.about import KINDS, About, AboutLine, Listing
from terp.reader.fields import dimension_of
from terp.units import UNITS, number, show
from terp.views.text.columns import aligned, folded, labelled

LONGEST_LABEL: Final = 28
"""Columns of the longest label that the others are aligned with."""
NOUNS: Final = {"gpus": "GPUs", "mean_price_eur_per_j": "mean price", "mean_carbon_kg_per_j": "mean carbon", "gpu": "GPU"}
"""Columns whose heading is not their name without the unit."""
WORDS: Final = {"gpu": "a GPU", "software": "training software", "policy": "a policy"}
"""Kind -> it with its article, where that is not `a` and the kind."""
YEARS: Final = ("in_service",)
"""Fields that hold a year."""
DROPPED: Final = ("switches_count", "fabric", "memory_rate_bytes_per_s", "contract", "cooling")
"""Columns that a narrow screen does without, the first first; --json has all."""
LEAST_TITLE: Final = 22
"""Columns that a title needs."""
SMALL: Final = 1e-4
"""Below this a number is written with its power of ten."""
_DIGITS: Final = {"count", "size", "index", ""}
"""Dimensions that are shown as plain numbers, since they have no unit that could be scaled."""


def cell(value: object, name: str, dimension: str = "") -> str:
    """A value for people, by the unit that its name ends with; a dash for what there is not.

    dimension   of the value where its name does not say it

    >>> cell(8e10, "memory_bytes"), cell(None, "layers_count"), cell(True, "gated")
    ('80 GB', '-', 'yes')
    """
    dimension = dimension or dimension_of(name)
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if not isinstance(value, int | float):
        return str(value)
    if "parameters" in name:
        return _parameters(float(value))
    if name in YEARS:
        return str(value)
    if dimension == "eur_per_j":
        return f"{value * 3.6e9:,.1f} EUR/MWh"
    if dimension == "kg_per_j":
        return f"{value * 3.6e9:,.0f} gCO2/kWh"
    if dimension == "fraction":
        return f"{100 * value:.3g} %"
    if 0 < abs(value) < SMALL:
        return (
            f"{value:.3g} {next((unit for unit, scale in UNITS[dimension or 'ratio'].items() if scale == 1), '')}".rstrip()
        )
    return number(value, 4) if dimension in _DIGITS else show(float(value), dimension, 4)


def _parameters(count: float) -> str:
    """Parameters in words, to three digits.

    count   of a model; below a million it is written out

    >>> _parameters(8.03e9)
    '8.03 billion'
    """
    for scale, word in ((1e12, "trillion"), (1e9, "billion"), (1e6, "million")):
        if count >= scale:
            return f"{count / scale:.3g} {word}"
    return number(count)


def heading(name: str) -> str:
    """The heading of a column: its name without its unit, in words.

    name   of a column or a field, with its unit at the end

    >>> heading("memory_bytes")
    'memory'
    """
    dimension = dimension_of(name)
    bare = name.removesuffix(f"_{dimension}") if dimension else name
    return NOUNS.get(name) or NOUNS.get(bare) or bare.replace("_", " ")


def listing_text(listing: Listing, width: int) -> str:
    """A list for people: a line an entry, its title last and folded to the screen.

    listing   of one kind, or of all kinds
    width     of the screen; columns that it has no room for are left out, so that titles stay readable
    """
    columns = _columns(listing, width)
    head = ["kind" if listing.kind == "kinds" else KINDS[listing.kind].word, *map(heading, columns[1:])]
    rows = [[cell(entry[column], column) for column in columns] for entry in listing.entries]
    lines = folded([head, *rows], width, titles=True)
    if listing.kind == "kinds":
        lines += ["", "`terp list KIND` lists one kind, `terp show NAME` says all of one thing."]
    return "\n".join(lines)


def _columns(listing: Listing, width: int) -> list[str]:
    """The columns that a screen has room for beside the title, which needs some words a line.

    Columns of `DROPPED` go one after the other until the title has room, or none of them is left.
    """
    columns = list(listing.entries[0]) if listing.entries else ["name"]
    for dropped in ("", *DROPPED):
        columns = [column for column in columns if column != dropped]
        cells = [[heading(column), *(cell(entry[column], column) for entry in listing.entries)] for column in columns[:-1]]
        taken = sum(max(map(len, column)) + 2 for column in cells)
        if width - taken >= LEAST_TITLE:
            break
    return columns


def about_text(about: About, width: int) -> str:
    """One thing for people: its values with who says them, and the citations below.

    about   what is known of it
    width   of the screen, to which lines are folded

    Values that nobody states and that are empty, zero or no are left out; the document has them.
    """
    title = f"{about.title} ({about.name}), {WORDS.get(about.kind, f'a {about.kind}')}"
    lines = [*labelled("", title, 0, width, 0), ""]
    told = [line for line in about.lines if line.status or line.value not in (0, False, "", 0.0)]
    size = min(max((len(_label(line)) for line in told), default=0), LONGEST_LABEL)
    for line in told:
        who = _who(line)
        text = cell(line.value, line.label, line.dimension) + (f"   ({who})" if who else "")
        lines += labelled(_label(line), text, size, width)
    if about.sources:
        lines += ["", "  sources"]
    for note in about.sources:
        by = ", ".join(part for part in (note.publisher, note.dated) if part)
        lines += labelled("", f"{note.key}: {note.title}" + (f" ({by})" if by else ""), 2, width)
    return "\n".join(lines)


def _label(line: AboutLine) -> str:
    """What a value is called: its path in words, without the unit of a field.

    A value that follows from others has no path in a file, and goes by its own key.
    """
    return heading(line.path) if line.path == line.label else line.path.replace("_", " ")


def _who(line: AboutLine) -> str:
    """Who says a value, in a few words, with its range.

    A published value has the name of its source alone; of others the status stands before it.
    """
    said = line.source or line.status
    if line.source and line.status not in ("", "published"):
        said = f"{line.status}, {line.source}"
    return said + (f", {line.range_text}" if line.range_text else "")


def beside_text(several: Sequence[About], width: int | None) -> str:
    """Things of one kind side by side, a column each; a dash where one has no such value.

    width   of the screen; None leaves lines as long as they are

    several   at least one; rows come in the order in which the first of them has them, what only later ones have below
    """
    columns = [{_label(line): cell(line.value, line.label, line.dimension) for line in each.lines} for each in several]
    names = list(dict.fromkeys(name for column in columns for name in column))
    table = [["", *(each.name for each in several)], ["title", *(each.title for each in several)]]
    table += [[name, *(column.get(name, "-") for column in columns)] for name in names]
    return "\n".join(aligned(table) if width is None else folded(table, width))
