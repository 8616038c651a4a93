"""WHAT CAME OUT, AND FROM WHAT?

Records of results with their origin; saved whole or not at all.
"""

from terp.results.run import Run, check_target, load_run, save_run, write_whole

__all__ = ["Run", "check_target", "load_run", "save_run", "write_whole"]
