"""A run as one HTML page that needs nothing else: light and dark, readable on paper."""

from terp.views.report.run_page import as_html

__all__ = ["as_html"]
