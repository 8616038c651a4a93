"""HOW DO PEOPLE SEE IT?

The command line and the report.  The only place that prints; nothing here decides or computes results.
"""
