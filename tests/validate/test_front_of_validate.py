"""The front door of validation: typed, frozen grades that say what the terminal prints."""

import dataclasses
import inspect
import json
import pkgutil
from pathlib import Path

import pytest
from click.testing import CliRunner

import terp.validate
from terp.errors import Problems, UnknownName
from terp.results.table import Table
from terp.validate.grading.published_sources import FOLDERS, sources_of
from terp.views.cli.validate import command
from terp.views.text.grades_text import grades_text

MODELS = ["hpl", "mxp", "collectives", "training", "power", "costs"]


@pytest.mark.parametrize("model", MODELS)
def test_a_model_says_what_the_terminal_prints(model):
    grades = terp.validate.GRADERS[model]()
    printed = CliRunner().invoke(command, [model, "--json"])
    assert printed.exit_code == 0
    assert json.dumps(grades.to_dict(), indent=2) == printed.stdout.rstrip("\n")
    assert CliRunner().invoke(command, [model]).stdout.rstrip("\n") == grades_text(grades).rstrip("\n")


@pytest.mark.parametrize("model", MODELS)
def test_grades_are_records_of_results(model):
    grades = terp.validate.GRADERS[model]()
    assert grades.passed
    assert len(repr(grades)) < 200
    assert "\n" not in repr(grades)
    assert grades == terp.validate.GRADERS[model]()
    assert len({grades, terp.validate.GRADERS[model]()}) == 1
    assert isinstance(grades.table, Table)
    assert grades.table.column("graded_count").to_pylist() == [len(grade.cases) for grade in grades.grades]
    assert len(grades.cases) == sum(len(grade.cases) for grade in grades.grades)
    assert grades.sources
    assert all(source.title for source in grades.sources)
    assert [caveat.code for caveat in grades.caveats if caveat.code == "rows-left-out"] == ["rows-left-out"] * bool(
        grades.left_out
    )
    assert all(isinstance(sentence, str) for sentence in grades.sentences())
    with pytest.raises(dataclasses.FrozenInstanceError):
        grades.model = "other"


def test_a_table_of_the_callers_never_fails_on_what_is_held(tmp_path):
    """Its rows are all graded, and it rests on no citation."""
    path = tmp_path / "t.csv"
    path.write_text(
        "name,accelerator,gpus_est,processor,interconnect,rmax_tflops\n"
        "Ours,NVIDIA H100 SXM5 80 GB,64,Xeon Platinum 8480C 56C 2GHz,Infiniband NDR400,64\n"
    )
    grades = terp.validate.hpl(str(path))
    assert (grades.shipped, len(grades.cases), grades.sources, grades.passed) == (False, 1, (), True)
    assert grades.fell
    assert grades.to_dict()["power_median_abs_error"] is None


def test_every_model_has_its_function_and_its_sources():
    assert set(terp.validate.GRADERS) == set(FOLDERS)
    for model, grader in terp.validate.GRADERS.items():
        assert getattr(terp.validate, model.replace("-", "_")) is grader
        assert sources_of(model)


def test_no_module_is_named_as_a_function_of_the_face():
    modules = {info.name for info in pkgutil.iter_modules(terp.validate.__path__)}
    functions = {name for name in terp.validate.__all__ if inspect.isfunction(getattr(terp.validate, name))}
    assert modules & functions == set()


def test_what_cannot_be_graded_is_said(tmp_path):
    with pytest.raises(Problems, match="cannot be read"):
        terp.validate.hpcg(tmp_path / "none.csv")
    with pytest.raises(Problems, match="gpu: the GPU of a file"):
        terp.validate.kernels(gpu="h200-sxm")
    with pytest.raises(Problems) as error:
        terp.validate.slurm(trace=Path("t.csv"))
    assert [problem.path for problem in error.value.problems] == ["observed", "slurm_conf"]
    rows = tmp_path / "k.jsonl"
    rows.write_text('{"kind": "gemm", "dtype": "bf16", "m": 4096, "n": 4096, "k": 4096, "s": 0.0002}\n')
    with pytest.raises(UnknownName):
        terp.validate.kernels(rows, gpu="h900")
    assert len(terp.validate.kernels(rows, gpu="h100-sxm").cases) == 1
