"""Constants are data: sourced, in their ranges, cheap to read; and none is left in the models' code."""

import ast
import time
from pathlib import Path

import pytest

from terp.catalogue import constant_notes, constants, constants_digest, constants_used, read_catalogue, with_constants
from terp.catalogue.read import constants as module
from terp.catalogue.read.constants import FILES, RESTS_ON, wrong_ranges
from terp.catalogue.read.constants_fields import NotPlain, plain_values
from terp.catalogue.read.own_folder import texts_of
from terp.catalogue.read.whole import unknown_sources
from terp.physics.fabric.collectives import CollectiveConstants
from terp.reader import dotted

ROOT = Path(__file__).parents[2]
PHYSICS = ROOT / "src" / "terp" / "physics"
PLAIN = {
    "BLOCK": "rows of a block of HPL, whole numbers of which runs take",
    "PLACES": "of a TOP500 list",
    "BELOW": "rank of what is below it",
    "BANDS": "ranks that are taken together",
    "CONFIDENCE": "of an interval",
    "_APART_YEARS": "editions that are too near to tell a yearly rate",
    "_SAME_YEARS": "years are written with three digits",
    "_SAME_LOG": "rounding",
    "_LEAST_FIT": "editions that make a trend",
    "_LEAST_TRIED": "editions that try one",
    "BINARY_GB": "a unit",
    "TB": "a unit",
    "KELVIN": "a unit",
    "VAPOUR_J_PER_KG": "a property of water",
    "TILES": "sizes that are tried",
    "SPLITS": "sizes that are tried",
    "STEP": "a tile's depth",
    "DEPTH_STEP": "a tile's depth",
    "NORM_PASSES": "of an algorithm",
    "RECOMPUTES": "choices of a search",
    "TENSOR": "choices of a search",
    "CONTEXT": "choices of a search",
    "EXPERT": "choices of a search",
    "MICRO_BATCHES": "choices of a search",
    "MOST_INTERLEAVE": "bound of a search",
    "LEAST_CHUNK": "bound of a search",
    "CHUNK": "of work at once",
    "FORWARD": "names of phases",
    "BACKWARD": "names of phases",
    "HEAD": "names of phases",
    "_HIGH": "tiles, as arrays",
    "_WIDE": "tiles, as arrays",
    "_SPLIT": "tiles, as arrays",
    "STEP_S": "resolution of a trace",
    "SHARES": "percentiles that are shown",
    "RECOMPUTE": "by definition",
    "_ADDED": "bytes of a sum in 32 bits",
}
"""Module-level numbers that are no constants of a model, and why."""


def text_of(name):
    """A file of constants as it ships."""
    return texts_of(f"physics/{name}.yaml")[0]


def numbers_in(node):
    """Number literals of an expression, but for 0 and 1."""
    inside = (part.value for part in ast.walk(node) if isinstance(part, ast.Constant))
    return [value for value in inside if type(value) in (int, float) and value not in (0, 1)]


def test_no_fitted_number_stands_in_the_code_of_the_models():
    wrong = []
    for path in sorted(PHYSICS.rglob("*.py")):
        for node in ast.parse(path.read_text("utf-8")).body:
            targets = [node.target] if isinstance(node, ast.AnnAssign) else getattr(node, "targets", [])
            value = getattr(node, "value", None)
            if targets and value is not None and numbers_in(value):
                names = [part.id for target in targets for part in ast.walk(target) if isinstance(part, ast.Name)]
                wrong += [f"{path.name}:{node.lineno} {name}" for name in names if name not in PLAIN]
    assert wrong == []


@pytest.mark.parametrize("name", FILES)
def test_values_are_sourced_and_lie_in_their_ranges(name):
    sourced = module._file(name, "")
    assert unknown_sources(sourced, read_catalogue().sources) == []
    assert wrong_ranges(sourced) == []
    for note in constant_notes(name):
        assert note.range_text or note.status != "assumed", note.path
        assert not note.fitted_by or (ROOT / note.fitted_by).exists(), note.path


@pytest.mark.parametrize("name", FILES)
def test_every_number_says_who_says_it(name):
    sourced = module._file(name, "")
    bare = [
        dotted(path)
        for path, value in module._leaves(sourced.data)
        if (
            (isinstance(value, int | float) and not isinstance(value, bool))
            or (isinstance(value, str) and value[:1].isdecimal())
        )
        and not any(path[:length] in sourced.provenance for length in range(len(path) + 1))
    ]
    assert bare == []


def test_the_page_of_constants_is_current():
    import runpy

    script = runpy.run_path(str(ROOT / "scripts" / "constants_page.py"))
    assert script["PAGE"].read_text("utf-8") == script["page"](), "run scripts/constants_page.py"


def test_the_constants_of_a_model_are_told_with_their_sources():
    notes = {note.path: note for note in constants_used("hpl", ["cdna3"])}
    assert notes["benchmarks.hpl.staging"].status == "assumed"
    assert notes["benchmarks.hpl.staging"].range_text == "0.15 .. 0.55"
    assert notes["architectures.architectures.cdna3.fp64_energy"].fitted_by == "scripts/fit_hpl.py"
    assert not any("hopper" in path for path in notes)
    for model in RESTS_ON:
        assert constants_used(model), model


def test_changed_constants_change_the_digest_inside_the_with_alone():
    import dataclasses

    before = constants_digest()
    with with_constants(dataclasses.replace(constants(CollectiveConstants), hop_s=1e-5)):
        assert constants_digest() != before
    assert constants_digest() == before


def test_all_files_are_read_in_little_time():
    """CPU time, the least of some, and a bound of several times what was measured, that a loaded machine holds too."""
    texts = {name: text_of(name) for name in FILES}
    took = []
    for _ in range(5):
        start = time.process_time()
        for text in texts.values():
            plain_values(text)
        took.append(time.process_time() - start)
    assert min(took) < 0.1


@pytest.mark.parametrize("name", FILES)
def test_the_fast_reader_and_the_one_with_places_read_the_same(name):
    assert plain_values(text_of(name)) == module._file(name, "").data


@pytest.mark.parametrize("text", ["a: 1\na: 2\n", "a: [1\n", "a: {b: 1\n", "", "? [a]\n: 1\n"])
def test_the_fast_reader_leaves_what_is_odd_to_the_other(text):
    with pytest.raises(NotPlain):
        plain_values(text)
