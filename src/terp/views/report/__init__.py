"""A run as one HTML page that needs nothing else: light and dark, readable on paper.

`as_html` fills the page from a run; `eu_report` fills the yearly report to the EU's database.
"""

from terp.views.report.run_page import as_html

__all__ = ["as_html"]
