"""Traces of jobs, in and out: `formats` is the door, with a reader a format, and `submit_order` makes the
`Trace`.

On the way jobs are `Rows` (`trace_rows`): a structured array of what the file says, which `repair` then settles
by rules that count what they did.
"""
