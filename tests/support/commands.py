"""`terp` for tests, each call a process of its own: forked from a warm one, so that it need not read its modules again.

Commands that several tests run and that write nothing are run once, and kept under the digest of all that they depend on: so
`terp validate`, which replays and grades for a minute, is not worked out for each test that looks at it.

    python tests/support/commands.py SOCKET validate hpl      is `terp validate hpl`, from what is kept if it is
"""

import atexit
import fcntl
import hashlib
import json
import os
import pickle
import shutil
import subprocess
import sys
from functools import cache
from importlib import metadata
from pathlib import Path
from unittest import mock

try:
    from support import warm_process
except ModuleNotFoundError:  # as the `terp` of a shell
    import warm_process

ROOT = Path(__file__).parents[2]
KEPT = ROOT / ".pytest_cache" / "terp-commands"
SOURCES = ("src/terp", "machines", "models", "workloads", "policies", "sites", "budgets", "validation")
SHARED = ("plan", "validate")
FILES = ("-o", "--out", "--cases", "--trace", "--observed", "--slurm-conf", "--assoc")
"""Options that write files or read some that the digest does not cover."""


@cache
def digest():
    """Of every file that a command may read, of Python, and of the libraries."""
    whole = hashlib.sha256(sys.version.encode())
    for name in ("numba", "numpy", "pyarrow", "pydantic"):
        whole.update(f"{name} {metadata.version(name)}".encode())
    for folder in SOURCES:
        for path in sorted((ROOT / folder).rglob("*")):
            if path.is_file() and path.suffix != ".pyc":
                whole.update(f"{path.relative_to(ROOT)} {path.stat().st_size}\n".encode())
                whole.update(path.read_bytes())
    return whole.hexdigest()[:16]


def shared(words):
    """Whether a command may be answered from what is kept: it names no file of the user's and writes none."""
    named = any(Path(word).suffix in (".yaml", ".csv", ".json") for word in words)
    return bool(words) and words[0] in SHARED and not named and not any(word.partition("=")[0] in FILES for word in words)


@cache
def warm():
    """The process that the calls of this one are forked from."""
    process = warm_process.WarmProcess()
    atexit.register(process.end)
    return process


def run(*words, cwd=None, env=None, text=True):
    """A finished `terp`, as `subprocess.run` would give it: from a warm process where the environment is that of its start."""
    typed = [str(word) for word in words]
    if not warm().is_fit(os.environ if env is None else env):
        return subprocess.run([sys.executable, "-m", "terp", *typed], capture_output=True, text=text, cwd=cwd, env=env)
    done = warm().run(typed, cwd, env)
    return in_text(done) if text else done


def in_text(done):
    done.stdout, done.stderr = done.stdout.decode(), done.stderr.decode()
    return done


def terp(*words, by=run):
    """A finished `terp`, from what is kept where that may be.

    by   runs what is not
    """
    ran = [sys.executable, "-m", "terp", *map(str, words)]
    if not shared(ran[3:]):
        return by(*words)
    if ran[3] == "validate" and set(ran[4:]) <= {"--json"}:
        return validated(ran[4:])
    code, stdout, stderr = json.loads(kept(" ".join(ran[3:]), lambda: json.dumps(parts_of(by(*words))).encode()))
    return subprocess.CompletedProcess(ran, code, stdout, stderr)


def parts_of(done):
    return done.returncode, done.stdout, done.stderr


def kept(name, make):
    """The bytes that `make` gives, made once for all processes under the digest of all that they depend on."""
    folder = KEPT / digest()
    if not folder.exists():
        for old in KEPT.glob("*"):  # of other sources
            shutil.rmtree(old, ignore_errors=True)
        folder.mkdir(parents=True, exist_ok=True)
    path = folder / hashlib.sha256(name.encode()).hexdigest()[:16]
    with path.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # who comes second waits for the first
        if not path.exists():
            new = path.with_suffix(".new")
            new.write_bytes(make())
            new.rename(path)
        return path.read_bytes()


def all_grades():
    """Every model's grades by the function that gives them: what `terp validate` and the page of grades are made of."""
    return pickle.loads(kept("grades", lambda: pickle.dumps(_all_grades())))  # noqa: S301 - our own


def _all_grades():
    from terp.validate import all_models
    from terp.validate.systems.cost_grades import grade_costs
    from terp.validate.systems.fleet_grades import grade_fleets
    from terp.validate.systems.slurm_grades import grade_replays

    return {function.__name__: function() for function in (all_models, grade_costs, grade_fleets, grade_replays)}


def validated(options):
    """`terp validate` of all models, which are graded once."""
    from click.testing import CliRunner

    from terp.views.cli.validate import command

    with mock.patch("terp.validate.all_models", return_value=all_grades()["all_models"]):
        done = CliRunner().invoke(command, options, catch_exceptions=False)
    return subprocess.CompletedProcess(["terp", "validate", *options], done.exit_code, done.stdout, "")


def shim(folder):
    """Writes a `terp` for shells into a folder, and returns what to put before the PATH."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "terp"
    path.write_text(shim_text())
    path.chmod(0o755)
    return str(folder)


def shim_text():
    """A `terp` for shells that asks the warm process of this one, but for what may be kept."""
    folder, socket = Path(__file__).resolve().parent, warm().socket
    asks = " ".join(f'{verb}) exec "{sys.executable}" "{folder}/commands.py" "{socket}" "$@";;' for verb in SHARED)
    other = f'exec "{sys.executable}" -S -E "{folder}/warm_process.py" "{socket}" -- "$@"'
    return f'#!/bin/sh\ncase "$1" in {asks} esac\n{other}\n'


def main():
    socket, *words = sys.argv[1:]
    files = [0, 1, 2]
    if not shared(words):
        sys.exit(warm_process.asked(socket, words, str(Path.cwd()), dict(os.environ), files) % 256)
    done = terp(*words, by=lambda *typed: in_text(warm_process.called(socket, typed)))
    sys.stderr.write(done.stderr)
    try:
        sys.stdout.write(done.stdout)
        sys.stdout.flush()
    except BrokenPipeError:  # as `| head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(done.returncode)


if __name__ == "__main__":
    main()
