"""Who says each number of a page: folded tables by status, grouped by what the values are of, and the list of sources.

Paths of values are put in words, and what they begin with, such as the name of a machine, becomes the head of a group.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from markupsafe import Markup

from terp.views.report.frame.page_blocks import Block, Cell, Fold, Rows

Row = Mapping[str, str]
"""A value as run.json has it: path, value, status, source, range, note; what is empty is left out."""


def value_folds(rows: Sequence[Row], titles: Mapping[str, str]) -> list[Block]:
    """What is assumed, and what is published, measured, derived or fitted, each in a fold of its own.

    titles   what the first word of a path stands for, such as the title of a machine by its name
    """
    assumed = [row for row in rows if row["status"] == "assumed"]
    sourced = [row for row in rows if row["status"] != "assumed"]
    blocks: list[Block] = []
    if assumed:
        words = f"{len(assumed)} values that are assumed, each with a range within which it may lie"
        blocks.append(Fold(words, [_assumed(assumed, titles)]))
    if sourced:
        blocks.append(
            Fold(f"{len(sourced)} values that are published, measured, fitted or derived", [_sourced(sourced, titles)])
        )
    return blocks


def _assumed(rows: Sequence[Row], titles: Mapping[str, str]) -> Rows:
    """The table of assumptions.

    rows   those of status "assumed" alone;  titles   as of `value_folds`
    """
    cells, groups = _grouped(rows, titles, lambda row: (row.get("value", ""), row.get("range", ""), row.get("note", "")))
    return Rows("Assumed values", ("what", "value", "range", "why"), cells, frozenset({1, 2, 3}), groups=groups)


def _sourced(rows: Sequence[Row], titles: Mapping[str, str]) -> Rows:
    """The table of everything that has somebody who says so.

    rows   those of any other status;  titles   as of `value_folds`
    """

    def cells_of(row: Row) -> tuple[Cell, ...]:
        source = Markup("<code>{}</code> ").format(row["source"]) if row.get("source") else Markup("")
        return row.get("value", ""), row["status"], source + row.get("note", "")

    cells, groups = _grouped(rows, titles, cells_of)
    return Rows(
        "Values with a source", ("what", "value", "status", "source and note"), cells, frozenset({1, 2, 3}), groups=groups
    )


def _grouped(
    rows: Sequence[Row], titles: Mapping[str, str], cells_of: Callable[[Row], tuple[Cell, ...]]
) -> tuple[list[tuple[Cell, ...]], dict[int, str]]:
    """Rows in the order of their groups, and where each group begins.

    cells_of   what stands in the columns behind the name
    """
    ordered = sorted(rows, key=lambda row: (_group(row["path"], titles)[1], row["path"]))
    cells: list[tuple[Cell, ...]] = []
    groups: dict[int, str] = {}
    for row in ordered:
        rest, group = _group(row["path"], titles)
        if group not in groups.values():
            groups[len(cells)] = group
        cells.append((rest, *cells_of(row)))
    return cells, groups


def _group(path: str, titles: Mapping[str, str]) -> tuple[str, str]:
    """A dotted path in words, without its first word, and what that first word stands for.

    titles   what the first word of a path stands for; else that word and the next name the group
    """
    first, _, rest = path.partition(".")
    if first in titles:
        return _in_words(rest), titles[first]
    name, _, rest = rest.partition(".")
    return _in_words(rest or name), f"{_in_words(first)}: {name}" if rest else _in_words(first)


def _in_words(path: str) -> str:
    """A path for people: "domains.climate.jobs.x.run_time" is "domains, climate, jobs, x, run time"."""
    return ", ".join(part.replace("_", " ") for part in path.split("."))


def source_fold(sources: Mapping[str, Mapping[str, str]]) -> list[Block]:
    """The list of sources, folded; nothing where there is none.

    sources   short name -> title, publisher, grade, address and licence, as far as they are known

    Only addresses of the web become links, so that no source can put a script behind one.
    """
    if not sources:
        return []
    rows = []
    for key, entry in sources.items():
        licence = f" ({entry['licence']})" if entry.get("licence") else ""
        title: Cell = f"{entry['title']}{licence}"
        if entry.get("address", "").startswith(("https://", "http://")):
            title = Markup('<a href="{}" rel="noreferrer">{}</a>{}').format(entry["address"], entry["title"], licence)
        rows.append((Markup("<code>{}</code>").format(key), title, entry.get("publisher", ""), entry.get("grade", "")))
    head = ("source", "title", "publisher", "how near the maker")
    return [Fold(f"{len(rows)} sources", [Rows("Sources", head, rows, frozenset({1, 2, 3}))])]
