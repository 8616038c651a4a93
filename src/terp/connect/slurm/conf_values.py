"""Values as Slurm writes them: times, numbers, words, resources; each that is asked for is noted with what it
became.

`Settings` holds the keys of one line or file.  A reader asks for the keys it knows, with the bounds of
slurm.conf(5), and then calls `left_over`, which accounts for all others.
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from typing import Final, TypeVar

from terp.connect.slurm.conf_lines import Notes, Pair
from terp.errors import did_you_mean
from terp.units import DAY_S, HOUR_S

T = TypeVar("T")

ENDLESS: Final = ("infinite", "unlimited", "-1")
"""Words for a time without end."""
TIMES: Final = "write minutes, hours:minutes:seconds, days-hours or days-hours:minutes:seconds"
"""What would do for a time."""
LONGEST_S: Final = 1e9
"""The longest time that a policy takes [s], some 32 years."""

_PLAIN: Final = re.compile(r"([0-9]{1,10})(?::([0-9]{1,10}))?(?::([0-9]{1,10}))?", re.ASCII)
_DAYS: Final = re.compile(r"([0-9]{1,10})-([0-9]{1,10})(?::([0-9]{1,10}))?(?::([0-9]{1,10}))?", re.ASCII)
_NUMBER: Final = re.compile(r"[+-]?(?:[0-9]{1,15}(?:\.[0-9]{0,15})?|\.[0-9]{1,15})")
_NEAR: Final = 0.84
"""How like a known key an unknown one must be, from 0 to 1, to be taken for a misspelling."""
_MOST_UNKNOWN: Final = 200
"""Unknown keys that are compared with the known ones; a hostile file has more."""


def seconds_of(text: str) -> float | None:
    """A time string [s]: minutes, minutes:seconds, hours:minutes:seconds, days-hours[:minutes[:seconds]]; inf
    without end.

    None where it is none.

    >>> seconds_of("90"), seconds_of("1-12"), seconds_of("UNLIMITED")
    (5400.0, 129600.0, inf)
    """
    if text.lower() in ENDLESS:
        return math.inf
    if match := _DAYS.fullmatch(text):
        days, hours, minutes, seconds = (int(group or 0) for group in match.groups())
        return DAY_S * days + HOUR_S * hours + 60.0 * minutes + seconds
    if match := _PLAIN.fullmatch(text):
        first, second, third = match.groups()
        if third is not None:
            return HOUR_S * int(first) + 60.0 * int(second) + int(third)
        return 60.0 * int(first) + int(second or 0)
    return None


def number_of(text: str) -> float | None:
    """A plain number; None where it is none."""
    return float(text) if _NUMBER.fullmatch(text) else None


def resources_of(text: str) -> dict[str, str]:
    """Trackable resources such as `cpu=4,gres/gpu=8`: small names -> what stands behind the sign, in the
    order of the text.
    """
    pairs = (item.partition("=") for item in text.replace(" ", "").lower().split(",") if item)
    return {name: value for name, _, value in pairs}


def list_of(text: str) -> list[str]:
    """Names between commas."""
    return [item.strip() for item in text.split(",") if item.strip()]


def written_s(seconds: float) -> str:
    """A time [s] as records take it, with its unit."""
    return f"{seconds!r} s"


def nothing(text: str) -> bool:
    """Whether a value says that there is none."""
    return text.strip().lower() in ("", "(null)", "none", "n/a")


@dataclass
class Settings:
    """Keys with their values, of a file, a line, or a list of parameters; what nobody asks for is left over.

    stated    small key -> its pair, as said last
    consulted   small keys that were asked for
    proper  small keys that anyone asks for -> as they are written, to know misspellings by
    """

    notes: Notes
    stated: dict[str, Pair] = field(default_factory=dict)
    consulted: set[str] = field(default_factory=set)
    proper: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, notes: Notes, pairs: Iterable[Pair]) -> Settings:
        """The pairs, of which a later one takes the place of an earlier one of the same key."""
        settings = cls(notes)
        for pair in pairs:
            before = settings.stated.get(pair.key.lower())
            if before is not None:
                notes.ignore(before, f"said again on line {pair.line}")
            settings.stated[pair.key.lower()] = pair
        return settings

    def get(self, key: str) -> Pair | None:
        """The pair of a key, if it was said.

        From then on the key counts as one that is known, and misspellings are told by it.
        """
        self.proper[key.lower()] = key
        self.consulted.add(key.lower())
        return self.stated.get(key.lower())

    def items(self, key: str) -> list[Pair]:
        """What stands between the commas of a key's value, each with the place of the whole; empty where the
        key is not there.
        """
        pair = self.get(key)
        return [] if pair is None or nothing(pair.value) else [pair._replace(value=item) for item in list_of(pair.value)]

    def count(self, key: str, became: str, default: int, low: int = 0, high: int = 10**9) -> int:
        """A whole number of a key; what is not one, or out of bounds, is refused and gives the default.

        became      what the number is here, with {} for it, for the notes
        default     where the key is not said
        low, high   bounds, both inside
        """
        pair = self.get(key)
        if pair is None or pair.value == "(null)":
            return default
        value = number_of(pair.value)
        if value is None or value != int(value) or not low <= value <= high:
            self.notes.refuse(pair, "not a whole number that can be", f"write one from {low} to {high}")
            return default
        self.notes.model(pair, became.format(int(value)))
        return int(value)

    def seconds(self, key: str, became: str, default: float, low: float = 0.0, high: float = LONGEST_S) -> float:
        """A time of a key [s]; what is none, or out of bounds, is refused and gives the default.

        became      what the time is here, with {} for it
        default, low, high   [s]
        """
        pair = self.get(key)
        if pair is None or nothing(pair.value):
            return default
        value = seconds_of(pair.value)
        if value is None or not low <= value <= high:
            self.notes.refuse(pair, "not a time that can be", f"{TIMES}, {low:.0f} s to {high:.0f} s")
            return default
        self.notes.model(pair, became.format(f"{value:.15g} s"))
        return value

    def flag(self, key: str, became: str, *, default: bool = False) -> bool:
        """Yes or no, in Slurm's words for them (YES, TRUE, UP, 1); another word is refused and gives the
        default.
        """
        pair = self.get(key)
        if pair is None:
            return default
        value = pair.value.lower()
        if value not in ("yes", "no", "true", "false", "up", "down", "1", "0"):
            self.notes.refuse(pair, "neither YES nor NO", "write one of them")
            return default
        says = value in ("yes", "true", "up", "1")
        self.notes.model(pair, f"{became}: {'yes' if says else 'no'}")
        return says

    def word(self, key: str, became: dict[str, tuple[T, str]], default: T, prefix: str = "") -> T:
        """One of several words; another is refused and gives the default.

        became   small word -> what it means, and what is noted
        prefix   what may stand before the word or be left away, such as `sched/`
        """
        pair = self.get(key)
        if pair is None or (nothing(pair.value) and "none" not in became):
            return default
        value = pair.value.lower().removeprefix(prefix)
        if value not in became:
            hint = did_you_mean(value, became)
            known = "known: " + ", ".join(prefix + word for word in became)
            hint = re.sub(r"'(\w+)'", rf"'{prefix}\1'", hint) if hint.startswith("did") else known
            self.notes.refuse(pair, "not a word that is known", hint)
            return default
        meaning, note = became[value]
        self.notes.model(pair, note)
        return meaning

    def left_over(self, ignored: Callable[[str], str], known: Collection[str] = ()) -> None:
        """Note the keys that nobody asked for: why they are ignored, or, where they look misspelt, what was meant.

        ignored   small key -> why it changes nothing; empty if it is unknown
        known     further keys to know misspellings by
        """
        names = {**self.proper, **{key.lower(): key for key in known}}
        unknown = 0
        for key, pair in self.stated.items():
            if key in self.consulted:
                continue
            why = ignored(key)
            unknown += not why
            looked_at = not why and unknown <= _MOST_UNKNOWN and len(key) < 40
            near = difflib.get_close_matches(key, list(names), n=1, cutoff=_NEAR) if looked_at else []
            if near:
                self.notes.refuse(pair, "unknown key", f"did you mean {names[near[0]]!r}?")
            else:
                self.notes.ignore(pair, why or "not a key that is known here")
