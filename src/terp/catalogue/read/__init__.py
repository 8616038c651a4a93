"""Reads parts, prices, lists, series and job statistics, each value with its source."""
