"""What the scripts that fit constants share: the search, the range that a fit leaves open, and writing into the catalogue.

python scripts/fit_x.py          prints what is fitted and how it compares with what stands
python scripts/fit_x.py --write  writes it into catalogue/physics, each value and its range in place, the rest as it stands
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from terp.reader.tree import parse_yaml

FOLDER = Path(__file__).parents[1] / "src" / "terp" / "catalogue" / "physics"
RISE = 1.05
"""The range of a constant is where the mean error, all others held, is at most this times the least."""
WIDEST = 4.0
"""A range ends at so many times the value, and at its part, where the error does not rise before."""

Loss = Callable[[Sequence[float]], float]


@dataclass(frozen=True)
class Fitted:
    """A constant's path in the catalogue, such as "kernels.gemm.read", its value, and the range that the fit leaves open."""

    path: str
    value: float
    low: float
    high: float


def least(loss: Loss, start: Sequence[float], rounds: int = 1, per_value: int = 300) -> tuple[np.ndarray, float]:
    """The values with the least loss, by Nelder and Mead over factors on the start, and that loss; none goes below 0."""
    from scipy.optimize import minimize  # noqa: PLC0415 -- only fits need it, and not the tests of writing

    first, most = np.asarray(start, float), per_value * len(start)

    def scaled(factors: np.ndarray) -> float:
        return loss(factors * first) if factors.min() > 0 else 1e3

    factors = np.ones(len(first))
    for _ in range(rounds):
        found = minimize(scaled, factors, method="Nelder-Mead", options={"maxiter": most, "maxfev": most})
        factors = found.x
    return factors * first, float(found.fun)


def ranges(loss: Loss, values: Sequence[float]) -> list[tuple[float, float]]:
    """Low and high of each value, within which the loss is at most RISE times that of all values together."""
    bound = RISE * loss(values)
    return [
        (_end(loss, values, index, 1 / WIDEST, bound), _end(loss, values, index, WIDEST, bound))
        for index in range(len(values))
    ]


def _end(loss: Loss, values: Sequence[float], index: int, furthest: float, bound: float) -> float:
    """Where the loss passes a bound as one value goes from what it is to so many times that, by halving."""

    def at(factor: float) -> float:
        return loss([value * factor if place == index else value for place, value in enumerate(values)])

    if at(furthest) <= bound:
        return values[index] * furthest
    inside, outside = 0.0, float(np.log(furthest))
    for _ in range(10):
        middle = (inside + outside) / 2
        inside, outside = (middle, outside) if at(float(np.exp(middle))) <= bound else (inside, middle)
    return values[index] * float(np.exp(inside))


def report(title: str, fitted: Sequence[Fitted]) -> None:
    """Prints what was fitted beside what stands, and writes it if the script was called with --write."""
    print(title)
    for one in fitted:
        print(f"  {one.path:56} {standing(one.path):>12} -> {one.value:.4g}   {one.low:.3g} .. {one.high:.3g}")
    if "--write" in sys.argv:
        for one in fitted:
            write(one)


def standing(path: str) -> str:
    """A value as it stands in the catalogue."""
    text, start, end = _place(path)
    return text[start:end]


def write(one: Fitted, folder: Path = FOLDER) -> None:
    """Puts a value and its range where they stand; unit, status, source and notes stay, and so does all else of the file."""
    text, start, end = _place(one.path, folder)
    unit = text[start:end].strip('"').partition(" ")[2]
    number, low, high = f"{one.value:.3g}", f"{one.low:.2g}", f"{one.high:.2g}"
    low, high = (low if float(low) <= float(number) else number), (high if float(high) >= float(number) else number)
    value = f'"{number} {unit}"' if unit else number
    span = f'"{low} .. {high} {unit}"' if unit else f'"{low} .. {high}"'
    name, path = _split(one.path)
    tree = parse_yaml(text, name)
    held = tree.values.get((*path, "range"))
    if held:
        at = _offset(text, held)
        after = _token_end(text, at)
        text = text[:at] + span + text[after:]
        start, end = _place_in(text, name, path)
    elif (*path, "value") in tree.values:
        value += f", range: {span}"
    (folder / f"{name}.yaml").write_text(text[:start] + value + text[end:], "utf-8")


def _split(path: str) -> tuple[str, tuple[str, ...]]:
    name, *steps = path.split(".")
    return name, tuple(steps)


def _place(path: str, folder: Path = FOLDER) -> tuple[str, int, int]:
    """A file's text, and where the value of a path begins and ends in it."""
    name, steps = _split(path)
    text = (folder / f"{name}.yaml").read_text("utf-8")
    return text, *_place_in(text, name, steps)


def _place_in(text: str, name: str, steps: tuple[str, ...]) -> tuple[int, int]:
    tree = parse_yaml(text, name)
    place = tree.values.get((*steps, "value"), tree.values.get(steps))
    if place is None:
        raise KeyError(f"{name}.yaml has no {'.'.join(steps)}")
    start = _offset(text, place)
    return start, _token_end(text, start)


def _offset(text: str, place: tuple[int, int]) -> int:
    """Position in a text of a line and a column, both from 1."""
    line, column = place
    return sum(len(each) for each in text.splitlines(keepends=True)[: line - 1]) + column - 1


def _token_end(text: str, start: int) -> int:
    """Where a scalar that begins at a position ends."""
    if text[start] == '"':
        return text.index('"', start + 1) + 1
    return next(at for at in range(start, len(text)) if text[at] in ",}]\n" or text[at : at + 2] == " #")
