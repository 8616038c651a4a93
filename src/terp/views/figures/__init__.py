"""Figures: as SVG without a script for pages and papers, and with matplotlib for notebooks."""
