"""Everything that Terp makes, as a page that needs nothing else: light and dark, on a telephone and on paper.

`frame` is what all pages share; a folder each has the pages of a run, a machine, a sweep, a prediction, a validation and the
yearly report to the EU's database.  `formats` writes them as HTML, PDF, Markdown or CSV.
"""

from terp.views.report.run.run_page import as_html

__all__ = ["as_html"]
