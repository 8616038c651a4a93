"""Finding one's way: help, lists, pages of everything, completion by the shells' own protocol, and words that are near."""

import json
import os
import re
import subprocess
import sys

import click
import pytest
from click.testing import CliRunner
from support.measure import least_child_cpu_s

import terp
from terp.errors import TerpError
from terp.predict.about import KINDS
from terp.views.cli.main import GROUPS, VERBS, cli, command_of
from terp.views.cli.words import names as quick


def run(*words):
    """Exit code, stdout and what would be on stderr of a command line, in this process."""
    try:
        runner = CliRunner(mix_stderr=False)
    except TypeError:  # from click 8.2 on the two are always apart
        runner = CliRunner()
    done = runner.invoke(cli, [str(word) for word in words], standalone_mode=False, prog_name="terp")
    if done.exception is None:
        return 0, done.stdout, done.stderr
    if isinstance(done.exception, click.ClickException):
        return 2, done.stdout, " ".join(done.exception.format_message().split())
    if isinstance(done.exception, TerpError):
        return 2, done.stdout, str(done.exception)
    raise done.exception


def completed(line, position=None, cwd=None, **more):
    """What a shell is offered for a line, by click's protocol of bash, in a process of its own."""
    words = line.split(" ")
    environment = {**os.environ, "_TERP_COMPLETE": "bash_complete", "COMP_WORDS": line, **more}
    environment["COMP_CWORD"] = str(len(words) - 1 if position is None else position)
    done = subprocess.run([sys.executable, "-m", "terp"], env=environment, capture_output=True, text=True, cwd=cwd)
    assert done.stderr == ""
    return [entry.partition(",")[2] for entry in done.stdout.splitlines()]


def test_the_help_fits_a_screen_and_groups_verbs_by_who_asks():
    _, text, _ = run("--help")
    lines = text.splitlines()
    assert len(lines) <= 24
    assert max(map(len, lines)) <= 80
    at = [text.index(f"\n  {who} ") for who in GROUPS]
    assert at == sorted(at)
    assert all(re.search(rf"\b{verb} +{re.escape(question)}", text) for verb, question in VERBS.items())


@pytest.mark.parametrize("verb", VERBS)
def test_no_sentence_of_help_is_cut(verb):
    _, text, _ = run(verb, "--help")
    body = text.partition("\n")[2]
    assert "..." not in body.replace("[NAME]...", "").replace("RUN...", "").replace("train ...", "")


def test_the_help_of_a_training_says_its_units_and_choices():
    _, text, _ = run("predict", "gefion", "train", "--help")
    for words in ("such as 8k", "such as 1T", "nf4", "LoRA", "terp list models", "--search --tokens 2T"):
        assert words in text


def test_the_help_of_a_sweep_has_examples_that_are_read():
    """Each example's axes are read as they stand there."""
    from terp.sweep.axes import read_axes

    _, text, _ = run("sweep", "--help")
    examples = re.findall(r"^ +terp sweep (\w+) (.*)$", text, re.MULTILINE)
    assert len(examples) >= 3
    for machine, rest in examples:
        over = re.findall(r"--over (\S+)", rest)
        assert len(read_axes(over, {"machine": machine}).scenarios) > 1


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_listed_with_titles_in_eighty_columns(kind):
    code, text, _ = run("list", kind)
    assert code == 0
    assert max(map(len, text.splitlines())) <= 80
    found = terp.listing(kind)
    assert found.names == terp.names(kind)
    assert all(f"\n{name} " in text for name in found.names)
    assert all(entry["title"] for entry in found)
    assert json.loads(run("list", kind, "--json")[1]) == found.to_dict()


def test_kinds_are_listed_with_how_many_there_are():
    entries = {entry["name"]: entry["entries_count"] for entry in json.loads(run("list", "--json")[1])["entries"]}
    assert entries == {kind: len(terp.names(kind)) for kind in KINDS}
    assert entries["models"] > 90
    assert run("list", "modles")[2] == "no kind 'modles'; did you mean 'models'?"


@pytest.mark.parametrize("kind", KINDS)
def test_the_quick_names_of_completion_are_all_names(kind):
    assert quick.quick_names(kind) == sorted(terp.names(kind))


