"""Prices that are not known, and how sure a choice is."""
