"""Writes the intervals of one model into the catalogue, the others as they stand: for the scripts that find them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from terp.physics import Interval

PATH = Path(__file__).parents[1] / "src" / "terp" / "catalogue" / "physics" / "intervals.yaml"


def write_intervals(
    model: str, found: Mapping[str, Interval], notes: Mapping[str, str], *, script: str, source: str, path: Path = PATH
) -> None:
    """Puts a model's intervals where they stand in the file, or at its end; classes that are not found go.

    found    class -> interval;  notes   class -> from how many rows
    script   that found them;  source   an entry of sources.yaml
    """
    lines = [f"  {model}:"]
    for name, one in found.items():
        reach = "" if one.reach_ratio is None else f", reach: {one.reach_ratio:.3g}"
        lines.append(
            f'    "{name}": {{value: {{low: {one.low_ratio:.3g}, high: {one.high_ratio:.3g}{reach}}}, status: fitted, '
            f'fitted_by: {script}, source: {source}, note: "{notes[name]}"}}'
        )
    text = path.read_text("utf-8").splitlines()
    start = next((at for at, line in enumerate(text) if line.startswith(f"  {model}:")), len(text))
    end = next((at for at in range(start + 1, len(text)) if not text[at].startswith("    ")), len(text))
    path.write_text("\n".join([*text[:start], *lines, *text[end:]]) + "\n", "utf-8")
