"""The text of a config.json -> its keys and values, each looked up by name; hostile files stop at a limit.

JSON's parser gives no places, so problems name the path of a key and no line.  A value that is not of the kind
asked for is noted and read as if it were not there, so that one reading tells of all of them.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Final

from terp.errors import Problem, Problems

MAX_DEPTH: Final = 24
"""Objects and lists within one another, at most; Python's own reader of JSON would overrun its stack."""
MOST: Final = 10**15
"""No size of a model is as large; products of two are still numbers that print."""
SHOWN: Final = 60
"""Characters of a key or value that a problem shows."""


@dataclass
class Config:
    """An object of a config.json that is being read.

    file       its name, for problems
    data       keys and values as they stand there
    inside     path of the object in the file, with a dot behind it; empty for the file's own
    problems   what is wrong so far; one list for the whole file
    keys       place in the model's record -> JSON key that it came from, to name in problems
    left_out   parts of the model that its record does not hold;  by_default   keys that were silent, with what holds then
    """

    file: str
    data: dict[str, object]
    inside: str = ""
    problems: list[Problem] = field(default_factory=list)
    keys: dict[str, str] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)
    by_default: list[str] = field(default_factory=list)

    def wrong(self, key: str, what: str, written: str = "", would_do: str = "") -> None:
        """Note a problem with a key.

        what       what is wrong, as part of a sentence
        written    the value as `found_text` shows it
        would_do   what to write in its place
        """
        self.problems.append(Problem(self.file, 0, 0, shown(self.inside + key), what, written, would_do))

    def count(self, place: str, *keys: str) -> int | None:
        """A whole number that must be there, under the first of these keys that is; None if it is not, and
        noted.

        place   of the number in the model's record, such as "experts.active"
        """
        value = self.maybe(place, *keys)
        if value is None and all(self.data.get(key) is None for key in keys):
            self.wrong(keys[0], "missing", would_do="a config of this type has it")
        return value

    def maybe(self, place: str, *keys: str, default: int | None = None) -> int | None:
        """A whole number for a place in the record, or the default where the keys are not there or null.

        A number that is no whole one, or beyond `MOST`, is noted and gives None and not the default.
        """
        for key in keys:
            value = self.data.get(key)
            if value is None:
                continue
            self.keys[place] = self.inside + key
            if not isinstance(value, int) or isinstance(value, bool):
                self.wrong(key, "not a whole number", found_text(value), "write it in digits, such as 8")
            elif abs(value) > MOST:
                self.wrong(key, "out of range", found_text(value), f"at most {MOST} would do")
            else:
                return value
            return None
        return default

    def flag(self, key: str, *, default: bool) -> bool:
        """True or false under a key; the default where it is not there, null, or neither, which is noted."""
        value = self.data.get(key)
        if value is None or isinstance(value, bool):
            return default if value is None else value
        self.wrong(key, "neither true nor false", found_text(value))
        return default

    def words(self, key: str) -> list[object] | None:
        """A list under a key; None where it is not there or empty.

        What stands in it is not looked at: layers are named by words or by numbers, as the family has them.
        """
        value = self.data.get(key)
        if value is not None and not isinstance(value, list):
            self.wrong(key, "not a list", found_text(value))
            return None
        return value or None

    def text(self, key: str) -> str:
        """A text under a key; empty where it is not there."""
        value = self.data.get(key)
        if value is not None and not isinstance(value, str):
            self.wrong(key, "not a text", found_text(value))
            return ""
        return value or ""

    @property
    def architecture(self) -> str:
        """The class that a config was saved from, such as "BertForMaskedLM"; empty where it does not say.

        It says which head a model has: of words, of classes, of spans, or none but what pools.
        """
        classes = self.words("architectures") or []
        return classes[0] if classes and isinstance(classes[0], str) else ""

    def below(self, key: str) -> Config:
        """The object under a key, empty where it is not there; it shares problems and keys with this one.

        What is there and is no object is noted, and taken for an empty one.
        """
        value = self.data.get(key)
        if value is not None and not isinstance(value, dict):
            self.wrong(key, "not an object of keys and values", found_text(value))
        inner = value if isinstance(value, dict) else {}
        return Config(self.file, inner, f"{self.inside}{key}.", self.problems, self.keys, self.left_out, self.by_default)


def parse_config(text: str, file: str) -> Config:
    """The object that a JSON text is.

    text   JSON as RFC 8259 has it, with the Infinity and NaN that Python writes besides, such as in Nemotron-H's limits of
           a step; a size that is one of them is refused by its key, as any number that is not whole
    file   its name, for problems

    Raises Problems if it is no object or nested too deep; keys that stand twice are noted in the config, the
    first kept.
    """
    problems: list[Problem] = []

    def once(pairs: list[tuple[str, object]]) -> dict[str, object]:
        data: dict[str, object] = {}
        for key, value in pairs:
            if key in data:
                problems.append(Problem(file, 0, 0, shown(key), "this key stands twice", would_do="keep one"))
            data.setdefault(key, value)
        return data

    _check_depth(text, file)
    try:
        data = json.loads(text, object_pairs_hook=once)
    except json.JSONDecodeError as error:
        raise Problems([Problem(file, error.lineno, error.colno, "", f"not valid JSON: {error.msg}")]) from None
    except ValueError as error:  # a number of thousands of digits
        raise Problems([Problem(file, 0, 0, "", f"not valid JSON: {str(error).partition(';')[0]}")]) from None
    if not isinstance(data, dict):
        problem = Problem(file, 1, 1, "", "not an object of keys and values", found_text(data), "name a config.json")
        raise Problems([problem])
    return Config(file, data, problems=problems)


def _check_depth(text: str, file: str) -> None:
    """Raise Problems where brackets outside of texts are nested too deep.

    text   the JSON before it is parsed, since the parser itself recurses;  file   its name, for the problem
    """
    depth, quoted, skip = 0, False, False
    for place, letter in enumerate(text):
        if skip:
            skip = False
        elif quoted:
            quoted, skip = letter != '"', letter == "\\"
        elif letter == '"':
            quoted = True
        elif letter in "[{":
            depth += 1
            if depth > MAX_DEPTH:
                line, column = text.count("\n", 0, place) + 1, place - text.rfind("\n", 0, place)
                wrong = f"nested deeper than {MAX_DEPTH} levels"
                raise Problems([Problem(file, line, column, "", wrong, would_do="name a config.json of a model")])
        elif letter in "]}":
            depth -= 1


def shown(text: str) -> str:
    """A text that fits a line and does nothing to a terminal: at most `SHOWN` letters, control characters
    escaped.
    """
    plain = text if text.isprintable() else repr(text)
    return plain if len(plain) <= SHOWN else plain[: SHOWN - 3] + "..."


def found_text(value: object) -> str:
    """A value as problems show it: JSON's own text, and a word for what is large."""
    return "an object" if isinstance(value, dict) else "a list" if isinstance(value, list) else shown(json.dumps(value))
