"""Nothing of an input reaches a terminal, a page or a picture raw: every printing path with titles and cells that would."""

import io
import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import commands
from support.small_plans import SMALL

from terp.errors import Interrupted, Problem, Problems, UnknownName, printable
from terp.reader import one_line
from terp.views import printing

ROOT = Path(__file__).parents[2]
EVIL = "\x1b[2J\x1b]0;pwned\x07\x9b31m\u202etxt\u2066\u200f\u061c\u2028\x85\x00\x7f\ufeff"
"""Clears the screen, names the window, colours, turns the order of letters, ends lines."""
WRITTEN = r"\e[2J\e]0;pwned\a\x9b31m\u202etxt\u2066\u200f\u061c\u2028\x85\x7f\nFORGED: all is well"
"""The same as YAML and JSON between quotes can say it, with a line of its own."""


def clean(text):
    """Nothing in it but text and our own ends of lines, and no line that an input began."""
    assert printable(text, keep="\n") == text
    assert "<html" in text or not re.search(r"^FORGED", text, re.MULTILINE)  # lines of HTML are none that anybody sees


def run(*words, cwd=None):
    done = commands.run(*words, cwd=cwd, text=False)
    out, err = done.stdout.decode("utf-8"), done.stderr.decode("utf-8")
    assert "Traceback" not in err
    clean(out)
    clean(err)
    return done.returncode, out, err


def evil(kind, name, folder, text=""):
    """A file that ships, or such a text, with every title, note and edition name in it made evil."""
    text = text or (ROOT / kind / f"{name}.yaml").read_text("utf-8")
    text = re.sub(r"(title|note): (\"[^\"\n]*\"|[^\n{}#,]+)", lambda found: f'{found[1]}: "{WRITTEN}"', text)
    path = folder / f"{name}-evil.yaml"
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    "words",
    [
        ("show",),
        ("show", "--json"),
        ("show", "--bom"),
        ("show", "--nodes"),
        ("predict", "hpl"),
        ("predict", "hpcg"),
        ("predict", "hpl", "--json"),
    ],
    ids=" ".join,
)
def test_a_machine(words, tmp_path):
    machine = evil("machines", "gefion", tmp_path)
    code, out, _ = run(words[0], machine, *words[1:])
    assert code == 0
    assert "--json" in words or "--bom" in words or "--nodes" in words or r"\x1b[2J" in out


def test_two_machines_and_a_training(tmp_path):
    machine, model = evil("machines", "gefion", tmp_path), evil("models", "llama-3.1-8b", tmp_path)
    assert run("show", machine, "gefion")[0] == 0
    train = ("predict", machine, "train", "--model", model, "--seq", "4096", "--global-batch", "64", "--gpus", "64")
    assert run(*train, "--tokens", "1e9")[0] == 0
    assert run(*train, "--json")[0] == 0


@pytest.mark.slow
def test_a_year_its_report_and_a_sweep(tmp_path):
    machine, site = evil("machines", "gefion", tmp_path), evil("sites", "copenhagen", tmp_path)
    workload, policy = evil("workloads", "national", tmp_path), evil("policies", "easy", tmp_path)
    scenario = ("--site", site, "--workload", workload, "--policy", policy, "--days", "1")
    assert run("simulate", machine, *scenario, "-o", "run", cwd=tmp_path)[0] == 0
    assert run("simulate", machine, *scenario, "--check-workload", cwd=tmp_path)[0] in (0, 1)
    assert run("report", "run", cwd=tmp_path)[0] == 0
    clean((tmp_path / "run" / "report.html").read_text("utf-8"))
    assert run("report", "run", "--eu", "--json", cwd=tmp_path)[0] == 0
    assert run("sweep", machine, *scenario, "--over", "seed=1,2", "--workers", "1", "-o", "sweep", cwd=tmp_path)[0] == 0
    assert run("compare", "run", "sweep", cwd=tmp_path)[0] in (0, 1, 2)


