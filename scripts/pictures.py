"""Makes the pictures of README and docs/index.md anew, from a simulated year and a plan: docs/images/*.png.

python scripts/pictures.py

Needs Chromium, and Pillow to make the files small (it comes with matplotlib).  Look at them before you commit.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image

IMAGES = Path(__file__).parents[1] / "docs" / "images"
COLOURS = 96
FIGURES = {"frontier": ("Science against total cost", 760, 430), "money": ("From payer, by class of cost", 760, 625)}
"""Picture -> the beginning of its caption in the paper, width and height of the window [pixels]."""


def terp(*words: str) -> None:
    """Runs the command."""
    subprocess.run([sys.executable, "-m", "terp", *words], check=True, stdout=subprocess.DEVNULL)  # noqa: S603 - our own words


def shot(page: Path, name: str, width: int, height: int) -> None:
    """A page as a browser shows it, light, in few colours."""
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder, "shot.png")
        words = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
        size = ["--hide-scrollbars", "--force-device-scale-factor=1.5", f"--window-size={width},{height}"]
        subprocess.run(  # noqa: S603 - our own words
            ["chromium", *words, *size, f"--screenshot={made}", page.as_uri()],  # noqa: S607 - as on the path
            check=True,
            stderr=subprocess.DEVNULL,
        )
        Image.open(made).convert("RGB").quantize(COLOURS).save(IMAGES / f"{name}.png", optimize=True)


def figure(paper: str, caption: str) -> str:
    """A page with the style of a paper and one of its figures."""
    [style] = re.findall(r"<style>.*?</style>", paper, re.DOTALL)
    [drawn] = re.findall(rf"<figure><figcaption>{caption}.*?</figure>", paper, re.DOTALL)
    return f'<!doctype html><meta charset="utf-8">{style}<body style="margin:0 1rem"><main class="brief" style="padding:0">{drawn}</main>'


def main() -> None:
    """The report of a year, and two figures of a plan."""
    with tempfile.TemporaryDirectory() as folder:
        year, plan = f"{folder}/year", f"{folder}/plan"
        terp("simulate", "gefion", "--days", "365", "-o", year)
        terp("report", year)
        shot(Path(year, "report.html"), "report", 1040, 940)
        terp("plan", "netherlands", "--no-simulation", "--lang", "en", "-o", plan)
        paper = Path(plan, "brief.html").read_text("utf-8")
        for name, (caption, width, height) in FIGURES.items():
            page = Path(folder, f"{name}.html")
            page.write_text(figure(paper, caption), "utf-8")
            shot(page, name, width, height)


if __name__ == "__main__":
    main()
