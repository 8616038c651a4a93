"""Our docstrings as Markdown, for the pages of functions: lines of names with what they are become a list.

tokens   of the whole run; at least one      ->      - `tokens`: of the whole run; at least one
"""

from __future__ import annotations

import re

import griffe

NAMED = re.compile(r"^(\s*)((?:\w+, )*\w+)(?: {2,}| - )(\S.*)$")


def as_markdown(text: str) -> str:
    """A docstring with its aligned lines as lists, and indented lines of code as they are."""
    lines: list[str] = []
    for line in text.splitlines():
        named = NAMED.match(line)
        if named and named[1] in ("", "  "):
            if lines and lines[-1] and not lines[-1].startswith(("- ", "  ")):
                lines.append("")
            names = ", ".join(f"`{name}`" for name in named[2].split(", "))
            lines.append(f"- {names}: {named[3]}")
        else:
            lines.append(line)
    return "\n".join(lines)


class Docstrings(griffe.Extension):
    """Rewrites each docstring when it is read."""

    def on_instance(self, *, obj: griffe.Object, **_: object) -> None:
        """Called for every module, class, function and attribute."""
        if obj.docstring:
            obj.docstring.value = as_markdown(obj.docstring.value)
