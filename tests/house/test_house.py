"""Taste that matters: import direction, unit suffixes, sizes, docstrings, exported names."""

import ast
import importlib
import inspect
import pkgutil
import re
from pathlib import Path

import pydantic
import pytest

import terp
from terp.units import UNITS

PACKAGE = Path(terp.__file__).parent
ROOT = PACKAGE.parent.parent
FILES = sorted(PACKAGE.rglob("*.py"))
ORDER = (
    "arrays",
    "units",
    "errors",
    "exports",
    "notes",
    "files",
    "statistics",
    "reader",
    "catalogue",
    "describe",
    "connect",
    "hardware",
    "physics",
    "results",
    "predict",
    "simulate",
    "sweep",
    "plan",
    "validate",
    "extend",
    "views",
)
ROOMS = [name for name in ORDER if (PACKAGE / name).is_dir()]
LOWER_FIRST = {"errors": "units"}  # units imports errors' hint; both stand at the bottom

MODULE_LINES, FUNCTION_LINES = 400, 50
WITHOUT_UNIT = {  # numbers that have none, by the field's own meaning
    "seed", "days", "line", "column", "count", "miss", "points", "drawn", "published", "value",
    "mean_price_eur_per_mwh", "share", "in_service", "panel_year", "predicted", "scale", "restarts", "amount",
    "year", "worth", "values", "mean_pue", "tokens", "node_failures", "gpu_hours", "access_gpu_hours", "science_h100_hours",
}  # fmt: skip

ARRAYS_OF_ROWS = {  # one value a job, node, port or attempt: named in their docstrings, with units
    "describe.trace.Cluster",
    "describe.trace.Trace",
    "hardware.fabric.Fabric",
    "hardware.trees._Shape",
    "simulate.account.tables.Attempts",
    "simulate.engine.controller.controller_state.ControllerJobs",
    "simulate.engine.controller.controller_state.ControllerPark",
    "simulate.engine.controller.controller_state.ControllerRules",
    "simulate.engine.controller.controller_state.ControllerState",
    "simulate.engine.controller_input.Tables",
    "simulate.engine.core.core_state.CoreJobs",
    "simulate.engine.core.core_state.CorePlant",
    "simulate.engine.core.core_state.CoreRules",
    "simulate.engine.core.core_state.CoreState",
    "simulate.engine.core.core_state._Room",
    "simulate.engine.pool.pool_state.PoolJobs",
    "simulate.engine.pool.pool_state.PoolPolicy",
    "simulate.engine.pool.pool_state.PoolState",
    "simulate.engine.shared.node_events.NodeEvents",
    "simulate.engine.controller_input.AssociationTree",
    "simulate.engine.engines.EngineJobs",
    "simulate.engine.engines.Outcome",
    "simulate.engine.trace_schedule.ReadyTrace",
    "simulate.engine.trace_schedule.Schedule",
    "simulate.jobs.draw.JobSet",
    "simulate.trace_replay._Done",
}


def layer(path):
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def test_imports_point_one_way():
    wrong = []
    for path in FILES:
        mine = layer(path)
        if mine not in ORDER:
            continue
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("terp."):
                target = node.module.split(".")[1]
                upward = ORDER.index(target) > ORDER.index(mine)
                if upward and LOWER_FIRST.get(target) != mine:
                    wrong.append(f"{path.name}:{node.lineno} {mine} imports {target}")
    assert wrong == []


def test_no_file_name_stands_twice():
    """A name tells the place: only a folder's face and the program's entry share theirs."""
    names = [path.name for path in FILES if path.name not in ("__init__.py", "__main__.py")]
    assert sorted(names) == sorted(set(names))


def test_kernels_are_reached_through_their_loader_only():
    """So that their compiled code lies in the folder named by their hash: nothing else imports a module that compiles."""
    engine = PACKAGE / "simulate" / "engine"
    packages = [engine / name for name in ("core", "controller", "pool", "shared")]
    kernels = {
        path.stem
        for folder in packages
        for path in folder.glob("*.py")
        if re.search(r"^@(kernel|inlined)$", path.read_text("utf-8"), re.MULTILINE)
    } | {"kernel_options"}
    assert len(kernels) > 20
    wrong = set()
    for path in FILES:
        if path.parent in packages:
            continue
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ImportFrom):
                wrong |= {(path.name, node.lineno) for name in (node.module or "").split(".") if name in kernels}
                wrong |= {(path.name, node.lineno) for alias in node.names if alias.name in kernels}
    assert wrong == set()


