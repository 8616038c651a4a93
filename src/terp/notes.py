"""What a result says beside its numbers: what is not known to be true of it, and who its inputs come from.

Both are codes and data, made where they are known.  Sentences for people are made of them in `views`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

Scalar = str | int | float | bool | None
"""What a caveat's data holds: words and numbers, in SI."""


@dataclass(frozen=True)
class Caveat:
    """One thing that limits how far a result can be believed.

    code   short and stable, in small letters with dashes, such as "architecture-not-measured"
    data   the words and numbers that a sentence about it needs, by name; numbers in SI, their names end with the unit
    """

    code: str
    data: Mapping[str, Scalar] = field(default_factory=dict)

    def __hash__(self) -> int:
        return hash((self.code, tuple(sorted(self.data.items(), key=lambda item: item[0]))))


@dataclass(frozen=True, slots=True)
class SourceNote:
    """One citation that a result rests on.

    key     its short name in sources.yaml
    grade   how near to the maker the text is that was read, as in the catalogue
    dated   when it was published; empty where that is not known
    """

    key: str
    title: str
    publisher: str = ""
    dated: str = ""
    address: str = ""
    grade: str = ""