SHOWN = {
    "llama-3.1-8b": ("8.03 billion", "layers", "32", "llama3-2024", "hub-counts"),
    "h100": ("80 GB", "1.98 GHz", "989.4 Tflop/s", "lockwood-h100", "310 kUSD", "gefion"),
    "dgx-h100": ("10.2 kW", "310 kUSD", "h100-sxm-80gb"),
    "groningen": ("utc offset", "dutch-energy-tax-2024", "assumed"),
    "fair-share": ("multifactor", "weights"),
    "national": ("load", "85 %"),
    "gefion-like": ("600 MDKK",),
    "megatron-2024": ("fitted", "products"),
    "meta-llama/Llama-3.1-8B-Instruct": ("Llama 3.1 8B (llama-3.1-8b), a model",),
}


@pytest.mark.parametrize("name", SHOWN)
def test_everything_is_shown_with_who_says_it_in_eighty_columns(name):
    code, text, error = run("show", name)
    assert (code, error) == (0, "")
    assert max(map(len, text.splitlines())) <= 80
    assert all(words in text for words in SHOWN[name])
    document = json.loads(run("show", name, "--json")[1])
    assert document == terp.about(name).to_dict()
    assert document["kind"] == terp.about(name).kind


def test_a_machine_is_shown_in_eighty_columns_and_what_is_assumed_apart():
    _, text, _ = run("show", "gefion")
    assert max(map(len, text.splitlines())) <= 80
    assert "24 assumed" in text
    assert "adapters.connectx-7.latency" not in text
    _, assumed, _ = run("show", "gefion", "--assumed")
    assert "adapters.connectx-7.latency" in assumed
    assert len(json.loads(run("show", "gefion", "--assumed", "--json")[1])) == 24


def test_things_of_one_kind_stand_side_by_side_and_others_below_each_other():
    _, text, _ = run("show", "h100", "b200")
    assert text.splitlines()[0].split() == ["h100-sxm-80gb", "b200-sxm-180gb"]
    [row] = [line for line in text.splitlines() if line.startswith("board power")]
    assert row.split()[2:] == ["700", "W", "1", "kW"]
    _, text, _ = run("show", "easy", "groningen")
    assert text.index("(easy), a policy") < text.index("(groningen), a site")
    assert [entry["kind"] for entry in json.loads(run("show", "easy", "groningen", "--json")[1])] == ["policy", "site"]


def test_a_name_of_two_kinds_says_so():
    _, text, error = run("show", "netherlands")
    assert "racks" in text
    assert error.strip() == "netherlands is a budget too: terp show netherlands --kind budget"
    code, text, error = run("show", "netherlands", "--kind", "budget")
    assert (code, error) == (0, "")
    assert "204.5 MEUR" in text


def test_files_are_shown_by_what_they_hold(tmp_path):
    site = tmp_path / "here.yaml"
    site.write_text((quick._PACKAGE.parent.parent / "sites" / "groningen.yaml").read_text())
    assert "(groningen), a site" in run("show", site)[1]
    (tmp_path / "kindless.yaml").write_text("name: x\n")
    assert "kind: missing; add `kind:`" in run("show", tmp_path / "kindless.yaml")[2]
    (tmp_path / "other.yaml").write_text("kind: machin\n")
    assert "found 'machin'; did you mean 'machine'?" in run("show", tmp_path / "other.yaml")[2]


WRONG = {
    ("show", "gefon"): "nothing has the name 'gefon'; did you mean 'gefion' (machine)?",
    ("show", "lama-3.1-8b"): "did you mean 'llama-3.1-8b' (model)?",
    ("show", "zzzzz"): "`terp list` says what there is",
    ("show", "gh200"): "begins several accelerators; gh200-96gb, gh200-144gb",
    ("shw",): "no verb 'shw'; did you mean 'show'?",
    ("predict", "gefion", "tran"): "no prediction 'tran'; did you mean 'train'?",
    ("predict", "gefion"): "say what to predict: hpl, hpcg, mxp, train",
    ("predict", "train"): "name a machine, such as `terp predict train gefion`",
    ("predict", "gefion", "train", "--batch", "3"): "No such option: --batch; did you mean '--global-batch'?",
    ("predict", "gefion", "train", "--seq-len", "3"): "did you mean '--seq'?",
    ("predict", "gefion", "train", "--model", "x", "--global-batch", "1", "--by", "euro"): "did you mean 'euros'?",
    ("simulate", "gefion", "--polcy", "easy"): "No such option: --polcy; did you mean '--policy'?",
    ("simulate", "gefion", "--policy", "fairshair"): "no policy 'fairshair'; did you mean 'fair-share'?",
    ("simulate", "gefion", "--checkpoints", "dayl"): "did you mean 'daly'?",
    ("simulate", "gefion", "--gpu-cap", "600"): "the unit is missing, found '600'; write it with its unit, such as '600 W'",
    ("simulate", "gefion", "--days", "1z"): "--days: not a number of days, found '1z'; write it such as 30, '2w' or '1y'",
    ("simulate", "gefion", "--format", "swf"): "--format goes with --trace",
    ("sweep", "gefion", "-o", "x", "--over", "gpu-capp=1 W"): "no such field of a scenario; did you mean 'gpu_cap'?",
    ("completion", "bsh"): "did you mean 'bash'?",
    ("completion",): "Missing argument 'SHELL'. Choose from: bash, zsh, fish",
    ("validate", "trainin"): "did you mean 'training'?",
    ("plan", "netherland"): "did you mean 'netherlands'",
}


