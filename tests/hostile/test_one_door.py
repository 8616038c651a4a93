"""One way to read: no module opens, parses or decompresses a file of the user but those that hold the limits."""

import re
from pathlib import Path

import terp

PACKAGE = Path(terp.__file__).parent
DOOR = ("files/",)
"""Where files are opened, with limits."""
OWN = {
    "catalogue/": "what ships, by importlib",
    "connect/traces/swf_writer.py": "writes",
    "connect/traces/trace_parquet.py": "writes",
    "plan/outcome/plan_folder.py": "writes; and of an earlier plan of ours, which is replaced, the names of its files",
    "plan/machines/workload_writer.py": "parses a text that the door gave",
    "results/": "folders of ours, through terp.files; and which of their files are ours, before they are replaced",
    "simulate/engine/": "compiled code in a folder of the user's own",
    "simulate/kernel_cache.py": "the same",
    "views/": "templates and words that ship",
}
"""Modules that open files which nobody hands over, and why."""
OPENS = re.compile(
    r"\.read_text\(|\.read_bytes\(|(?<![\w.])open\(|\.open\(|gzip\.open|GzipFile|bz2|lzma|pq\.(read_|ParquetFile)|json\.load\("
    r"|yaml\.(safe_)?load\(|pd\.read_|np\.(load|loadtxt|genfromtxt)\("
)


def places():
    for path in sorted(PACKAGE.rglob("*.py")):
        name = path.relative_to(PACKAGE).as_posix()
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
            if OPENS.search(line.partition("#")[0]) and "resources." not in line:
                yield name, number


def test_files_are_opened_through_the_door():
    wrong = [f"{name}:{number}" for name, number in places() if not name.startswith((*DOOR, *OWN))]
    assert wrong == []


def test_the_door_is_seen():
    """The test above can fail: the modules that open files are among what it finds."""
    assert {"files/open_file.py", "files/parquet_file.py"} <= {name for name, _ in places()}
