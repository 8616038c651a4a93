"""Writes the last section of docs/formats/model.md: every model that ships, from its file.

python scripts/models_page.py
"""

from __future__ import annotations

from pathlib import Path

from terp.describe import ModelFile, read_model, shipped_names
from terp.physics.neural.families import work_of

PAGE = Path(__file__).parents[1] / "docs" / "formats" / "model.md"
HEADING = "## Models that ship"


def page() -> str:
    """The page, its last section made anew."""
    above, _, _ = PAGE.read_text("utf-8").partition(HEADING)
    lines = [
        HEADING, "", "Made by `scripts/models_page.py` from `models/*.yaml`; change those, not this table. Parameters are those",
        "that the makers state, and where they state none, ours.", "", "| model | family | layers | parameters | source |",
        "|---|---|---|---|---|",
    ]  # fmt: skip
    return above + "\n".join([*lines, *(row(name) for name in shipped_names("models"))]) + "\n"


def row(name: str) -> str:
    written = read_model(name)
    record = written.record
    entry = written.provenance.get("name")
    count = record.published_parameters_count or work_of(record, 0).parameters_count
    layers = getattr(record, "layers_count", None) or ""
    source = f"`{entry.source}`" if entry else ""
    return f"| `{name}`: {record.title} | {family(record)} | {layers} | {in_words(count)} | {source} |"


def family(record: ModelFile) -> str:
    """The family, and what tells its members apart."""
    kinds = {"experts": "experts", "latent": "latent attention", "state_space": "state space", "patches": "patches"}
    more = [word for field, word in kinds.items() if getattr(record, field, None)]
    return ", ".join([str(getattr(record, "family", "")), *more])


def in_words(count: int) -> str:
    """Three digits of a count."""
    scale, word = next(
        ((scale, word) for scale, word in ((1e12, "trillion"), (1e9, "billion")) if count >= scale), (1e6, "million")
    )
    digits = count / scale
    return f"{digits:.0f} {word}" if digits >= 99.95 else f"{digits:.3g} {word}"


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
