"""A plan as a decision paper: one HTML page that needs nothing else, in English and in Dutch.

`brief_page` fills the template, `paper_rows` makes its tables, `paper_figures` its drawings, and `marks` says which of
its numbers are assumed.  Words come from `messages`; the paper decides nothing and works nothing out of a machine.
"""

from terp.views.brief.brief_page import as_brief

__all__ = ["as_brief"]
