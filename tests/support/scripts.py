"""Scripts of `scripts/` as modules."""

import importlib.util
import sys
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]


@cache
def module_of(script):
    """A script by its name; read once."""
    spec = importlib.util.spec_from_file_location(script, ROOT / "scripts" / f"{script}.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[script] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module
