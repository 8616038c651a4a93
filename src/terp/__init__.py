"""Terp: an AI supercomputer in software, from one description of the machine."""

__version__ = "0.1.0"