@pytest.mark.slow
def test_a_plan_and_its_paper(tmp_path):
    budget = evil("budgets", "small", tmp_path, SMALL)
    assert run("plan", budget, "--no-simulation", "--scenarios", "50", "-o", "plan", cwd=tmp_path)[0] == 0
    clean((tmp_path / "plan" / "brief.html").read_text("utf-8"))
    assert run("show", "plan/best.yaml", cwd=tmp_path)[0] == 0


@pytest.mark.parametrize("model", ["hpl", "training", "fleets", "collectives"])
def test_cells_of_a_table(model, tmp_path):
    """Its name and every other text of the first rows, in quotes, with a line break."""
    folder = {"hpl": "top500"}.get(model, model)
    head, *rows = (ROOT / "validation" / folder / "table.csv").read_text("utf-8").splitlines()[:4]
    cell = "".join(letter for letter in EVIL if letter != "\x00") + "\nFORGED"
    (tmp_path / "t.csv").write_text(
        "\n".join([head, *(f'"{cell}"{row[row.index(",") :]}' for row in rows if row[0] != '"'), ""])
    )
    run("validate", model, "--cases", tmp_path / "t.csv")
    (tmp_path / "h.csv").write_text(f'"{cell}",{head}\n' + "\n".join(rows) + "\n")
    run("validate", model, "--cases", tmp_path / "h.csv")


def test_keys_values_and_names(tmp_path):
    for kind, verb in {"machine": ("show",), "site": ("simulate", "gefion", "--site"), "budget": ("plan",)}.items():
        (tmp_path / "x.yaml").write_text(f'kind: {kind}\n"{WRITTEN}": 1\ntitle: {{"{WRITTEN}": 2}}\nname: "{WRITTEN}"\n')
        code, _, err = run(*verb, tmp_path / "x.yaml")
        assert (code, r"\x1b[2J" in err) == (2, True)


@pytest.mark.parametrize(
    "words",
    [
        ("show", "{}"),
        ("{}",),
        ("simulate", "gefion", "--days", "{}"),
        ("simulate", "gefion", "--site", "{}"),
        ("simulate", "gefion", "--{}"),
        ("predict", "gefion", "train", "--model", "{}", "--seq", "4096", "--global-batch", "8"),
        ("predict", "gefion", "hpl", "--gpus", "{}"),
        ("sweep", "gefion", "--over", "{}=1"),
        ("validate", "{}"),
        ("validate", "hpl", "--cases", "{}.csv"),
        ("report", "{}"),
        ("compare", "{}", "{}"),
        ("plan", "{}"),
    ],
    ids=" ".join,
)
def test_what_is_typed(words):
    typed = "".join(letter for letter in EVIL if letter != "\x00") + "\nFORGED"
    code, _, _ = run(*(word.format(typed, typed) for word in words))
    assert code == 2


def test_names_of_a_trace_and_of_a_slurm_conf(tmp_path):
    from terp.connect import read_slurm_conf, read_trace

    (tmp_path / "t.json").write_text(f'{{"jobs": [{{"job_id": 1, "user": {json.dumps(EVIL)}, "state": "x"}}]}}')
    with pytest.raises(Problems) as refused:
        read_trace(tmp_path / "t.json")
    clean(str(refused.value))
    (tmp_path / "slurm.conf").write_text(f"ClusterName={EVIL[:5]}\nNodeNme={EVIL[:4]}\n{EVIL[5:8]}\n")
    with pytest.raises(Problems) as refused:
        read_slurm_conf(tmp_path / "slurm.conf")
    clean(str(refused.value))


@pytest.mark.parametrize(
    "error",
    [
        Problems([Problem(EVIL, 1, 1, EVIL, EVIL, EVIL, f"{EVIL}\nFORGED")]),
        Problems([Problem("", 0, 0, "\nFORGED", "wrong")]),
        UnknownName("machine\nFORGED", EVIL, [EVIL, f"{EVIL}\nFORGED"]),
    ],
)
def test_errors_are_lines_that_print(error):
    clean(str(error))
    assert "\n" not in str(error)


