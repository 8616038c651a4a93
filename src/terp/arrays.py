"""Kinds of numpy arrays, by what one element holds.  Shapes stand in the docstring of what takes or gives one."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]
"""Quantities in the SI unit that ends the name."""
Ints: TypeAlias = NDArray[np.int64]
"""Whole numbers: counts, sizes, indices and whole seconds."""
Bools: TypeAlias = NDArray[np.bool_]
"""True where something holds: one element a row, to choose rows by."""
