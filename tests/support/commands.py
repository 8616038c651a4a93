"""Commands that several tests run and that write nothing: each is run once, and kept under the digest of all that it depends on.

    python tests/support/commands.py validate hpl      is `terp validate hpl`, from what is kept if it is

So `terp validate`, which replays and grades for a minute, is not worked out for each test that looks at it.
"""

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
from functools import cache
from importlib import metadata
from pathlib import Path

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


def terp(*words):
    """A finished `terp`, from what is kept where that may be."""
    ran = [sys.executable, "-m", "terp", *map(str, words)]
    if not shared(ran[3:]):
        return subprocess.run(ran, capture_output=True, text=True)
    folder = KEPT / digest()
    if not folder.exists():
        for old in KEPT.glob("*"):  # of other sources
            shutil.rmtree(old, ignore_errors=True)
        folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{hashlib.sha256(json.dumps(ran[3:]).encode()).hexdigest()[:16]}.json"
    with path.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # who comes second waits for the first
        if not path.exists():
            done = subprocess.run(ran, capture_output=True, text=True)
            new = path.with_suffix(".new")
            new.write_text(json.dumps([done.returncode, done.stdout, done.stderr]))
            new.rename(path)
        code, stdout, stderr = json.loads(path.read_text())
    return subprocess.CompletedProcess(ran, code, stdout, stderr)


def shim(folder):
    """Writes a `terp` for shells into a folder, and returns what to put before the PATH."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "terp"
    path.write_text(SHIM)
    path.chmod(0o755)
    return str(folder)


SHIM = f'#!/bin/sh\nexec "{sys.executable}" "{Path(__file__).resolve()}" "$@"\n'


def main():
    words = sys.argv[1:]
    if not shared(words):
        os.execv(sys.executable, [sys.executable, "-m", "terp", *words])
    done = terp(*words)
    sys.stderr.write(done.stderr)
    try:
        sys.stdout.write(done.stdout)
        sys.stdout.flush()
    except BrokenPipeError:  # as `| head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(done.returncode)


if __name__ == "__main__":
    main()
