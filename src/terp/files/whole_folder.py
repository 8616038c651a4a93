"""Folders that stand under their name whole: the earlier result or the new one, whatever kills the writer and whenever.

A draft is filled beside the folder.  Where nothing stands yet it is renamed; where an earlier result does, the two change
places in one step of the system, and the earlier one goes.  What else lies in the folder is the user's: it is under its
name at every moment, as a second name of the same file.  Where the system cannot do that, files are put in their places one
by one, after they all lie in the folder; whoever comes next ends that if it was cut short.
"""

from __future__ import annotations

import ctypes
import errno
import os
import re
import secrets
import shutil
import stat
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from terp.errors import Problem, Problems
from terp.files.folder_lock import inside, one_writer
from terp.files.same_question import Question, differences_of, named_differences
from terp.files.whole_file import DRAFT, cannot_write, remove_if_left, short_name, sync_folder

COMMIT: Final = ".terp-commit"
"""A folder in a result's folder, with the files that are to take their places: it is whole, or it is not there."""
_AT_CWD, _EXCHANGE = -100, 2  # of renameat2


@dataclass(frozen=True)
class FolderKind:
    """A kind of result that has a folder.

    title    what it is called: "run"
    mark     the file that every one has
    own      names that its files may have; whatever else lies in its folder is the user's
    is_ours  whether a file of such a name is one that Terp wrote, by what is in it; asked where the mark is gone
    question what the result that lies in a folder answers; None where nothing lies there, or where that cannot be told
    """

    title: str
    mark: str
    own: frozenset[str]
    is_ours: Callable[[Path], bool] = lambda _: False
    question: Callable[[Path], Question | None] = lambda _: None

    def may_stand_at(self, folder: Path) -> bool:
        """True if a folder is empty, holds one of this kind, or what is left of one and nothing else."""
        if (folder / self.mark).is_file() or (folder / COMMIT / self.mark).is_file():
            return True
        names = {path.name for path in folder.iterdir() if not _is_left(path.name, self.own)}
        return not names or (names <= self.own and any(self.is_ours(folder / name) for name in sorted(names)))


def check_target(folder: Path, kind: FolderKind, question: Question | None = None) -> None:
    """Raises Problems unless a result can be written to `folder`: new, empty, or an earlier one of its kind.

    question   what the result answers: an earlier one there that answers something else is not replaced; None: whatever it
               answers

    Called before a long computation as well as before a write, so that nothing is computed that could not be kept.
    Nothing is written to find out.
    """
    try:
        target = Path(os.path.realpath(folder))
        if Path.cwd().is_relative_to(target):
            raise _problem(folder, "is the folder you are in, or holds it", "go elsewhere or name another folder with -o")
        if target.exists() and not target.is_dir():
            raise _problem(folder, "is a file, not a folder", "name another folder with -o")
        if target.is_dir() and not kind.may_stand_at(target):
            raise _problem(folder, "is a folder with other files in it", "name a new folder with -o")
        kept = kind.question(target) if question is not None and target.is_dir() else None
        if kept is not None and question is not None and (differences := differences_of(kept, question)):
            wrong = f"holds a {kind.title} of another question ({named_differences(differences)})"
            raise _problem(folder, wrong, "name a new folder with -o, or replace it with --force")
        parent = target.parent
        while not parent.exists():
            parent = parent.parent
        place = target if inside(target) else parent
        if not place.is_dir():
            raise _problem(folder, f"cannot be written: {place} is a file", "name another folder with -o")
        if not os.access(place, os.W_OK | os.X_OK):
            read_only = os.statvfs(place).f_flag & os.ST_RDONLY
            raise cannot_write(folder, OSError(errno.EROFS if read_only else errno.EACCES, ""))
    except (OSError, ValueError) as error:
        raise cannot_write(folder, error) from None


def write_folder(folder: Path, write: Callable[[Path], None], kind: FolderKind, question: Question | None = None) -> None:
    """Has a folder written as a draft, and puts it under its name when it is whole.  Raises Problems.

    folder   the final name; the folders above it are made
    write    called with the draft's folder, which it fills with files of the names that `kind` owns, and no folders
    kind     of the result, whose earlier files go
    question what the result answers, as of `check_target`

    An earlier result of the same kind is replaced; other files that lie beside it stay where they are.  Another process that
    is writing there is waited for.
    """
    check_target(folder, kind, question)
    target = Path(os.path.realpath(folder))
    with one_writer(folder, waiting=lambda _: None):
        draft = None
        try:
            sweep_left(target, kind)
            draft = _new_draft(target)
            write(draft)
            _sync(draft)
            _put(draft, target, kind)
        except OSError as error:
            raise cannot_write(folder, error) from None
        finally:
            if draft is not None:
                shutil.rmtree(draft, ignore_errors=True)


def sweep_left(target: Path, kind: FolderKind) -> None:
    """Removes what killed writers of a folder left, beside it and in it, and ends what one began.

    target   the folder, its links followed;  kind   of what lies in it

    Called by who has the folder's lock: then no other writer lives, and every draft of the folder is one of a killed one.
    """
    settle(target, kind.own)
    prefix = f".{short_name(target.name)}."
    with suppress(OSError):
        for path in [path for path in target.parent.iterdir() if path.name.startswith(prefix)]:
            match = DRAFT.fullmatch(path.name)
            if match and match["name"] == short_name(target.name) and path.suffix == ".draft":
                shutil.rmtree(path, ignore_errors=True)
    with suppress(OSError):
        for path in list(target.iterdir()):
            if path.is_dir() and re.fullmatch(r"\.terp\.[0-9a-f]{8}\.draft", path.name):
                shutil.rmtree(path, ignore_errors=True)
            elif _is_left(path.name, kind.own):
                remove_if_left(path)


