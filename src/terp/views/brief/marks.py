"""Which numbers are assumed, and the mark that says so wherever one stands in a table."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from terp.plan import Assumption
from terp.views.messages import Language


class Marks:
    """The mark of what is assumed."""

    def __init__(self, assumptions: Sequence[Assumption], language: Language) -> None:
        self._assumed = {row.name for row in assumptions if row.status == "assumed"}
        self._mark = Markup('<sup class="assumed" title="{}">†</sup>').format(language.text("mark_title"))

    def mark(self, status: str | None) -> Markup:
        """The mark if a status is "assumed", else nothing."""
        return self._mark if status == "assumed" else Markup("")

    def of_input(self, *names: str) -> Markup:
        """The mark if one of the inputs of these names, or of these last parts of a name, is assumed."""
        ends = tuple(f".{name}" for name in names)
        assumed = any(name in names or name.endswith(ends) for name in self._assumed)
        return self._mark if assumed else Markup("")
