"""Traces of jobs in their formats, in and out."""
