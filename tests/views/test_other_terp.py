"""Another project's `terp` in the same environment: said in one line, with what to do."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import terp
from terp.views.cli.setup.other_terp import in_the_way

OURS = "[console_scripts]\nhpc-terp = terp.views.cli.main:main\nterp = terp.views.cli.main:main\n"
THEIRS = "[console_scripts]\nterp = terp.cli.__main__:app\n"


def installed(folder, name, entry_points=None, record=""):
    info = folder / f"{name}.dist-info"
    info.mkdir(parents=True)
    if entry_points:
        (info / "entry_points.txt").write_text(entry_points)
    (info / "RECORD").write_text(record)


def command(folder, *words):
    """`python -m terp` with a folder of installed packages on its path."""
    path = os.pathsep.join([str(Path(terp.__file__).parents[1]), str(folder)])
    return subprocess.run(
        [sys.executable, "-m", "terp", *words],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": path},
    )


@pytest.mark.parametrize(
    ("name", "entry_points", "record"),
    [
        ("terp_cli-0.34.0", THEIRS, "terp/cli/__main__.py,,\n"),
        ("terp_core-0.34.0", None, "terp_core-0.34.0.dist-info/METADATA,,\nterp/core/__init__.py,sha256=x,10\n"),
        ("terp-2.0", None, "terp/__init__.py,,\n"),
        ("landscape-1.0", "[gui_scripts]\nx = y:z\n\n[console_scripts]\nterp=landscape:mound\n", "landscape.py,,\n"),
    ],
)
def test_who_is_in_the_way_is_named_with_what_to_do(tmp_path, name, entry_points, record):
    installed(tmp_path, name, entry_points, record)
    done = command(tmp_path, "show", "gefion")
    assert (done.returncode, done.stdout) == (2, "")
    [line] = done.stderr.splitlines()
    project, number = name.replace("_", "-").rsplit("-", 1)
    assert f"another `terp` is in the way in this environment ({project} {number})" in line
    assert line.endswith(f"or remove the other: pip uninstall {project}")


def test_our_own_distribution_and_those_of_others_are_not_in_the_way(tmp_path):
    """By its name of today, by an earlier one, and packages whose names only begin alike."""
    installed(tmp_path, "hpc_terp-0.1.0", OURS, "terp/__init__.py,,\nterp/views/cli/main.py,,\n")
    installed(tmp_path, "terp-0.1.0", OURS, "terp/__init__.py,,\nterp/views/cli/main.py,,\n")
    installed(tmp_path, "terpy-0.0.1", None, "terpy/__init__.py,,\n")
    installed(tmp_path, "terp_themes-1.0", None, "themes/__init__.py,,\n")
    assert in_the_way([str(tmp_path), str(tmp_path / "absent"), ""], "0.1.0") is None
    assert command(tmp_path, "--version").stdout.startswith("terp, version ")


def test_a_first_file_that_is_not_ours_is_seen(tmp_path):
    """Another package may have overwritten ours, and then there is no version."""
    line = in_the_way([str(tmp_path)], "")
    assert "its first file is not ours" in line
    assert "pip uninstall" not in line