def settle(folder: Path, own: Collection[str]) -> None:
    """Puts the files of a write that was cut short in their places, where that was begun; readers call it as well.

    own   names that files of the result may have.  What cannot be moved, on a read-only disk, stays.
    """
    commit = folder / COMMIT
    if not commit.is_dir():
        return
    with suppress(OSError):
        if (commit / ".names").is_file():
            _take_places(commit, folder, own)
        else:  # all have moved
            shutil.rmtree(commit)


def _take_places(commit: Path, folder: Path, own: Collection[str]) -> None:
    """Moves all files of a commit into its folder; what an earlier result had besides goes first.

    commit   with the files, and a list of their names, so that it is known what belongs after some have moved
    folder   where they go;  own   names that an earlier result may have had

    May be cut short at any point, and be done again by the next.
    """
    listed = (commit / ".names").read_text("utf-8").splitlines()
    for name in set(own) - set(listed):
        (folder / name).unlink(missing_ok=True)
    for name in listed:
        with suppress(FileNotFoundError):  # it has moved
            (commit / name).replace(folder / name)
    sync_folder(folder)
    shutil.rmtree(commit, ignore_errors=True)


def _new_draft(target: Path) -> Path:
    """An empty folder for a draft, on the disk that the result will lie on."""
    digits = secrets.token_hex(4)
    place = target / f".terp.{digits}.draft" if inside(target) else None
    draft = place or target.with_name(f".{short_name(target.name)}.{digits}.draft")
    draft.mkdir()
    return draft


def _sync(draft: Path) -> None:
    """Brings all files of a draft to the disk, so that they cannot come out cut under their final names."""
    for path in draft.iterdir():
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
    sync_folder(draft)


def _put(draft: Path, target: Path, kind: FolderKind) -> None:
    """Puts a whole draft under its name.

    draft    filled and brought to the disk;  target   the folder, its links followed
    kind     of the result, whose names are told from those of the user's files

    Where nothing stands it is renamed.  Else the two change places; where that cannot be, files take theirs one by one.
    """
    if not target.exists():
        draft.rename(target)
    elif inside(target) or not _link_others(target, draft, kind.own) or not _exchange(draft, target):
        _one_by_one(draft, target, kind.own)
    else:
        _keep_newer(draft, target, kind.own)
    sync_folder(target.parent)


def _link_others(target: Path, draft: Path, own: Collection[str]) -> bool:
    """Gives the user's files of a folder a second name in the draft; False if one can have none, as folders.

    So they are under their names in either folder, whichever of the two is deleted in the end.
    """
    for path in target.iterdir():
        if path.name in own or _is_left(path.name, own):
            continue
        try:
            if path.is_symlink() or path.is_file():
                os.link(path, draft / path.name, follow_symlinks=False)
            else:
                return False
        except OSError:
            return False
    return True


def _exchange(draft: Path, target: Path) -> bool:
    """Lets two folders change names in one step; False where the system cannot.

    draft, target   on one disk; afterwards the earlier result lies under the draft's name

    Linux has it as renameat2, on most disks; there is no moment at which nothing stands under the target's name.
    """
    try:
        rename = ctypes.CDLL(None, use_errno=True).renameat2
    except (AttributeError, OSError):
        return False
    draft.chmod(stat.S_IMODE(target.stat().st_mode))
    return bool(rename(_AT_CWD, os.fsencode(draft), _AT_CWD, os.fsencode(target), _EXCHANGE) == 0)


def _keep_newer(old: Path, target: Path, own: Collection[str]) -> None:
    """What the user wrote into the earlier folder while it was exchanged goes to the new one.

    old      the earlier folder, which now has the draft's name and will be deleted
    target   the new result;  own   names of files of the result, which stay behind
    """
    for path in list(old.iterdir()):
        if path.name in own or _is_left(path.name, own):
            continue
        there = target / path.name
        if not os.path.lexists(there) or not os.path.samestat(there.lstat(), path.lstat()):
            path.replace(there)


def _one_by_one(draft: Path, target: Path, own: Collection[str]) -> None:
    """Puts the files of a draft into a folder that stays: all of them lie in it, whole, before the first takes its place.

    draft    on the same disk as the target;  own   names of files of the result, the only ones that are touched

    The renaming of the draft is the moment at which the new result stands: `settle` ends what is left to do.
    """
    for path in list(draft.iterdir()):
        if path.name not in own:
            path.unlink()  # a second name of a file of the user's
    names = sorted(path.name for path in draft.iterdir())
    (draft / ".names").write_text("\n".join(names), "utf-8")
    _sync(draft)
    commit = target / COMMIT
    draft.rename(commit)  # from here on the new result stands, and settle() ends what is left to do
    _take_places(commit, target, own)


def _is_left(name: str, own: Collection[str]) -> bool:
    """True for a name that drafts, commits and locks of Terp's have in a result's folder."""
    if name in (COMMIT, ".terp.lock"):
        return True
    match = DRAFT.fullmatch(name)
    return match is not None and (match["name"] in own or match["name"] == "terp")


def _problem(folder: Path, wrong: str, would_do: str) -> Problems:
    """A refusal that concerns a folder: what is wrong with it, and what would do instead."""
    return Problems([Problem(str(folder), 0, 0, "", wrong, would_do=would_do)])
