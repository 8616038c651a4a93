"""Writes docs/catalogue.md from the catalogue: every value with its status, range and source.

python scripts/catalogue_page.py > docs/catalogue.md
"""

from __future__ import annotations

from terp.catalogue import hourly, read_catalogue, series_names
from terp.reader.fields import Record, dimension_of, written_name
from terp.units import show


def page() -> str:
    catalogue = read_catalogue()
    lines = ["# Catalogue", "", "Made by `scripts/catalogue_page.py`; change the YAML, not this page.", ""]
    for family, parts in catalogue.parts.items():
        lines += [f"## {family.capitalize()}", ""]
        for name, part in parts.items():
            lines += [
                f"### `{name}`: {part.title}",
                "",
                "| value | | status | range | source | note |",
                "|---|---|---|---|---|---|",
            ]
            for field, value in part:
                if field != "title" and value is not None:
                    lines += rows(f"{family}.{name}.{written_name(field)}", field, value)
            lines.append("")
    lines += [
        "## Hourly series of 2024",
        "",
        "| series | unit | observed or modelled | source | attribution |",
        "|---|---|---|---|---|",
    ]
    for name in series_names():
        entry = hourly(name).entry
        kind = "modelled" if entry.synthetic else "observed"
        lines.append(f"| `{name}`: {entry.title} | {entry.unit} | {kind} | `{entry.origin}` | {entry.attribution} |")
    lines += ["", "## Sources", "", "| key | title | publisher | dated | read | |", "|---|---|---|---|---|---|"]
    for key, source in catalogue.sources.items():
        lines.append(
            f"| `{key}` | [{source.title}]({source.address}) | {source.publisher} | {source.dated} | {source.read} | {source.grade} |"
        )
    return "\n".join(lines) + "\n"


def rows(path: str, field: str, value: object) -> list[str]:
    if isinstance(value, dict) and all(isinstance(entry, Record) for entry in value.values()):
        return [
            line.replace("| ", f"| {key}: ", 1)
            for key, entry in value.items()
            for name, one in entry
            if one is not None
            for line in rows(f"{path}.{key}.{written_name(name)}", name, one)
        ]
    if isinstance(value, dict):
        dimension = dimension_of(field)
        return [
            row(f"{path}.{key}", f"{written_name(field)} {key}", show(entry, dimension, 5)) for key, entry in value.items()
        ]
    dimension = dimension_of(field)
    text = show(value, dimension, 5) if isinstance(value, int | float) and dimension else f"`{value}`"
    return [row(path, written_name(field), text)]


def row(path: str, name: str, text: str) -> str:
    entry = read_catalogue().provenance.get(path)
    if entry is None:
        return f"| {name.replace('_', ' ')} | {text} | | | | |"
    source = f"`{entry.source}`" if entry.source else ""
    note = "; ".join(part for part in (entry.basis, entry.note) if part)
    return f"| {name.replace('_', ' ')} | {text} | {entry.status} | {entry.range_text} | {source} | {note} |"


if __name__ == "__main__":
    print(page(), end="")
