"""Kinds of numpy arrays, by what one element holds, and the way from a table's column to one.

Shapes stand in the docstring of what takes or gives one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pyarrow as pa

Floats: TypeAlias = NDArray[np.float64]
"""Quantities in the SI unit that ends the name."""
Ints: TypeAlias = NDArray[np.int64]
"""Whole numbers: counts, sizes, indices and whole seconds."""
Bools: TypeAlias = NDArray[np.bool_]
"""True where something holds: one element a row, to choose rows by."""


def numbers_of(column: pa.ChunkedArray) -> Floats | Ints:
    """The numbers of a table's column, shape (rows,), in its own width; read only.

    pyarrow's own `to_numpy` imports pandas, which takes 0.4 s of CPU.  Raises ValueError for a column with nulls or of
    something else than numbers.
    """
    whole = column.combine_chunks()
    width, values = whole.type.bit_width // 8, whole.buffers()[1]
    if whole.null_count or len(whole.buffers()) != 2 or not width:
        raise ValueError(f"a column of {whole.type} with {whole.null_count} nulls is not one of numbers alone")
    return np.frombuffer(values, whole.type.to_pandas_dtype(), count=len(whole), offset=whole.offset * width)