def test_every_folder_opens_with_its_question():
    for folder in ROOMS:
        text = ast.get_docstring(ast.parse((PACKAGE / folder / "__init__.py").read_text("utf-8")))
        assert text is not None
        assert re.match(r"[A-Z', ]+\?", text.replace("\n", " ")), folder


def functions(tree, prefix=""):
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef):
            yield f"{prefix}{node.name}", node
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield from functions(node, f"{prefix}{node.name}.")


def code_lines(node):
    first = node.body[0]
    docstring = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str)
    documented = first.end_lineno - first.lineno + 1 if docstring else 0
    return node.end_lineno - node.lineno + 1 - documented


def test_sizes():
    large = {str(path.relative_to(PACKAGE)) for path in FILES if len(path.read_text("utf-8").splitlines()) > MODULE_LINES}
    assert large == set()
    long = set()
    for path in FILES:
        for name, node in functions(ast.parse(path.read_text("utf-8"))):
            if code_lines(node) > FUNCTION_LINES:
                long.add(f"{path.relative_to(PACKAGE)}:{name}")
    assert long == set()


def modules():
    for info in pkgutil.walk_packages([str(PACKAGE)], "terp."):
        if not info.name.endswith("__main__"):
            yield importlib.import_module(info.name)


def test_every_public_name_has_a_docstring():
    bare = []
    for module in modules():
        if not module.__doc__:
            bare.append(module.__name__)
        for name, thing in vars(module).items():
            mine = getattr(thing, "__module__", None) == module.__name__
            if (
                mine
                and not name.startswith("_")
                and (inspect.isclass(thing) or inspect.isfunction(thing))
                and not thing.__doc__
            ):
                bare.append(f"{module.__name__}.{name}")
    assert bare == []


def test_every_number_in_a_record_carries_its_unit():
    """Fields of records and dataclasses that hold numbers end with a unit of the closed list."""
    wrong = set()
    for module in modules():
        for thing in vars(module).values():
            if not inspect.isclass(thing) or thing.__module__ != module.__name__:
                continue
            if issubclass(thing, pydantic.BaseModel):
                fields = {name: str(info.annotation) for name, info in thing.model_fields.items()}
            else:
                fields = {name: str(kind) for name, kind in getattr(thing, "__annotations__", {}).items()}
            if f"{module.__name__}.{thing.__name__}".removeprefix("terp.") in ARRAYS_OF_ROWS:
                continue
            for name, kind in fields.items():
                bare = re.sub(r"_per_(year|gpu_hour|h100_hour)$", "", name)
                if re.fullmatch(r"<class '(int|float)'>|int|float|Floats|Ints", kind) and bare not in WITHOUT_UNIT:
                    if not any(bare.endswith(f"_{unit}") or bare == unit for unit in (*UNITS, "usd", "flop")):
                        wrong.add(f"{module.__name__}.{thing.__name__}.{name}")
    assert wrong == set()


@pytest.mark.parametrize("folder", [name for name in ROOMS if name != "views"])
def test_exported_names_are_there_and_sorted(folder):
    module = importlib.import_module(f"terp.{folder}")
    assert all(hasattr(module, name) for name in module.__all__)
    assert list(module.__all__) == sorted(module.__all__, key=lambda name: (not name.isupper(), not name[0].isupper(), name))


def test_nothing_below_views_prints():
    for path in FILES:
        if layer(path) != "views":
            assert not re.search(r"\bprint\(|click", path.read_text("utf-8")), path


def test_nothing_is_evaluated_or_unpickled():
    for path in FILES:
        text = path.read_text("utf-8")
        assert not re.search(r"\beval\(|\bexec\(|pickle|shell=True", text), path


def test_the_readme_names_the_commands_that_exist():
    text = (ROOT / "README.md").read_text("utf-8")
    makefile = (ROOT / "Makefile").read_text("utf-8")
    for target in re.findall(r"make (\w+)", text):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
    from terp.views.cli.main import VERBS

    for verb in re.findall(r"`terp (\w+)", text):
        assert verb in VERBS, verb
