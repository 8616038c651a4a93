"""Defaults of one's own, the folder of compiled code, and the one pause in which it is compiled."""

import json
import os
import subprocess
import sys
import time

import pytest
from support import commands

from terp.errors import Problems
from terp.reader.user_defaults import user_defaults
from terp.simulate import kernel_cache
from terp.simulate.engine import compiled
from terp.views.cli.setup import compiling


def terp(*words, cwd=None, **variables):
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TERP_")} | variables
    return commands.run(*words, cwd=cwd, env=environment)


def test_a_variable_counts_before_the_project_and_that_before_the_user(tmp_path):
    project, home = tmp_path / "project", tmp_path / "home"
    (project / "deep").mkdir(parents=True)
    (home / "terp").mkdir(parents=True)
    (project / "terp.toml").write_text('site = "sites/mine.yaml"\nout = "results"\npolicy = "easy"\n')
    (home / "terp" / "config.toml").write_text('site = "groningen"\nworkers = 3\n')
    told = user_defaults({"TERP_POLICY": "fifo", "XDG_CONFIG_HOME": str(home)}, project / "deep")
    assert {name: (entry.value, entry.origin) for name, entry in told.items()} == {
        "site": (str(project / "sites" / "mine.yaml"), str(project / "terp.toml")),
        "policy": ("fifo", "TERP_POLICY"),
        "workload": (None, ""),
        "out": (str(project / "results"), str(project / "terp.toml")),
        "workers": (3, str(home / "terp" / "config.toml")),
    }


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("wrokers = 3", "terp.toml:1:1: wrokers: unknown key; did you mean 'workers'?"),
        ("# so\nsite = 3", "terp.toml:2:1: site: no text, found 3; it is where a machine stands"),
        ("workers = 0", "terp.toml:1:1: workers: no number of processes, found 0; write one from 1 to 1,024"),
        ("workers = true", "no number of processes, found True"),
        ("site = x", "terp.toml:1:8: cannot be read as TOML: Invalid value"),
        ("site = '\ud800'", "not UTF-8 text, at byte 8"),
        ('site = ""', "site: no text, found ''"),
        ("x" * 100_000, "is no file of defaults"),
        ("a = " + "[" * 5_000, "cannot be read as TOML"),
    ],
)
def test_mistakes_in_it_are_said_with_their_line(tmp_path, text, says):
    (tmp_path / "terp.toml").write_bytes(text.encode("utf-8", "surrogatepass"))
    with pytest.raises(Problems) as error:
        user_defaults({}, tmp_path)
    assert says in str(error.value)


def test_all_mistakes_at_once(tmp_path):
    (tmp_path / "terp.toml").write_text("site = 1\npolcy = 2\n")
    with pytest.raises(Problems) as error:
        user_defaults({"TERP_WORKERS": "many"}, tmp_path)
    assert len(error.value.problems) == 3


def test_a_folder_in_its_place_is_no_file(tmp_path):
    (tmp_path / "terp.toml").mkdir()
    with pytest.raises(Problems, match="is no file of defaults"):
        user_defaults({}, tmp_path)


def test_a_run_says_what_default_it_took_and_from_where(tmp_path):
    (tmp_path / "terp.toml").write_text('site = "groningen"\nout = "mine"\n')
    ran = terp("simulate", "gefion", "--days", 1, cwd=tmp_path)
    assert ran.returncode == 0, ran.stderr
    assert f"site groningen, by {tmp_path}/terp.toml" in ran.stderr
    folder = tmp_path / "mine" / "gefion-groningen-national-1d-seed1"
    assert json.loads((folder / "run.json").read_text())["site"] == "groningen"
    typed = terp("simulate", "gefion", "--days", 1, "--site", "copenhagen", "-o", "typed", cwd=tmp_path)
    assert "by " not in typed.stderr
    assert json.loads((tmp_path / "typed" / "run.json").read_text())["site"] == "copenhagen"
    told = json.loads(terp("config", "--json", cwd=tmp_path, TERP_WORKERS="2").stdout)
    assert told["workers"] == {"value": 2, "origin": "TERP_WORKERS"}
    assert told["site"] == {"value": "groningen", "origin": f"{tmp_path}/terp.toml"}


def test_a_wrong_default_is_a_line_and_exit_2(tmp_path):
    ran = terp("simulate", "gefion", "--days", 1, cwd=tmp_path, TERP_SITE="atlantis")
    assert ran.returncode == 2
    assert "atlantis" in ran.stderr
    assert "Traceback" not in ran.stderr


