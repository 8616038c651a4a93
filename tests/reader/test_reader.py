"""The reader: YAML core rules, hostile files, and every problem of a file at once."""

import textwrap

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from terp.describe import read_machine
from terp.errors import Problems
from terp.reader.tree import MAX_DEPTH, MAX_VALUES, parse_yaml

TWELVE_MISTAKES = {
    "node: {value: dgx-h100, source: gefion-press}": "node: {value: dgx-h1000, source: gefion-pres}",
    "kind: machine\nname: gefion": "kind: machine\nname: gefion\nname: gefjon",
    "scalable_units: {value: 6,": "scalable_unit: {value: 6,",
    "nodes_per_unit: {value: 32,": 'nodes_per_unit: {value: "32 nodes",',
    'nodes_per_rack: {value: 4, status: assumed, range: "1 .. 4",': "nodes_per_rack: {value: 4, status: assumed,",
    "topology: rail-optimised-fat-tree": "topology: rail-optimized-fat-tree",
    'node_cable: {value: "30 m",': 'node_cable: {value: "30 s",',
    "appliances: {value: 9,": "appliances: {value: -9,",
    'node_failures: {value: "0.0038 /day",': "node_failures: {value: 0.0038,",
    "quick: {value: 0.85, status: assumed": "quick: {value: 0.85, status: guessed",
    'slow_median: {value: "8 h", status: assumed, range: "2 .. 24 h"}': 'slow_median: {value: "8 hr", status: assumed, range: "2 .. 24 h"}',
}  # fmt: skip


def shipped(name):
    from terp.describe import shipped as module

    return (module._folder("machines") / f"{name}.yaml").read_text("utf-8")


def problems_of(tmp_path, text):
    path = tmp_path / "gefion.yaml"
    path.write_text(text, "utf-8")
    with pytest.raises(Problems) as error:
        read_machine(str(path))
    return [str(problem).removeprefix(str(path)) for problem in error.value.problems]


def test_twelve_mistakes_of_every_kind_give_twelve_lines_at_once(tmp_path):
    text = shipped("gefion")
    for right, broken in TWELVE_MISTAKES.items():
        assert text.count(right) == 1, right
        text = text.replace(right, broken)
    assert problems_of(tmp_path, text) == [
        ":4:1: name: this key stands twice; keep one; the first is on line 3",
        ":11:17: compute.node: no such part in the catalogue, found 'dgx-h1000'; did you mean 'dgx-h100'?",
        ":11:17: compute.node: unknown source, found 'gefion-pres'; did you mean 'gefion-press'?",
        ":12:3: compute.scalable_unit: unknown key, found 'scalable_unit'; did you mean 'scalable_units'?",
        ":13:27: compute.nodes_per_unit: not a whole number, found '32 nodes'; write it in digits and without quotes, such as 8",
        ":16:19: compute.nodes_per_rack: assumed without a range, found 4; add range: 'low .. high', so that plans can vary it",
        ":19:13: fabric.topology: not one of the known words, found 'rail-optimized-fat-tree'; "
        "did you mean 'rail-optimised-fat-tree'?",
        ":25:23: fabric.node_cable: s is a unit of time, and this is a length, found '30 s'; write it such as '50 m'",
        ":29:23: storage.appliances: out of range, found -9; at least 1 would do",
        ":45:26: reliability.node_failures: the unit is missing, found 0.0038; write it with its unit, such as '0.0029 /day'",
        ":47:32: reliability.quick.status: unknown status, found 'guessed'; known: published, measured, derived, fitted, assumed",
        ":50:24: reliability.slow_median: unknown unit 'hr', found '8 hr'; did you mean 'h'?",
    ]


def test_a_size_in_bits_is_refused_where_bytes_are_meant(catalogue):
    from pydantic import ValidationError

    from terp.catalogue import Accelerator

    data = {"title": "x", "architecture": "hopper", "memory": "80 Gb", "memory_rate": "3.35 TB/s", "board_power": "700 W", "sms": 132,
            "boost_clock": "1.98 GHz", "link_rate": "450 GB/s", "peak": {"bf16": "989 Tflop/s"}}  # fmt: skip
    with pytest.raises(ValidationError) as error:
        Accelerator.model_validate(data)
    context = error.value.errors()[0]["ctx"]
    assert context["wrong"] == "Gb counts bits, and this is a size in bytes"
    assert context["would_do"] == "did you mean 80 GB?"


