"""Names of a package whose modules are loaded when one is first asked for, so that a small question starts fast.

A package's `__init__` says `__getattr__ = exported(__name__, {...})`, and imports the same names for type checkers alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module


def exported(package: str, modules: Mapping[str, tuple[str, ...]]) -> Callable[[str], object]:
    """The `__getattr__` of a package: loads the module that has a name, once, and keeps what it found.

    package   its full name;  modules   names by the module below the package that has them

    What it gives raises AttributeError for a name that no module has.
    """
    places = {name: module for module, names in modules.items() for name in names}
    kept: dict[str, object] = {}

    def get(name: str) -> object:
        if name not in places:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        if name not in kept:
            kept[name] = getattr(import_module(f"{package}.{places[name]}"), name)
        return kept[name]

    return get
