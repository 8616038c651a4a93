"""Figures, as SVG without a script."""
