"""A folder that holds the answer to another question is left as it is, unless one says --force; the same is written over."""

import dataclasses
import json

import pytest
from click.testing import CliRunner
from support.small_plans import SMALL

import terp
from terp.errors import Problems
from terp.files import FolderKind, check_target, write_folder
from terp.files.same_question import differences_of, named_differences

SWF = "; UnixStartTime: 0\n" + "".join(
    f"{number} {10 * number} -1 100 8 -1 -1 8 200 -1 1 1 1 -1 -1 -1 -1 -1\n" for number in (1, 2, 3)
)


def run(*words):
    """A verb in this process; its exit code and the one line of what is wrong, if anything is."""
    from terp.views.cli.main import cli

    asked = CliRunner().invoke(cli, [str(word) for word in words])
    return (2, str(asked.exception)) if isinstance(asked.exception, Problems) else (asked.exit_code, "")


def content(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize(
    ("kept", "asked", "words"),
    [
        ({"seed": 3}, {"seed": 3}, []),
        ({"seed": 3}, {"seed": 3.0}, []),
        ({"seed": 3, "gpu_cap_w": 600.0}, {"seed": 1, "gpu_cap_w": None}, ["seed 3", "gpu cap 600 W"]),
        ({"gpu_cap_w": None, "failures": False}, {"gpu_cap_w": 1.0, "failures": True}, ["no gpu cap", "no failures"]),
        ({"failures": True, "response": [17, 20]}, {"failures": False, "response": [1, 2]}, ["failures", "response 17-20"]),
        ({"machine_digest": "a", "spare_nodes_count": 2}, {"machine_digest": "b", "spare_nodes_count": 0},
         ["another machine", "spare nodes 2"]),
        ({"seed": [1, 2, 3, 4]}, {"seed": [1, 2, 3]}, ["other values of seed"]),
        ({"format": "", "policy": "easy"}, {"format": "swf gpu", "policy": "fifo"}, ["no format", "policy easy"]),
        ({"of_old": 1}, {"new": 2}, []),
    ],
)  # fmt: skip
def test_differences_are_said_in_words_of_what_is_kept(kept, asked, words):
    assert differences_of(kept, asked) == words


def test_a_line_names_the_first_and_counts_the_others():
    assert named_differences(list("abcd")) == "a, b, c, d"
    assert named_differences(list("abcdef")) == "a, b, c, d and 2 more"


def test_a_folder_of_a_kind_without_questions_is_written_over(tmp_path):
    kind = FolderKind("thing", "mark", frozenset({"mark"}))
    for text in ("1", "2"):
        write_folder(tmp_path / "x", lambda draft, text=text: (draft / "mark").write_text(text), kind, {"seed": text})
    assert (tmp_path / "x" / "mark").read_text() == "2"
    asking = FolderKind(
        "thing", "mark", frozenset({"mark"}), question=lambda folder: {"seed": (folder / "mark").read_text()}
    )
    with pytest.raises(Problems, match=r"holds a thing of another question \(seed 2\); name a new folder with -o, or repl"):
        check_target(tmp_path / "x", asking, {"seed": "3"})
    check_target(tmp_path / "x", asking, {"seed": "2"})
    check_target(tmp_path / "x", asking)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--days", "2"), "days 1"),
        (("--seed", "4"), "seed 3"),
        (("--gpu-cap", "600 W"), "no gpu cap"),
        (("--no-failures",), "failures"),
        (("--load", "0.5"), "another workload"),
        (("--policy", "fifo"), "policy easy"),
        (("--site", "groningen-warm"), "another site"),
    ],
)
def test_a_year_of_another_question_is_kept(words, says, tmp_path):
    base = ("simulate", "gefion", "--days", "1", "--seed", "3", "-o", tmp_path / "run")
    (tmp_path / "run").mkdir()
    assert run(*base)[0] == 0
    before = content(tmp_path / "run")
    code, line = run(*base, *words)
    assert code == 2
    assert line.startswith(f"{tmp_path / 'run'}: holds a run of another question (")
    assert says in line
    assert line.endswith("; name a new folder with -o, or replace it with --force")
    assert content(tmp_path / "run") == before