@pytest.mark.parametrize("words", WRONG, ids=" ".join)
def test_an_unknown_word_ends_with_one_that_there_is(words):
    code, text, error = run(*words)
    assert (code, text) == (2, "")
    assert WRONG[words] in error
    assert "\n" not in error


def test_the_machine_may_stand_behind_what_is_predicted():
    words = ["--gpus", "64", "--json"]
    assert run("predict", "hpl", "gefion", *words) == run("predict", "gefion", "hpl", *words)
    assert run("predict", "hpl", *words, "gefion") == run("predict", "gefion", "hpl", *words)


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("terp si", ["simulate"]),
        ("terp show gef", ["gefion", "gefion-like"]),
        ("terp list po", ["policies"]),
        ("terp predict alp", ["alps"]),
        ("terp predict tr", ["train"]),
        ("terp predict gefion tr", ["train"]),
        ("terp predict train gef", ["gefion"]),
        ("terp predict gefion train --model llama-3.1-", ["llama-3.1-405b", "llama-3.1-70b", "llama-3.1-8b"]),
        ("terp predict gefion train --software megatron-202", ["megatron-2021", "megatron-2024", "megatron-2025",
                                                                "megatron-2026", "megatron-2026-06"]),
        ("terp predict gefion train --sea", ["--search"]),
        ("terp simulate gefion --site gron", ["groningen", "groningen-warm"]),
        ("terp simulate gefion --policy fa", ["fair-share"]),
        ("terp simulate gefion --spare", ["--spare-nodes", "--spares"]),
        ("terp sweep gefion --over gpu_c", ["gpu_cap="]),
        ("terp sweep gefion --over policy=easy,fi", ["policy=easy,fifo"]),
        ("terp plan neth", ["netherlands", "netherlands-alone", "netherlands-as-planned"]),
        ("terp plan netherlands --sites amsterdam,groningen-", ["amsterdam,groningen-warm"]),
        ("terp validate kernels --gpu h200", ["h200-sxm-141gb"]),
        ("terp validate tra", ["training"]),
        ("terp completion z", ["zsh"]),
        ("terp nonsense --", []),
    ],
)  # fmt: skip
def test_names_complete_by_the_protocol_of_the_shell(line, offered, tmp_path):
    found = [entry for entry in completed(line, cwd=tmp_path) if entry]
    assert found == offered if line != "terp nonsense --" else all(entry.startswith("--") for entry in found)


