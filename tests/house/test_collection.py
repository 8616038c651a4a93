"""Every file of tests is one that pytest runs: a folder that it passes over tells nobody."""

import subprocess
import sys
from pathlib import Path

TESTS = Path(__file__).parents[1]
LISTED = """
import sys, pytest

class Files:
    "Notes each file that pytest would read tests from, and reads none: that takes a second, not a minute."

    def pytest_pycollect_makemodule(self, module_path, parent):
        print(f"file {module_path}")
        return Empty.from_parent(parent, name=module_path.name)

class Empty(pytest.Collector):
    def collect(self):
        return []

pytest.main(["--collect-only", "-s", *sys.argv[1:]], plugins=[Files()])
"""


def collected(*options):
    """The files that pytest would run without being given a path."""
    words = [sys.executable, "-c", LISTED, "-p", "no:cacheprovider", *options]
    done = subprocess.run(words, cwd=TESTS.parent, capture_output=True, text=True, check=True)
    return {Path(line.removeprefix("file ")) for line in done.stdout.splitlines() if line.startswith("file ")}


def test_every_test_file_is_collected():
    assert set(TESTS.rglob("test_*.py")) - collected() == set()


def test_a_folder_that_is_passed_over_would_be_seen():
    """As pytest does with a folder called `build` by default."""
    missing = set(TESTS.rglob("test_*.py")) - collected("-o", "norecursedirs=.* hardware")
    assert missing == set((TESTS / "hardware").rglob("test_*.py")) != set()