def test_yaml_core_rules():
    tree = parse_yaml("country: NO\non: off\nversion: 1.10\noctal: 010\nnothing: null\nyes: true\ntext: '12'", "f")
    assert tree.data == {
        "country": "NO", "on": "off", "version": 1.1, "octal": 10, "nothing": None, "yes": True, "text": "12",
    }  # fmt: skip
    assert tree.values["country",] == (1, 10)
    assert tree.keys["on",] == (2, 1)


HOSTILE = {
    "deep": ("[" * 5000 + "]" * 5000, f"nested deeper than {MAX_DEPTH} levels"),
    "bomb": (
        "a: &a [x,x,x,x,x,x,x,x,x,x]\n"
        + "".join(f"{chr(98 + n)}: &{chr(98 + n)} [{','.join(['*' + chr(97 + n)] * 10)}]\n" for n in range(8)),
        f"more than {MAX_VALUES:,} values",
    ),
    "large": ("x: " + "y" * (5 * 2**20), "larger than 4 MiB"),
    "many": ("[" + "1," * 200_000 + "1]", f"more than {MAX_VALUES:,} values"),
    "tag": ("x: !!python/object/apply:os.system ['true']", "is not allowed"),
    "two": ("a: 1\n---\nb: 2\n", "a second document"),
    "self": ("a: &a [*a]", "unknown alias *a"),
    "key": ("? [a, b]\n: 1", "a key that is not plain text"),
    "tab": ("a:\n\t- 1", "not valid YAML"),
    "bytes": ("a: \x00", "not valid YAML"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_stop_at_one_line(name):
    text, says = HOSTILE[name]
    with pytest.raises(Problems) as error:
        parse_yaml(text, "hostile.yaml")
    assert len(error.value.problems) == 1
    assert says in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"\x80abc"])
def test_bytes_that_are_no_text(tmp_path, content):
    path = tmp_path / "binary.yaml"
    path.write_bytes(content)
    with pytest.raises(Problems, match="not UTF-8 text"):
        read_machine(str(path))


def test_a_folder_and_a_missing_file_are_one_line_each(tmp_path):
    for path in (tmp_path / "no.yaml", tmp_path):
        with pytest.raises(Problems, match="cannot be read"):
            read_machine(str(path))


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**12), 10**12) | st.text("abc xyz:-#'\"\n", max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text("abcdef", min_size=1, max_size=5), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(PLAIN)
def test_json_reads_back_as_itself(data):
    """JSON is YAML: what json writes in flow style, the reader gives back unchanged."""
    import json

    assert parse_yaml(json.dumps(data), "f").data == data


@settings(max_examples=300)
@given(st.text(max_size=200))
def test_no_text_breaks_the_reader(text):
    try:
        parse_yaml(text, "f")
    except Problems as error:
        assert error.problems


@given(st.data())
def test_any_broken_copy_of_gefion_gives_problems_with_places(tmp_path_factory, data):
    """Replace one line of the shipped file by something else: it reads, or every problem has a line."""
    lines = shipped("gefion").splitlines()
    at = data.draw(st.integers(0, len(lines) - 1))
    lines[at] = data.draw(st.sampled_from(["", "x: 1", "  y: [", "compute: 3", "  node: {value: 1}", "\tz", "- a"]))
    path = tmp_path_factory.mktemp("broken") / "gefion.yaml"
    path.write_text("\n".join(lines), "utf-8")
    try:
        read_machine(str(path))
    except Problems as error:
        assert all(problem.line > 0 for problem in error.problems)


def test_a_value_outside_its_own_range_is_a_problem(tmp_path):
    text = shipped("gefion").replace(
        'spread: {value: 0.12, status: derived, range: "0.05 .. 1.0"',
        'spread: {value: 1.8, status: derived, range: "0.05 .. 1.0"',
    )
    assert problems_of(tmp_path, text) == [
        ":45:48: reliability.spread.range: the value lies outside its range, found 0.05 .. 1.0; widen the range or correct the value"
    ]


def test_an_unknown_source_is_a_problem(tmp_path):
    text = shipped("gefion").replace("source: top500-2024-11", "source: top500-2024-12")
    line, *_ = problems_of(tmp_path, text)
    assert "unknown source, found 'top500-2024-12'; did you mean 'top500-2024-11'" in line


def test_indentation_is_kept_by_dedent():
    assert parse_yaml(textwrap.dedent("""
        a:
          - b: 1
    """), "f").data == {"a": [{"b": 1}]}  # fmt: skip


def test_errors_come_back_whole_from_another_process():
    import pickle

    from terp.errors import Problem, Problems, UnknownName

    for error in (Problems([Problem("a", 1, 2, "b", "wrong", "found", "would do")]), UnknownName("site", "x", ["xy"])):
        again = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own
        assert (type(again), str(again), vars(again)) == (type(error), str(error), vars(error))
