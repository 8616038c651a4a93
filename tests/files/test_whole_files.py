"""What Terp writes stands whole under its name, whatever kills the writer; and nothing of a killed one is left for long."""

import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from terp.errors import Problems
from terp.files import FolderKind, check_target, one_writer, settle, write_folder, write_through, write_whole

TESTS = Path(__file__).parents[1]
KIND = FolderKind("thing", "mark", frozenset({"mark", "other", "page"}))


def python(text, *words):
    """A process that runs a text and is given words."""
    return subprocess.run([sys.executable, "-c", text, *map(str, words)], capture_output=True, text=True, env=environment())


def environment():
    return {**os.environ, "PYTHONPATH": os.pathsep.join([str(TESTS), *sys.path])}


def whole(folder, value):
    """Fills a draft."""
    for name in ("mark", "other"):
        (folder / name).write_text(value)


def test_a_file_is_replaced_whole_and_keeps_its_permissions_and_its_link(tmp_path):
    kept = tmp_path / "kept"
    kept.write_text("old")
    kept.chmod(0o640)
    (tmp_path / "link").symlink_to(kept)
    write_whole(tmp_path / "link", "new")
    assert (kept.read_text(), stat.S_IMODE(kept.stat().st_mode)) == ("new", 0o640)
    assert (tmp_path / "link").is_symlink()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["kept", "link"]


def test_names_as_long_as_the_disk_takes_them(tmp_path):
    write_whole(tmp_path / ("a" * 255), "x")
    with pytest.raises(Problems, match="name it shorter"):
        write_whole(tmp_path / ("a" * 256), "x")


@pytest.mark.parametrize(
    ("place", "says"),
    [
        ("/dev/full", "No space left on device; free some room"),
        ("folder", "is a folder, which cannot be written"),
        ("pipe", "is a pipe that nobody reads"),
        ("no/such/folder", "make the folder that it should lie in first"),
        ("a\0b", "embedded null byte"),
        ("\ud800", "surrogates not allowed"),
        ("mine/under", "Not a directory"),
    ],
)
def test_what_cannot_be_written_is_one_line(tmp_path, place, says):
    (tmp_path / "folder").mkdir()
    (tmp_path / "mine").write_text("")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(Problems, match=says) as error:
        write_whole(tmp_path / place, "x" * 10_000)
    assert len(str(error.value).splitlines()) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["folder", "mine", "pipe"]


def test_a_device_is_written_to_and_not_replaced(tmp_path):
    write_whole(Path("/dev/null"), "x")
    assert stat.S_ISCHR(Path("/dev/null").stat().st_mode)


@pytest.mark.parametrize("error", [OSError(28, "detail"), KeyboardInterrupt(), ValueError("a bug")])
def test_a_write_that_fails_leaves_the_old_file(tmp_path, error):
    (tmp_path / "file").write_text("old")

    def fail(draft):
        draft.write_text("half")
        raise error

    with pytest.raises(Problems if isinstance(error, OSError) else type(error)):
        write_through(tmp_path / "file", fail)
    assert [path.read_text() for path in tmp_path.iterdir()] == ["old"]


SLOW = """
import signal, sys, time
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job ignores it
from pathlib import Path
from terp.files import write_through
write_through(Path(sys.argv[1]), lambda draft: (draft.write_text("half"), print("begun", flush=True), time.sleep(60)))
"""


def test_what_a_killed_writer_left_is_swept_and_what_a_living_one_has_is_not(tmp_path):
    target = tmp_path / "file"
    writers = [
        subprocess.Popen([sys.executable, "-c", SLOW, target], stdout=subprocess.PIPE, env=environment()) for _ in range(2)
    ]
    try:
        for writer in writers:
            assert writer.stdout.readline() == b"begun\n"
        assert len(list(tmp_path.iterdir())) == 2
        writers[0].kill()
        writers[0].wait()
        write_whole(target, "whole")
        left = [path for path in tmp_path.iterdir() if path != target]
        assert [path.read_text() for path in left] == ["half"], "of the living one"
        writers[1].send_signal(signal.SIGINT)
        writers[1].wait()
        assert list(tmp_path.iterdir()) == [target]
    finally:
        for writer in writers:
            writer.kill()
            writer.wait()
            writer.stdout.close()


