"""Reads parts, prices, lists, series and job statistics, each value with its source.

Every module reads one kind of file.  All report what is wrong with a file together, by line, in one `Problems`.
"""
