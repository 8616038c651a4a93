"""Prints how the house stands: sizes, names, types and docstrings by folder.  tests/house holds the limits.

python scripts/house_figures.py
"""

from __future__ import annotations

import ast
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

PACKAGE = Path(__file__).parents[1] / "src" / "terp"
VAGUE = ("found", "told", "one", "mine", "asked", "said")
"""Names that carry neither type nor meaning."""
FACES = ("__init__.py", "__main__.py")

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Source:
    """One module: its path below the package, its text and its tree."""

    name: str
    text: str
    tree: ast.Module

    @property
    def folder(self) -> str:
        """The first folder below the package, or the module itself."""
        return self.name.partition("/")[0]


def sources() -> list[Source]:
    """Every module of the package, in order of their names."""
    texts = {path: path.read_text("utf-8") for path in sorted(PACKAGE.rglob("*.py"))}
    return [Source(path.relative_to(PACKAGE).as_posix(), text, ast.parse(text)) for path, text in texts.items()]


def module_lines(source: Source) -> int:
    """Lines of a module, blank ones and comments too."""
    return len(source.text.splitlines())


def functions(tree: ast.AST, prefix: str = "") -> Iterator[tuple[str, Function]]:
    """Every function with its dotted name, those in classes and in functions too."""
    for node in ast.iter_child_nodes(tree):
        named = isinstance(node, Function | ast.ClassDef)
        if isinstance(node, Function):
            yield f"{prefix}{node.name}", node
        yield from functions(node, f"{prefix}{node.name}." if named else prefix)


def body_lines(node: Function) -> int:
    """Lines of a function without its docstring."""
    return node.end_lineno - node.lineno + 1 - docstring_lines(node)


def docstring_lines(node: ast.AST) -> int:
    """Lines of the docstring of a module, class or function."""
    body = node.body
    return body[0].end_lineno - body[0].lineno + 1 if body and is_text(body[0]) else 0


def is_text(node: ast.stmt) -> bool:
    """A string that stands alone: a docstring, of a name too."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def documented_and_code_lines(source: Source) -> tuple[int, int]:
    """Lines of docstrings, those below names among them, and lines of code: neither blank, nor comment, nor docstring."""
    texts: set[int] = set()
    for node in ast.walk(source.tree):
        if is_text(node):
            texts.update(range(node.lineno, node.end_lineno + 1))
    lines = source.text.splitlines()
    filled = {number for number, line in enumerate(lines, 1) if line.strip()}
    code = {number for number in filled - texts if not lines[number - 1].lstrip().startswith("#")}
    return len(texts & filled), len(code)


def entries(folder: Path) -> int:
    """What a folder holds beside its face: modules, folders of modules, and data."""
    kept = [path for path in folder.iterdir() if path.name not in (*FACES, "__pycache__", "py.typed")]
    return len({path.stem if path.is_file() else path.name for path in kept})


def folders() -> dict[str, int]:
    """Each folder of modules and how much it holds."""
    found = {path.parent for path in PACKAGE.rglob("*.py")}
    return {path.relative_to(PACKAGE).as_posix(): entries(path) for path in sorted(found)}


def public_classes(source: Source) -> list[str]:
    """Names of the classes of a module that others may use."""
    return [node.name for node in source.tree.body if isinstance(node, ast.ClassDef) and not node.name.startswith("_")]


def repeated_classes(modules: list[Source]) -> dict[str, list[str]]:
    """Public class names that stand in several modules, with the modules."""
    where = defaultdict(list)
    for source in modules:
        for name in public_classes(source):
            where[name].append(source.name)
    return {name: places for name, places in sorted(where.items()) if len(places) > 1}


def any_uses(source: Source) -> int:
    """How often a module says Any, where it imports it apart."""
    return sum(isinstance(node, ast.Name) and node.id == "Any" for node in ast.walk(source.tree))


def dicts_of_any(source: Source) -> int:
    """How often a module says dict[str, Any]."""
    return len(re.findall(r"dict\[str, Any\]", source.text))


def vague_parameters(source: Source) -> list[str]:
    """Parameters whose names carry no meaning, as function(parameter)."""
    return [
        f"{source.name}:{name}({each.arg})"
        for name, node in functions(source.tree)
        for each in parameters(node.args)
        if each.arg in VAGUE
    ]


def parameters(given: ast.arguments) -> list[ast.arg]:
    """All parameters of a function, those with stars too."""
    stars = [each for each in (given.vararg, given.kwarg) if each is not None]
    return [*given.posonlyargs, *given.args, *stars, *given.kwonlyargs]


def by_folder(count: Callable[[Source], int], modules: list[Source]) -> Counter[str]:
    """A count summed over each first folder."""
    total: Counter[str] = Counter()
    for source in modules:
        total[source.folder] += count(source)
    return total


def ratios(modules: list[Source]) -> dict[str, float]:
    """Docstring lines per code line of each first folder with code in it, and of all as `terp`."""
    texts, code = defaultdict(int), defaultdict(int)
    for source in modules:
        written, ran = documented_and_code_lines(source)
        for name in (source.folder, "terp"):
            texts[name] += written
            code[name] += ran
    return {name: texts[name] / code[name] for name in sorted(code) if code[name]}


def table(modules: list[Source]) -> list[str]:
    """The figures of each folder, and their sums, as lines of text."""
    counts = {
        "modules": by_folder(lambda _: 1, modules),
        "lines": by_folder(module_lines, modules),
        "Any": by_folder(any_uses, modules),
        "dict[str, Any]": by_folder(dicts_of_any, modules),
        "vague": by_folder(lambda source: len(vague_parameters(source)), modules),
        ">400 lines": by_folder(lambda source: module_lines(source) > 400, modules),
        ">50 lines": by_folder(lambda source: sum(body_lines(node) > 50 for _, node in functions(source.tree)), modules),
    }
    held = ratios(modules)
    lines = [f"{'':16}" + "".join(f"{name:>16}" for name in counts) + f"{'doc per code':>16}"]
    for folder in sorted({source.folder for source in modules}):
        cells = "".join(f"{counts[name][folder]:>16,}" for name in counts)
        lines.append(f"{folder:16}{cells}{held.get(folder, 0):>16.2f}")
    cells = "".join(f"{counts[name].total():>16,}" for name in counts)
    return [*lines, f"{'all':16}{cells}{held['terp']:>16.2f}"]


def main() -> None:
    """Prints the table, the names that repeat, and the folders that are full."""
    modules = sources()
    print("\n".join(table(modules)))
    longest = max(modules, key=module_lines)
    print(f"\nlongest module: {longest.name}, {module_lines(longest)} lines")
    for name, places in repeated_classes(modules).items():
        print(f"class {name}: {', '.join(places)}")
    for name, count in folders().items():
        if count > 12:
            print(f"folder {name}: {count} entries")


if __name__ == "__main__":
    main()