def test_folders_that_are_no_results_are_refused(tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis").write_text("")
    with pytest.raises(Problems, match="is a folder with other files in it"):
        check_target(tmp_path / "mine", KIND)
    with pytest.raises(Problems, match="is a file, not a folder"):
        check_target(tmp_path / "mine" / "thesis", KIND)
    with pytest.raises(Problems, match="is a file"):
        check_target(tmp_path / "mine" / "thesis" / "under", KIND)
    for name in ("a\0b", "\ud800"):
        with pytest.raises(Problems, match="cannot be written"):
            check_target(tmp_path / name, KIND)


def test_what_is_left_of_a_result_is_written_over_if_it_is_known(tmp_path):
    """Half-deleted: the mark is gone.  A file of ours by its name alone may be anybody's."""
    (tmp_path / "half").mkdir()
    (tmp_path / "half" / "other").write_text("ours")
    with pytest.raises(Problems, match="other files"):
        check_target(tmp_path / "half", KIND)
    known = FolderKind("thing", "mark", KIND.own, lambda path: path.read_text() == "ours")
    write_folder(tmp_path / "half", lambda draft: whole(draft, "new"), known)
    assert (tmp_path / "half" / "mark").read_text() == "new"
    (tmp_path / "half" / "mark").unlink()
    (tmp_path / "half" / "thesis").write_text("")
    with pytest.raises(Problems, match="other files"):
        check_target(tmp_path / "half", known)


KILLS = """
import sys, os
from pathlib import Path
import terp.files.whole_folder as whole_folder
from terp.files import *
from support.kills import at_each_step
how, place = sys.argv[1], Path(sys.argv[2])
kind = FolderKind("thing", "mark", frozenset({"mark", "other", "page"}))
target = place / "run"
if how == "one by one":
    whole_folder._exchange = lambda draft, target: False
number = 0

def write(draft):
    for name in ("mark", "other"):
        (draft / name).write_text(str(number + 1))

def work():
    write_folder(target, write, kind)

def look(step):
    global number
    if how != "exchange":
        settle(target, kind.own)
    if number == 0 and not (target.is_dir() and any(target.iterdir())):
        return
    values = {(target / name).read_text() for name in ("mark", "other")}
    assert values in ({str(number)}, {str(number + 1)}), (step, values)
    if not (target / "notes").exists():
        (target / "notes").write_text("mine")
        if how == "with folders":
            (target / "mine").mkdir()
            (target / "mine" / "more").write_text("mine")
    assert (target / "notes").read_text() == "mine", step
    assert how != "with folders" or (target / "mine" / "more").read_text() == "mine", step
    if values == {str(number + 1)}:
        number += 1
        (target / "page").write_text("of this one")

kills = at_each_step(work, look)
assert kills > 20, kills
write_folder(target, write, kind)
assert [path.name for path in place.iterdir()] == ["run"]
names = {"mark", "other", "notes"} | ({"mine"} if how == "with folders" else set())
assert {path.name for path in target.iterdir()} == names, list(target.iterdir())
print(kills, number)
"""


@pytest.mark.parametrize("how", ["exchange", "one by one", "with folders"])
def test_killed_at_any_step_the_old_result_stands_or_the_new_one(tmp_path, how):
    """The user's own files are under their names throughout; what the killed ones left, the next one sweeps."""
    done = python(KILLS, how, tmp_path)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout.split()[0]) > 20


def test_what_is_written_into_a_folder_while_it_is_replaced_is_kept(tmp_path):
    target = tmp_path / "run"
    write_folder(target, lambda draft: whole(draft, "1"), KIND)

    def write(draft):
        whole(draft, "2")
        (target / "notes").write_text("meanwhile")

    write_folder(target, write, KIND)
    assert (target / "notes").read_text() == "meanwhile"
    assert (target / "mark").read_text() == "2"


HOLD = """
import sys, time
from pathlib import Path
from terp.files import one_writer
with one_writer(Path(sys.argv[1])):
    print("has it", flush=True)
    time.sleep(60)
"""


def test_a_folder_has_one_writer_and_a_dead_one_has_none(tmp_path):
    target = tmp_path / "new" / "run"
    holder = subprocess.Popen([sys.executable, "-c", HOLD, target], stdout=subprocess.PIPE, env=environment())
    try:
        assert holder.stdout.readline() == b"has it\n"
        with pytest.raises(Problems, match=f"is being written by process {holder.pid}; wait"), one_writer(target):
            raise AssertionError
        holder.kill()
        holder.wait()
        with one_writer(target), one_writer(target):
            assert [path.name for path in (tmp_path / "new").iterdir()] == [".run.lock"]
        assert list((tmp_path / "new").iterdir()) == []
        with one_writer(tmp_path / "a" / "b" / "run"):
            pass
        assert not (tmp_path / "a").exists(), "folders that were made for the lock go with it"
    finally:
        holder.kill()
        holder.wait()
        holder.stdout.close()


def test_who_waits_gets_its_turn(tmp_path):
    short = HOLD.replace("sleep(60)", "sleep(1)")
    holder = subprocess.Popen([sys.executable, "-c", short, tmp_path / "run"], stdout=subprocess.PIPE, env=environment())
    heard = []
    with holder:
        assert holder.stdout.readline() == b"has it\n"
        began = time.monotonic()
        with one_writer(tmp_path / "run", heard.append):
            assert time.monotonic() - began > 0.2
    assert [writer.process for writer in heard] == [str(holder.pid)]
    assert list(tmp_path.iterdir()) == []


def test_a_settled_folder_is_left_alone(tmp_path):
    settle(tmp_path, KIND.own)
    settle(tmp_path / "none", KIND.own)
    assert list(tmp_path.iterdir()) == []
