"""The two ways in which kernels are compiled.

Without `_nrt=False` numba counts references to each array of a state at every call: four times slower.  So no kernel may
allocate.  And a call hands over every array of a state, which costs more than what is done with a few of them: whatever
is called for every job is `inlined`.  See docs/decisions/0001-core.md.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from numba import njit

Kernel = TypeVar("Kernel", bound=Callable[..., object])


def kernel(function: Kernel) -> Kernel:
    """A kernel that is called: compiled when first run, and kept in the folder that `compiled.py` names.

    The function may take numbers, arrays and named tuples of these; it may not allocate, nor call itself.
    """
    compiled: Kernel = njit(cache=True, _nrt=False)(function)  # type: ignore[call-overload]
    return compiled


def inlined(function: Kernel) -> Kernel:
    """A kernel that is copied to where it is called.

    For small functions that run for every job: large ones inlined in many places make compilation slow.
    """
    compiled: Kernel = njit(cache=True, _nrt=False, forceinline=True)(function)  # type: ignore[call-overload]
    return compiled
