"""Inputs that once ended in a traceback, a hang or a raw control character: each is a result now, or lines that print."""

import json
import os
import re
import socket
from pathlib import Path

import pytest
from support import commands

import terp
from terp.errors import Problems, TerpError, printable
from terp.validate import GRADERS

ATTACK = Path(__file__).parent / "attack"
SIMULATE = ("simulate", "gefion", "--json", "--trace")
TRAIN = ("predict", "gefion", "train", "--gpus", "8", "--seq", "4096", "--global-batch", "64", "--model")
CASES = {
    "01_lone_cr.swf": SIMULATE,
    "02_lone_cr_sacct.txt": SIMULATE,
    "03_lone_cr_helios.csv": SIMULATE,
    "04_text_config_list/config.json": TRAIN,
    "05_control_key.yaml": ("show",),
    "06_control_head.csv": ("validate", "hpl", "--cases"),
    "07_training_hidden.csv": ("validate", "training", "--cases"),
    "08_costs_nul_path.yaml": ("validate", "costs", "--cases"),
    "09_surrogate_sacct.json": SIMULATE,
    "10_surrogate_philly.json": SIMULATE,
    "11_surrogate_header.swf": SIMULATE,
    "12_escape_header.swf": SIMULATE,
    "13_digits_header.swf": SIMULATE,
}
PYTHON = {
    "predict": terp.model,
    "show": terp.machine,
    "hpl": GRADERS["hpl"],
    "training": GRADERS["training"],
    "costs": GRADERS["costs"],
}


def run(*words, **more):
    """A finished `terp`, with its raw bytes as Latin-1, so that a control character stays one."""
    done = commands.run(*words, text=False, **more)
    return done.returncode, done.stdout.decode("utf-8"), done.stderr.decode("utf-8")


def clean(text):
    """Nothing in it but text and our own ends of lines."""
    return printable(text, keep="\n") == text


@pytest.mark.parametrize("name", [name for name in CASES if CASES[name][0] != "simulate"])
def test_the_command_ends_in_a_result_or_in_lines_that_print(name):
    code, out, err = run(*CASES[name], ATTACK / name)
    assert code in (0, 1, 2)
    assert "Traceback" not in err
    assert clean(out)
    assert clean(err)
    assert code != 2 or err.strip()


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in CASES if CASES[name][0] == "simulate"])
def test_a_trace_ends_in_a_result_or_in_lines_that_print(name):
    code, out, err = run(*CASES[name], ATTACK / name)
    assert code in (0, 2)
    assert "Traceback" not in err
    assert clean(err)
    assert json.loads(out)["jobs_count"] >= 1 if code == 0 else err.strip()


@pytest.mark.parametrize("name", [name for name in CASES if CASES[name][0] == "simulate"])
def test_a_trace_is_read_or_refused(name):
    from terp.connect import Known, read_trace

    try:
        assert len(read_trace(ATTACK / name, known=Known(nodes_count=191, node_gpus_count=8))) >= 1
    except TerpError as error:
        assert all(clean(line) and line.strip() for line in str(error).split("\n"))


@pytest.mark.parametrize("name", [name for name in CASES if CASES[name][0] != "simulate"])
def test_python_gives_a_result_or_a_terp_error(name):
    verb = CASES[name][0] if CASES[name][0] != "validate" else CASES[name][1]
    try:
        PYTHON[verb](ATTACK / name)
    except TerpError as error:
        assert all(clean(line) and line.strip() for line in str(error).split("\n"))


def test_a_forged_line_stays_within_its_own():
    _, _, err = run("show", ATTACK / "05_control_key.yaml")
    assert not re.search(r"^\./other\.yaml", err, re.MULTILINE)
    assert r"\x1b[2J" in err
    assert r"\u202e" in err


def test_a_machine_that_a_case_names_is_refused_at_its_place():
    with pytest.raises(Problems, match=r"08_costs_nul_path.yaml:8:12: gefion.machine: .*no name of a file"):
        GRADERS["costs"](ATTACK / "08_costs_nul_path.yaml")


SPECIAL = {
    "machine": ("show",),
    "site": ("simulate", "gefion", "--days", "1", "--site"),
    "workload": ("simulate", "gefion", "--days", "1", "--workload"),
    "policy": ("simulate", "gefion", "--days", "1", "--policy"),
    "trace": SIMULATE,
    "model": TRAIN,
    "hpl": ("validate", "hpl", "--cases"),
    "kernels": ("validate", "kernels", "--cases"),
    "power": ("validate", "power", "--cases"),
}


