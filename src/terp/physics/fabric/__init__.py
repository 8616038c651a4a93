"""What GPUs exchange, and how long it takes.

Which switches and cables there are, `terp.hardware` says; here they have become a few rates and sizes of groups.
"""
