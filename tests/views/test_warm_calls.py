"""Calls that tests fork from a warm process are what a shell would have got: the same bytes, exit codes and folders."""

import os
import signal
import subprocess
import sys

import pytest
from support import commands
from support.warm_process import Call


@pytest.mark.parametrize(
    "words",
    [("show", "gefion", "--json"), ("show", "gefjon"), ("simulate",), ("--help",), ("predict", "gefion", "hpl")],
    ids=" ".join,
)
def test_a_warm_call_is_a_real_one(words, tmp_path):
    real = subprocess.run([sys.executable, "-m", "terp", *words], capture_output=True, text=True, cwd=tmp_path)
    warm = commands.run(*words, cwd=tmp_path)
    assert (warm.returncode, warm.stdout, warm.stderr) == (real.returncode, real.stdout, real.stderr)


def test_it_has_the_folder_and_the_environment_of_its_caller(tmp_path, monkeypatch):
    (tmp_path / "terp.toml").write_text('site = "groningen"\n')
    assert "groningen" in commands.run("config", cwd=tmp_path).stdout
    assert "groningen" not in commands.run("config").stdout
    assert commands.warm().is_fit(os.environ)
    monkeypatch.setenv("TERP_SITE", "copenhagen")
    assert not commands.warm().is_fit(os.environ), "who starts otherwise takes a real start"
    assert "copenhagen" in commands.run("config", cwd=tmp_path).stdout


def test_a_shell_gets_it_in_a_pipe(tmp_path):
    path = f"{commands.shim(tmp_path / 'bin')}:{os.environ['PATH']}"
    ask = "terp show gefion --json | head -c 20; terp show gefjon; echo $?"
    done = subprocess.run(["bash", "-c", ask], capture_output=True, text=True, env={**os.environ, "PATH": path})
    assert done.stdout.startswith("{\n")
    assert done.stdout.endswith("2\n")
    assert "did you mean 'gefion'" in done.stderr


def test_a_killed_call_says_so():
    with open(os.devnull, "r+b") as nothing:  # noqa: PTH123
        files = [nothing.fileno()] * 3
        words = ("simulate", "gefion", "--days", "3000", "--json")
        call = Call(commands.warm().socket, words, os.getcwd(), dict(os.environ), files)  # noqa: PTH109
        call.send(signal.SIGKILL)
        assert call.code() == -signal.SIGKILL
