"""Options of a call from Python, checked as a file is: units, ranges, all problems at once.

The models below word their problems by options of the terminal; what goes to Python goes through `keyword_problems` first,
so that `--global-batch` reads `global_batch`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import TypeVar

from terp.errors import Problem, Problems
from terp.reader import Record, record_of_values, tree_of_mapping

R = TypeVar("R", bound=Record)


def checked_options(kind: type[R], given: Mapping[str, object]) -> R:
    """The record of a call's options.

    kind    its fields are the options, without their units
    given   options by name, None for those that are not given

    Raises Problems, one an option, with what would do.

    A quantity may be a text with its unit ("2 EUR") or a number in the unit of the field.  A name that is no field is
    reported with the nearest that is.
    """
    values = {name: value for name, value in given.items() if value is not None}
    return record_of_values(tree_of_mapping(values, "").mapping, kind)


def in_keywords(problem: Problem) -> Problem:
    """A problem that a model words by options of the terminal, by keywords: `--global-batch` is `global_batch`.

    Its place is kept; only the words of path and remedy change, so `--tp 4 --pp 2` reads `tp=4 pp=2`.
    """
    path = problem.path.removeprefix("--").replace("-", "_")
    would_do = re.sub(r"--([a-z-]+) (\S+)", lambda m: f"{m[1].replace('-', '_')}={m[2]}", problem.would_do)
    return replace(problem, path=path, would_do=re.sub(r"--([a-z-]+)", lambda m: m[1].replace("-", "_"), would_do))


def keyword_problems(error: Problems) -> Problems:
    """The problems of an error by keywords."""
    return Problems([in_keywords(problem) for problem in error.problems])


def whole(tokens: float | str | None) -> object:
    """A number of tokens as a whole number where it is one, so that 2e12 is taken.

    `whole(2e12)` is 2000000000000, and `whole(1.5)` stays 1.5, which the record then refuses.
    """
    return int(tokens) if isinstance(tokens, float) and tokens.is_integer() else tokens


def euros(price: float | str | None) -> object:
    """A price with its unit; a number is euros, as a text too.

    `euros(2)` and `euros("2")` are "2 EUR"; a text such as "2 USD" is passed on, and the record says whether its currency
    will do.
    """
    if isinstance(price, str) and re.fullmatch(r"\s*[\d.]+([eE][+-]?\d+)?\s*", price):
        return f"{price.strip()} EUR"
    return f"{price!r} EUR" if isinstance(price, int | float) and not isinstance(price, bool) else price