def test_the_same_year_is_written_over_and_another_with_force(tmp_path):
    base = ("simulate", "gefion", "--days", "1", "-o", tmp_path / "run")
    for more in ((), (), ("--seed", "2", "--force"), ("--seed", "2")):
        assert run(*base, *more) == (0, "")
    assert terp.load(tmp_path / "run").summary.seed == 2
    made = terp.simulate.year("gefion", days=1)
    with pytest.raises(Problems, match=r"another question \(seed 2\)"):
        made.save(tmp_path / "run")
    made.save(tmp_path / "run", force=True)
    made.save(tmp_path / "run")
    (tmp_path / "run" / "run.json").write_text("{}")  # nobody can tell what it was
    made.save(tmp_path / "run")
    assert terp.load(tmp_path / "run") == made


def test_another_replay_is_kept(tmp_path):
    (tmp_path / "a.swf").write_text(SWF)
    (tmp_path / "b.swf").write_text(SWF.replace(" 100 8 ", " 110 8 "))
    base = ("simulate", "gefion", "--unit", "gpu", "-o", tmp_path / "out", "--trace")
    assert run(*base, tmp_path / "a.swf", "--no-failures") == (0, "")
    assert run(*base, tmp_path / "a.swf", "--no-failures", "--seed", "7") == (0, ""), "where nothing fails no seed counts"
    before = content(tmp_path / "out")
    for words, says in (
        ((tmp_path / "b.swf", "--no-failures"), "another trace"),
        ((tmp_path / "a.swf",), "no failures"),
        ((tmp_path / "a.swf", "--no-failures", "--policy", "fifo"), "policy easy"),
    ):
        code, line = run(*base, *words)
        assert (code, says in line) == (2, True), line
        assert content(tmp_path / "out") == before
    assert run(*base, tmp_path / "b.swf", "--no-failures", "--force") == (0, "")
    kept = terp.load(tmp_path / "out")
    with pytest.raises(Problems, match="another trace"):
        terp.simulate.replay(tmp_path / "a.swf", "gefion", unit="gpu", failures=False).save(tmp_path / "out")
    kept.save(tmp_path / "out")
    document = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert document.pop("asked")["failures"] is False
    (tmp_path / "out" / "summary.json").write_text(json.dumps(document))  # as earlier releases wrote it
    terp.load(tmp_path / "out").save(tmp_path / "out")


def test_another_plan_is_kept(tmp_path):
    (tmp_path / "small.yaml").write_text(SMALL)
    (tmp_path / "more.yaml").write_text(SMALL.replace('"30 MEUR"', '"31 MEUR"'))
    base = ("--scenarios", "50", "--no-simulation", "-o", tmp_path / "out")
    assert run("plan", tmp_path / "small.yaml", *base) == (0, "")
    assert run("plan", tmp_path / "small.yaml", *base) == (0, "")
    before = content(tmp_path / "out")
    for budget, words, says in (
        ("more", (), "another budget or prices"),
        ("small", ("--seed", "2"), "seed 1"),
        ("small", ("--objective", "cost"), "objective science"),
        ("small", ("--sites", "groningen"), "sites Groningen-Copenhagen"),
        ("small", ("--scenarios", "60"), "scenarios 50"),
    ):
        code, line = run("plan", tmp_path / f"{budget}.yaml", *base, *words)
        assert (code, says in line) == (2, True), line
        assert content(tmp_path / "out") == before
    assert run("plan", tmp_path / "small.yaml", *base, "--seed", "2", "--force") == (0, "")
    kept = terp.load(tmp_path / "out")
    assert kept.searched.seed == 2
    kept.save(tmp_path / "out")
    other = dataclasses.replace(kept, searched=dataclasses.replace(kept.searched, seed=3))
    with pytest.raises(Problems, match=r"holds a plan of another question \(seed 2\)"):
        other.save(tmp_path / "out")
    other.save(tmp_path / "out", force=True)


def test_another_sweep_is_kept_from_python(tmp_path):
    one = terp.sweep.run("gefion", over={"seed": [1]}, days=1, workers=1, out=tmp_path / "swept")
    two = dataclasses.replace(one, document={**one.document, "axes": {"seed": [1, 2]}})
    one.save(tmp_path / "out")
    one.save(tmp_path / "out")
    with pytest.raises(Problems, match=r"holds a sweep of another question \(seed 1\)"):
        two.save(tmp_path / "out")
    two.save(tmp_path / "out", force=True)
    assert terp.load(tmp_path / "out").document["axes"] == {"seed": [1, 2]}