@pytest.fixture(scope="module")
def special(tmp_path_factory):
    """A pipe without a writer, a link to it, a device without an end, a socket and a folder."""
    folder = tmp_path_factory.mktemp("special")
    os.mkfifo(folder / "pipe.yaml")
    (folder / "link.yaml").symlink_to("pipe.yaml")
    (folder / "zero.yaml").symlink_to("/dev/zero")
    (folder / "folder.yaml").mkdir()
    with socket.socket(socket.AF_UNIX) as door:
        here = Path.cwd()
        os.chdir(folder)
        try:
            door.bind("socket.yaml")
        finally:
            os.chdir(here)
        yield folder


@pytest.mark.parametrize("kind", SPECIAL)
def test_what_is_no_file_is_named_and_never_read(special, kind):
    code, _, err = run(*SPECIAL[kind], special / "pipe.yaml")
    assert (code, "is a pipe, not a file" in err) == (2, True), err
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("link", "is a pipe, not a file"),
        ("zero", "is a device, not a file"),
        ("socket", "is a socket, not a file"),
        ("folder", "Is a directory"),
    ],
)
def test_links_and_devices_are_named_too(special, name, says):
    from terp.connect import read_slurm_conf, read_trace
    from terp.describe import read_site

    for read in (read_site, read_slurm_conf, read_trace):
        with pytest.raises(Problems, match=says):
            read(special / f"{name}.yaml")


def test_a_pipe_that_a_file_names_is_refused_there(special, tmp_path):
    from terp.connect import read_slurm_conf

    (tmp_path / "slurm.conf").write_text(
        f"ClusterName=x\nInclude {special / 'pipe.yaml'}\nNodeName=n1\nPartitionName=p Nodes=n1\n"
    )
    with pytest.raises(Problems, match=r"slurm.conf:2:1: Include: is a pipe, not a file"):
        read_slurm_conf(tmp_path / "slurm.conf")
    case = (ATTACK / "08_costs_nul_path.yaml").read_text().replace(r"./a\0b.yaml", str(special / "pipe.yaml"))
    (tmp_path / "cases.yaml").write_text(case)
    with pytest.raises(Problems, match=r"cases.yaml:8:12: gefion.machine: .*is a pipe, not a file"):
        GRADERS["costs"](tmp_path / "cases.yaml")


def test_a_changed_file_is_graded_as_it_stands(tmp_path):
    """In one process, whatever was read before under its name."""
    head, *rows = (Path(__file__).parents[2] / "validation" / "fleets" / "table.csv").read_text().splitlines(keepends=True)
    path = tmp_path / "table.csv"
    path.write_text(head + rows[0])
    first = GRADERS["fleets"](path).to_dict()
    path.write_text(head + rows[1])
    assert GRADERS["fleets"](path).to_dict() != first
    purchases = (ATTACK / "08_costs_nul_path.yaml").read_text().replace(r"./a\0b.yaml", "gefion")
    (tmp_path / "cases.yaml").write_text(purchases)
    before = GRADERS["costs"](tmp_path / "cases.yaml").to_dict()
    (tmp_path / "cases.yaml").write_text(purchases.replace("700 MDKK", "800 MDKK"))
    assert GRADERS["costs"](tmp_path / "cases.yaml").to_dict() != before


def test_a_catalogue_that_is_named_again_is_read_again(tmp_path):
    from terp.catalogue import read_prices, use_own_catalogue

    shipped = next(name for name, entry in read_prices().entries.items() if entry)
    (tmp_path / "prices").mkdir()
    try:
        use_own_catalogue(tmp_path)
        assert shipped in read_prices().entries
        (tmp_path / "prices" / "quotes.yaml").write_text("a b: 1\n")
        with pytest.raises(TerpError):
            use_own_catalogue(tmp_path)
    finally:
        use_own_catalogue(None)


@pytest.mark.parametrize(
    "name", ["run.json", "hours.parquet", "part-1.parquet", "sweep.json", "plan.json", "frontier.parquet"]
)
def test_a_pipe_in_a_folder_of_results_is_never_read(name, tmp_path):
    """Neither where the folder is loaded nor where it would be written over."""
    from terp.plan.outcome.plan_folder import plan_kind
    from terp.results.run_folder import RUN
    from terp.results.sweep_folder import sweep_kind

    os.mkfifo(tmp_path / name)
    with pytest.raises(TerpError):
        terp.load(tmp_path)
    for kind in (RUN, sweep_kind(tmp_path), plan_kind(tmp_path)):
        assert not kind.is_ours(tmp_path / name)
