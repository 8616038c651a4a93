"""The one frame of all pages: head, style, contents, and the parts that pages are put together from.

`page_blocks` has the parts, `page_frame` fills the template with them, and `amounts` writes numbers so that a column has one
unit.  A page is one file that needs nothing else, light and dark, on a telephone and on paper.
"""

from terp.views.report.frame.page_blocks import Block, Cards, Fold, Heading, Page, Picture, Rows, Words
from terp.views.report.frame.page_frame import as_page, framed

__all__ = ["Block", "Cards", "Fold", "Heading", "Page", "Picture", "Rows", "Words", "as_page", "framed"]
