"""Writes docs/catalogue.md from the catalogue: every value with its status, range and source.

python scripts/catalogue_page.py > docs/catalogue.md
"""

from __future__ import annotations

from terp.catalogue import Currency, Price, Rate, hourly, read_catalogue, read_prices, series_names
from terp.reader.fields import Record, dimension_of, written_name
from terp.units import number, show


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
    lines += prices()
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


def prices() -> list[str]:
    """The prices, rates and currencies, with what is known of each.  Euros are at the mean rate of the year."""
    known = read_prices()
    lines = [
        "## Prices",
        "",
        "Without tax. Ranges are 90 % intervals of what a purchase of 50 to 500 nodes pays.",
        "",
        "| price | of | | kEUR | range | dated | a year | sold | status | source | note |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    lines += [price_row(name, entry) for name, entry in known.entries.items()]
    lines += ["", "## Rates", "", "| rate | | range | status | source | note |", "|---|---|---|---|---|---|"]
    lines += [rate_row(name, entry) for name, entry in known.rates.items()]
    years = sorted({year for currency in known.currencies.values() for year in currency.euros})
    lines += ["", "## Currencies, in euros", ""]
    lines += [f"| | {' | '.join(years)} | status | note |", "|---" * (len(years) + 3) + "|"]
    return [*lines, *(currency_row(name, entry, years) for name, entry in known.currencies.items()), ""]


def price_row(name: str, entry: Price) -> str:
    known = read_prices()
    value, trend = known.provenance[f"prices.{name}.price"], known.provenance.get(f"prices.{name}.yearly_trend")
    per = f"{entry.pieces_count} pieces" if entry.pieces_count > 1 else entry.per
    euros = number(known.euros(entry.price, entry.dated) / 1000, 3)
    sold = f"{entry.sold_from or ''} .. {entry.sold_until or ''}" if entry.sold_from or entry.sold_until else ""
    change = f"{entry.yearly_trend_fraction:+.1%} ({trend.range_text})" if trend else ""
    note = "; ".join(part for part in (value.basis, value.note) if part)
    of = ", ".join(f"`{part}`" for part in entry.of)
    return (
        f"| `{name}`: {entry.title} | {of} | {entry.price} per {per} | {euros} | {value.range_text} | {entry.dated} "
        f"| {change} | {sold} | {value.status} | {_code(value.source)} | {note} |"
    )


def rate_row(name: str, entry: Rate) -> str:
    value = read_prices().provenance[f"rates.{name}.rate"]
    return (
        f"| `{name}`: {entry.title} | {entry.rate_fraction:.1%} | {value.range_text} | {value.status} "
        f"| {_code(value.source)} | {value.note} |"
    )


def currency_row(name: str, entry: Currency, years: list[str]) -> str:
    value = read_prices().provenance[f"currencies.{name}.euros"]
    cells = " | ".join(f"{entry.euros[year]:.4g}" if year in entry.euros else "" for year in years)
    return f"| {name}: {entry.title} | {cells} | {value.status} | {value.note} |"


def _code(text: str) -> str:
    return f"`{text}`" if text else ""


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