def test_run_folders_and_own_parts_complete(tmp_path):
    (tmp_path / "runs" / "year").mkdir(parents=True)
    (tmp_path / "runs" / "year" / "summary.json").write_text("{}")
    (tmp_path / "runs" / "other").mkdir()
    assert completed("terp compare ru", cwd=tmp_path) == ["runs/year"]
    (tmp_path / "own" / "parts").mkdir(parents=True)
    (tmp_path / "own" / "parts" / "accelerators.yaml").write_text('zephyr-1:\n  title: "Zephyr"\n')
    assert completed("terp show zep", cwd=tmp_path, TERP_CATALOGUE=str(tmp_path / "own")) == ["zephyr-1"]
    (tmp_path / "ownmachine.yaml").write_text("kind: machine\n")
    assert completed("terp show ownm", cwd=tmp_path) == ["ownmachine.yaml"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_of_a_shell_asks_terp(shell):
    code, text, _ = run("completion", shell)
    assert code == 0
    assert f"_TERP_COMPLETE={shell}_complete" in text


def test_bash_takes_the_script_and_completes(tmp_path):
    """A bash of its own sources the script and is asked as a key would ask it."""
    script = tmp_path / "terp.bash"
    script.write_text(run("completion", "bash")[1])
    shim = tmp_path / "terp"
    shim.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m terp "$@"\n')
    shim.chmod(0o755)
    ask = f'. {script}; COMP_WORDS=(terp show gefi); COMP_CWORD=2; _terp_completion {shim}; echo "${{COMPREPLY[@]}}"'
    done = subprocess.run(["bash", "-c", ask], capture_output=True, text=True)
    assert done.stdout.split() == ["gefion", "gefion-like"], done.stderr


def test_completion_is_quick_and_imports_nothing_heavy():
    code = (
        "import os, sys; os.environ.update(_TERP_COMPLETE='bash_complete', COMP_WORDS='terp show ge', COMP_CWORD='2')\n"
        "import terp.views.cli.main as m\ntry: m.main()\nexcept SystemExit: pass\n"
        "print(sorted({'numba','numpy','pydantic','pyarrow','yaml','jinja2'} & set(sys.modules)), file=sys.stderr)"
    )
    words = [sys.executable, "-c", code]
    assert subprocess.run(words, capture_output=True, text=True, check=True).stderr.strip() == "[]"
    cpu_s = least_child_cpu_s(lambda: subprocess.run(words, capture_output=True, check=True), times=5)
    assert cpu_s < 0.35, f"a press of Tab took {cpu_s:.2f} s of CPU"


def test_words_that_verbs_complete_are_those_that_there_are():
    from terp.catalogue import constants
    from terp.connect import TRACE_FORMATS
    from terp.physics.gpu.precisions import Precisions
    from terp.physics.training.memory import STATES, frozen_formats, optimizers
    from terp.validate import GRADERS
    from terp.views.cli import plan, predict, simulate, validate
    from terp.views.cli.words import training_words

    assert set(simulate.FORMATS) == set(TRACE_FORMATS)
    assert set(validate.MODELS) == set(GRADERS)
    assert set(training_words.OPTIMIZERS) == set(optimizers())
    assert set(training_words.PRECISIONS) <= set(constants(Precisions).precisions)
    words = {part.name: getattr(part.type, "choices", ()) for part in predict.train.params}
    assert (set(words["base"]), set(words["states"])) == (set(frozen_formats()), set(STATES))
    assert len(plan.OBJECTIVES) == 8


def test_every_verb_is_of_a_command_with_hints():
    from terp.views.cli.words.suggestions import TerpCommand, TerpGroup

    assert all(isinstance(command_of(verb), TerpCommand | TerpGroup) for verb in VERBS)


def test_a_name_that_is_near_none_leads_to_the_list_of_all():
    done = subprocess.run([sys.executable, "-m", "terp", "simulate", "xyzzy"], capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr.strip().endswith("`terp list machines` has all")


def test_counts_of_all_verbs_take_the_forms_that_people_type():
    from terp.views.cli.words.quantities import COUNT, TypedRange

    assert (COUNT.convert("64", None, None), COUNT.convert("8k", None, None), COUNT.convert("-1", None, None)) == (
        64,
        "8k",
        -1,
    )
    limits = TypedRange(50, 100_000)
    assert (limits.convert("2k", None, None), limits.convert("1e3", None, None), limits.convert(60, None, None)) == (
        2000,
        1000,
        60,
    )
    for wrong in ("2q", "1.5", "49", "1M"):
        with pytest.raises(click.BadParameter):
            limits.convert(wrong, None, None)
    order = json.loads(run("predict", "gefion", "hpl", "--n", "1M", "--json")[1])
    assert order["n_count"] == 1_000_000


def test_a_type_of_model_that_is_not_known_can_be_read_as_another(tmp_path):
    config = {"model_type": "gemma9", "hidden_size": 4096, "intermediate_size": 14336, "num_attention_heads": 32,
              "num_hidden_layers": 32, "vocab_size": 128256}  # fmt: skip
    (tmp_path / "config.json").write_text(json.dumps(config))
    words = [
        "predict",
        "gefion",
        "train",
        "--model",
        tmp_path,
        "--seq",
        "2k",
        "--global-batch",
        "8",
        "--gpus",
        "8",
        "--json",
    ]
    code, _, error = run(*words)
    assert code == 2
    assert "no such type of model" in error
    assert error.endswith("--as llama")
    assert json.loads(run(*words, "--as", "llama")[1])["parameters_count"] > 8e9
    assert run(*words, "--as", "lama")[2] == "no type of model 'lama'; did you mean 'llama'?"
