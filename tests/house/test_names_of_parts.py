"""No part, switch or node is named in Python: what exists is data, and code asks the catalogue."""

import ast
from pathlib import Path

import terp
from terp.catalogue import read_catalogue

PACKAGE = Path(terp.__file__).parent
OTHER_MEANING = {
    ("connect/slurm/accounts.py", "grace"),  # the time that a preempted job is given
}
"""Literals that are a part's name by chance."""


def literals(tree):
    """Texts of a module, docstrings and texts that stand alone left out: (line, text)."""
    alone = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in alone:
            yield node.lineno, node.value


def named(text, names):
    """Names of parts in a text: the text itself, or a word of it that could be nothing else."""
    words = {word.strip(".,;:()[]|'\"") for word in text.split()}
    return {name for name in names if name == text or (name in words and any(sign.isdigit() for sign in name))}


def names_of_parts():
    return {name for parts in read_catalogue().parts.values() for name in parts}


def test_no_part_is_named_in_the_package():
    names, wrong = names_of_parts(), []
    for path in sorted(PACKAGE.rglob("*.py")):
        place = path.relative_to(PACKAGE).as_posix()
        for line, text in literals(ast.parse(path.read_text("utf-8"))):
            wrong += [f"{place}:{line} {name}" for name in named(text, names) if (place, name) not in OTHER_MEANING]
    assert wrong == []


def test_a_name_is_seen():
    """The test above can fail: in a literal and in an f-string, not in a docstring."""
    tree = ast.parse('"""Of dgx-h100."""\nNODE = "dgx-h100"\nprint(f"see {1} b200-sxm-180gb, beside")\n')
    seen = [(line, name) for line, text in literals(tree) for name in named(text, names_of_parts())]
    assert seen == [(2, "dgx-h100"), (3, "b200-sxm-180gb")]
