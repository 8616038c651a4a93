"""Which numbers are assumed, and the mark that says so wherever one stands in a table.

An assumption that is read once in an annex is forgotten by the table that rests on it; so the mark goes with the number.
"""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from terp.plan import Assumption
from terp.views.messages import Language


class Marks:
    """The mark of what is assumed: a dagger with a title, as HTML that the template takes as it is.

    assumptions   of the plan, of which those of status "assumed" count;  language   of the title
    """

    def __init__(self, assumptions: Sequence[Assumption], language: Language) -> None:
        self._assumed = {row.name for row in assumptions if row.status == "assumed"}
        self._mark = Markup('<sup class="assumed" title="{}">†</sup>').format(language.text("mark_title"))

    def mark(self, status: str | None) -> Markup:
        """The mark if a status is "assumed", else nothing."""
        return self._mark if status == "assumed" else Markup("")

    def of_input(self, *names: str) -> Markup:
        """The mark if one of the inputs of these names, or of these last parts of a name, is assumed; else nothing.

        names   paths such as "prices.staff", or their ends, such as "electricity" for that of any place
        """
        ends = tuple(f".{name}" for name in names)
        assumed = any(name in names or name.endswith(ends) for name in self._assumed)
        return self._mark if assumed else Markup("")
