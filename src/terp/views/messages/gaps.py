"""The gaps of a message: `{name:kind}` is filled with the data of that name, written as the kind says.

A kind may have words after it, such as `{share_fraction:percent}` or `{cost_ratio:compared money 0.01}`.  So results carry
numbers in SI, and only a message says how they are rounded and in which unit they are read.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from string import Formatter
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from terp.views.messages.language import Language


class Gaps:
    """Fills messages in a language."""

    def __init__(self, language: Language) -> None:
        self._language = language

    def filled(self, message: str, data: Mapping[str, object]) -> str:
        """A message with its gaps filled.

        message   as the catalogue has it;  data   by the names of the gaps; what no gap names is not used

        Raises KeyError for a gap that has no data, or a kind that is not there.
        """
        parts = []
        for words, gap, kind, _ in Formatter().parse(message):
            parts.append(words)
            if gap is not None:
                name, *more = (kind or "text").split(" ")
                parts.append(KINDS[name](self._language, data[gap], *more))
        return "".join(parts)


def _text(language: Language, value: object) -> str:
    """Words of a file, translated if they are known."""
    return language.title(str(value))


def _listed(language: Language, values: Sequence[str], family: str) -> str:
    """Names of a family, such as "classes", one after another with commas."""
    return ", ".join(language.name(family, value) for value in values)


def _shares(language: Language, shares: Mapping[str, float], family: str) -> str:
    """Names with their shares: "medicine 40%, climate 60%"."""
    return ", ".join(f"{language.name(family, name)} {language.percent(share)}" for name, share in shares.items())


def _change(language: Language, value: float) -> str:
    """A rise or fall in percent, with its sign; the minus of the keyboard in English, as files have it."""
    words = f"{value:+.0%}"
    return words if language.code == "en" else words.replace("-", "\u2212")


def _amounts(language: Language, amounts_eur: Mapping[str, float], family: str) -> str:
    """Names with millions of euros: "acquisition 150.2, operation 40.0"."""
    return ", ".join(f"{language.name(family, name)} {language.millions(eur)}" for name, eur in amounts_eur.items())


def _optional(language: Language, share: float, key: str) -> str:
    """A text with a share in it; nothing where there is none."""
    return language.text(key, share=language.percent(share)) if share else ""


KINDS: Final[Mapping[str, Callable[..., str]]] = {
    "text": _text,
    "count": lambda language, value: language.fixed(value),
    "decimals": lambda language, value, digits: language.fixed(value, int(digits)),
    "number": lambda language, value: language.written(f"{value:g}"),
    "percent": lambda language, value: language.percent(value),
    "change": _change,
    "millions": lambda language, value: language.fixed(value / 1e6, 1),
    "petaflops": lambda language, value: language.fixed(value / 1e15, 1),
    "gigabytes": lambda _language, value: f"{value / 1e9:.0f}",
    "month": lambda language, value: language.month(value),
    "date": lambda language, value: language.date(value),
    "name": lambda language, value, family: language.name(family, value),
    "list": _listed,
    "shares": _shares,
    "amounts": _amounts,
    "optional": _optional,
    "compared": lambda language, ratio, what, *same: language.ratio(ratio, what, *map(float, same)),
}
"""Kind of gap -> what writes its value in a language."""


def gaps_of(message: str) -> set[str]:
    """Names of the gaps of a message, each once.

    >>> sorted(gaps_of("{gpus_count:count} GPUs at {site_title}"))
    ['gpus_count', 'site_title']
    """
    return {gap for _, gap, _, _ in Formatter().parse(message) if gap is not None}