def test_clean_removes_what_was_compiled_and_nothing_else(tmp_path):
    kept = tmp_path / "terp" / "kernels-abc" / "core_1"
    kept.mkdir(parents=True)
    (kept / "x.nbc").write_bytes(b"1" * 1000)
    (tmp_path / "terp" / "mine").write_text("")
    (tmp_path / "away").mkdir()
    (tmp_path / "away" / "kept").write_text("")
    (tmp_path / "terp" / "kernels-link").symlink_to(tmp_path / "away")
    variables = {"XDG_CACHE_HOME": str(tmp_path), "TMPDIR": str(tmp_path / "away")}
    told = terp("clean", "--dry-run", **variables)
    assert f"would remove {kept.parent}: 1 files, 0.0 MB" in told.stdout
    assert kept.exists()
    assert json.loads(terp("clean", "--json", **variables).stdout)[0]["size_bytes"] == 1000
    assert sorted(path.name for path in (tmp_path / "terp").iterdir()) == ["kernels-link", "mine"]
    assert (tmp_path / "away" / "kept").exists()
    assert "there is no compiled code" in terp("clean", **variables).stdout


@pytest.mark.parametrize("fault", ["sound", "flipped", "cut", "a link", "open to all", "no sums"])
def test_damage_to_compiled_code_is_found(tmp_path, fault):
    place = tmp_path / "core_1"
    place.mkdir(mode=0o700)
    (place / "x-1.py311.1.nbc").write_bytes(bytes(1000))
    kernel_cache.seal([place, tmp_path / "none"])
    file = place / "x-1.py311.1.nbc"
    if fault == "flipped":
        file.write_bytes(bytes(500) + b"1" + bytes(499))
    elif fault == "cut":
        file.write_bytes(b"")
    elif fault == "a link":
        file.rename(tmp_path / "x")
        file.symlink_to(tmp_path / "x")
    elif fault == "open to all":
        file.chmod(0o666)
    elif fault == "no sums":
        (place / "sums.json").write_text("[" * 100_000)
    assert kernel_cache.is_whole([place, tmp_path / "none"]) == (fault == "sound")


@pytest.mark.parametrize("mode", [0o700, 0o755, 0o1777, 0o777, 0o770])
def test_a_way_through_a_folder_of_everybody_is_not_safe(tmp_path, mode):
    way = tmp_path / "way"
    (way / "terp").mkdir(parents=True)
    way.chmod(mode)
    own_group = mode == 0o770 and kernel_cache._is_own_group(way.stat().st_gid)
    assert kernel_cache.is_on_a_safe_way(way / "terp") == (mode in (0o700, 0o755, 0o1777) or own_group)


@pytest.mark.parametrize("damage", [EOFError(), ValueError("no code")])
def test_damaged_code_is_thrown_away_and_compiled_anew(tmp_path, monkeypatch, damage):
    """Whatever numba meets in a damaged file, the second try is with an empty folder."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    kept = compiled.cache_folder()
    place = kernel_cache.places_of(kept, [compiled._HERE / "pool"])[0]
    place.mkdir()
    (place / "pool_passes.advance-1.py311.nbi").write_bytes(b"")
    tries = []

    class Engine:
        @staticmethod
        def warm_up():
            tries.append(place.exists())
            if place.exists():
                raise damage

    monkeypatch.setattr(compiled, "import_module", lambda _: Engine)
    compiled.kernels.cache_clear()
    with pytest.warns(kernel_cache.CacheNotice, match="is damaged; it was thrown away and is compiled anew"):
        compiled.kernels("pool")
    compiled.kernels.cache_clear()
    assert tries == [True, False]


def test_one_line_before_the_pause_and_progress_in_it(monkeypatch, capsys):
    monkeypatch.setattr("terp.simulate.compiled_before", lambda name: name == "pool")
    monkeypatch.setattr("terp.simulate.kernels", lambda _: time.sleep(0.5))
    monkeypatch.setattr(compiling.subprocess, "Popen", lambda *_, **__: subprocess.Popen([sys.executable, "-c", ""]))
    monkeypatch.setattr(compiling, "_EVERY_S", {True: 0.1, False: 0.1})
    compiling.compile_first(["pool"])
    assert capsys.readouterr().err == ""
    compiling.compile_first(["core"])
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "compiling the simulation's core, once on this machine; about 60 s ..."
    assert lines[1] == "compiling core: 0 s of about 60 s"