@given(st.text(), st.text())
def test_a_problem_is_one_line_whatever_is_in_it(one, two):
    line = str(Problem(one, 3, 4, two, one, two, one))
    assert printable(line) == line
    assert not set(line) & set("\n\r\x1b\u2028\u202e")


@given(st.text())
def test_printable_is_its_own_fixed_point(text):
    assert printable(printable(text)) == printable(text)
    assert printable(text).encode("utf-8").decode() == printable(text)


def test_text_that_prints_stays_as_it_is():
    for text in ("Žižek, 東京, naïve, 🇩🇰 and 👩‍🔬", "a  b", "€ 1½", "עברית", "नेपाल", ""):
        assert printable(text) == text
    assert one_line("a\r\nb\u2028c\n") == "a b c"
    assert one_line("two  blanks stay") == "two  blanks stay"


@pytest.mark.parametrize(
    ("text", "moves", "written"),
    [
        ("\rsimulated 3 days ", True, "\rsimulated 3 days "),
        ("\r\x1b[K", True, "\r\x1b[K"),
        ("\r\x1b[Ka\x1b[2J", True, "\r\x1b[Ka\\x1b[2J"),
        ("\ra\rb", True, "\ra\\rb"),
        ("\rover", False, "\\rover"),
        ("two\nlines", False, "two\nlines"),
        ("half \ud800", False, "half \\ud800"),
    ],
)
def test_only_our_progress_moves_the_cursor(text, moves, written):
    file = io.BytesIO()
    stream = printing._guarded(io.TextIOWrapper(file, "utf-8", newline=""), moves=moves)
    assert stream.write(text) == len(text)
    stream.flush()
    assert file.getvalue().decode("utf-8") == written


def test_a_terminal_without_our_letters_gets_escapes():
    file = io.BytesIO()
    stream = printing._guarded(io.TextIOWrapper(file, "latin-1", newline=""), moves=False)
    stream.write("€ \x85")
    stream.flush()
    assert file.getvalue() == rb"\u20ac \x85"


def test_tables_for_spreadsheets_hold_no_formula():
    rows = [
        {
            "=cmd": "=1+1",
            "b": -1.5,
            "c": "-1.5",
            "d": "+49 30",
            "e": "@sum",
            "f": "\t=1",
            "g": None,
            "h": 'say "x", y',
            "i": "-a",
        }
    ]
    head, line, end = printing.csv_text(rows).split("\n")
    assert head == "'=cmd,b,c,d,e,f,g,h,i"
    assert line == '\'=1+1,-1.5,-1.5,\'+49 30,\'@sum,\'\\t=1,,"say ""x"", y",\'-a'
    assert end == ""


def test_reprs_print():
    from terp.describe import Site, read_site

    data = {**read_site("copenhagen").tree.mapping, "title": EVIL.replace("\x00", "")}
    assert isinstance(read_site(data).record, Site)
    clean(repr(read_site(data)))
    clean(read_site(data)._repr_html_())
    assert str(Interrupted("x")) == "x"


def test_tables_and_pages_of_a_notebook_print():
    from terp.views.notebook import html, table_html

    clean(html(EVIL, {EVIL: {EVIL: [EVIL, {EVIL: EVIL}]}}))
    clean(table_html(EVIL, [{EVIL: EVIL, "n": 1.5}]))


def test_digests_do_not_depend_on_how_a_library_spells_numbers():
    """pydantic writes 4.4e-8, and wrote 4.4e-08: one machine had two digests."""
    import hashlib

    from terp.describe import read_machine
    from terp.reader import record_digest, record_json

    record = read_machine("gefion").record
    plain = json.dumps(record.model_dump(mode="json"), separators=(",", ":"))
    assert "e-08" in plain
    assert record_json(record) == plain
    assert record_digest(record) == hashlib.sha256(plain.encode()).hexdigest() == read_machine("gefion").digest
