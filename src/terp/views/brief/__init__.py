"""A plan as a decision paper: one HTML page that needs nothing else, in English and in Dutch."""

from terp.views.brief.brief_page import as_brief

__all__ = ["as_brief"]
