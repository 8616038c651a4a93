"""What users add to Terp, in Python of their own: formats of traces, policies, and families of neural
networks.

    import terp

    @terp.extend.trace_format("borg", sees=lambda head: head.startswith(b"time_us,"))
    def borg(path, reading):
        yield {"submit_s": [...], "nodes": [...], "run_s": [...]}

A registration holds for the process that made it.  `terp` on the terminal loads the files that the environment
variable TERP_PLUGINS names.  docs/howto/own-trace.md shows both; what ships is never replaced.

How it works: a registration adds an entry to a table that the reader of traces, the reader of model files or
the predictor of trainings looks up by name, so that a user's entry takes the very path of one that ships.  What
the user's function gives is checked at that border, and what it raises is told with the file, not as a
traceback.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import re
import stat
import sys
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Final, Literal, TypeVar, get_args

from terp.connect import Known
from terp.connect.traces import formats
from terp.connect.traces.job_columns import JobColumns, TraceReader, rows_by
from terp.connect.traces.trace_rows import Reading
from terp.describe import MODEL_FAMILIES, ModelFile, shipped_names
from terp.describe.checks.model_checks import FAMILY_MISFITS
from terp.describe.science import Wrong
from terp.errors import Problem, Problems
from terp.physics.neural import families
from terp.physics.neural.work import AttentionWork, Layer, Product, Work
from terp.simulate.engine.own_policy import ClusterView, PolicyJobs, RunningJob, WaitingJob, own_policy

__all__ = [
    "AttentionWork",
    "ClusterView",
    "JobColumns",
    "Known",
    "Layer",
    "ModelFile",
    "PolicyJobs",
    "Product",
    "Reading",
    "RunningJob",
    "WaitingJob",
    "Work",
    "load_plugins",
    "model_family",
    "policy",
    "trace_format",
]

Reader = TypeVar("Reader", bound=TraceReader)
Model = TypeVar("Model", bound=ModelFile)
Chooser = TypeVar("Chooser", bound=Callable[..., object])
PLUGINS: Final = "TERP_PLUGINS"
"""Environment variable that names files of Python, parted as in PATH."""
_SHIPPED_FORMATS: Final = frozenset(formats.TRACE_FORMATS)
_SHIPPED_FAMILIES: Final = frozenset(MODEL_FAMILIES)
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9.\-]{0,63}")
"""What a name of a format or of a family may be, as `terp.reader.Name` has it."""


def trace_format(name: str, sees: Callable[[bytes], bool] | None = None) -> Callable[[Reader], Reader]:
    """Registers the reader of a format of traces, which `read_trace` and `terp simulate --trace` then know.

    name   what the format is called: small letters, digits, dots and dashes
    sees   whether a file is of this format, by its first 64 KiB, unpacked; never by itself if absent

    The function takes the path and a `Reading`, and yields blocks of jobs as columns (docs/howto/own-trace.md).  It may
    count what it leaves out with `reading.tally.add(reason, lines)`, and raise `reading.problem(wrong, would_do)`.
    Registering a name of yours again replaces it.  Raises Problems for a name that ships or cannot be one.
    """
    _check_name("format of traces", name, _SHIPPED_FORMATS)

    def register(reader: Reader) -> Reader:
        formats.READERS[name] = partial(rows_by, name, reader)
        formats.SEERS.pop(name, None)
        if sees is not None:
            formats.SEERS[name] = sees
        return reader

    return register


def model_family(
    name: str, record: type[Model], misfits: Callable[[Model], Iterable[Wrong]] | None = None
) -> Callable[[Callable[[Model, int], Work]], Callable[[Model, int], Work]]:
    """Registers a family of neural networks: model files with `family: NAME` are then read, checked and predicted.

    record    its model file: a `ModelFile` with the field `family: Literal[NAME]`, and shapes whose names end with their
              unit (`hidden_size`, `layers_count`), which the file writes without it
    misfits   what is wrong with a model's shapes: path of the key, what, and what would do; nothing is, if absent

    The function takes a model and the tokens of a sample, 0 where samples are not counted in tokens, and gives the `Work` of
    one sample.  Raises Problems for a name that ships or cannot be one, and for a record that does not fit it.
    """
    _check_name("family of models", name, _SHIPPED_FAMILIES)
    field = record.model_fields.get("family") if isinstance(record, type) and issubclass(record, ModelFile) else None
    if field is None or get_args(field.annotation) != (name,):
        would_do = f"a ModelFile with the field `family: Literal[{name!r}]` would do"
        raise Problems([Problem("", 0, 0, "record", f"no record of the family {name!r}", repr(record), would_do)])

    def register(work: Callable[[Model, int], Work]) -> Callable[[Model, int], Work]:
        MODEL_FAMILIES[name] = record
        families.WORKS[name] = partial(_checked_work, name, work)
        FAMILY_MISFITS[name] = misfits or _nothing
        return work

    return register


def policy(name: str, *, by: Literal["choice", "order"] = "choice", title: str = "") -> Callable[[Chooser], Chooser]:
    """Registers how a machine is shared: `policy=` and `--policy` know it by its name, `policy=` by the function too.

    name    what the policy is called: small letters, digits, dots and dashes
    by      choice: the function is `choose(waiting, cluster, now)`, asked whenever anything happens which jobs start now,
            and the reference engine runs it, in plain Python
            order: it is `order(jobs)`, asked once for a number a job, the lower first, and the compiled engines run it, with
            EASY backfill
    title   for people; the name, if empty

    `choose` is given the waiting jobs in order of submission (`WaitingJob`), the nodes (`ClusterView`) and the time [s], and
    gives jobs or their indices, or pairs of a job and the numbers of its nodes.  `order` is given `PolicyJobs`.  What fails
    or answers nonsense becomes Problems that name policy, job and time (docs/howto/own-policy.md).
    Registering a name of yours again replaces it.  Raises Problems for a name that ships or cannot be one.
    """
    _check_name("policy", name, frozenset(shipped_names("policies")))

    def register(function: Chooser) -> Chooser:
        own_policy(name, function, by=by, title=title)
        return function

    return register


def load_plugins(paths: str) -> None:
    """Runs files of Python that register what users add, in order; `paths` are parted as in PATH.

    Raises Problems for a file that is not there, that fails, or that others could have written: it, its folder and the
    folders above must belong to you or root, and be writable by nobody else.
    """
    for text in filter(None, paths.split(os.pathsep)):
        path = Path(text).expanduser().resolve()
        _check_owner(path)
        name = "terp_plugin_" + hashlib.sha256(str(path).encode()).hexdigest()[:12]
        spec = importlib.util.spec_from_file_location(name, path)
        if spec is None or spec.loader is None:
            raise _problem(path, "no file of Python", "name a file that ends with .py")
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        try:
            spec.loader.exec_module(module)
        except Problems:
            raise
        except Exception as error:  # a user's own code: whatever it raises is said with the file
            raise _problem(path, f"cannot be loaded: {type(error).__name__}: {error}", "mend it") from error


def _check_owner(path: Path) -> None:
    """Raises Problems unless only the user and root can write a file, or put another in its place.

    A file of plugins runs with the user's rights on every call of `terp`, so it is held to the rule of ssh and
    sudo.  A folder above with the sticky bit, such as /tmp, passes, since nobody else can rename what is in it.
    """
    if not path.is_file():
        raise _problem(path, "is no file", f"correct the environment variable {PLUGINS}")
    for place in (path, *path.parents):
        seen = place.stat()
        shared = bool(seen.st_mode & (stat.S_IWGRP | stat.S_IWOTH))
        sticky = bool(seen.st_mode & stat.S_ISVTX) and place not in (path, path.parent)
        if seen.st_uid not in (0, os.getuid()):
            raise _problem(path, f"is not loaded: {place} belongs to another user", "copy it to a folder of your own")
        if shared and not sticky:
            raise _problem(path, f"is not loaded: others can write {place}", f"chmod go-w {place}")


def _checked_work(name: str, work: Callable[[Model, int], object], model: Model, tokens: int) -> Work:
    """The work of a model of a user's family.  Raises Problems unless it is a `Work`.

    tokens   tokens of a sample; 0 where samples are not counted in tokens
    """
    made = work(model, tokens)
    if not isinstance(made, Work):
        would_do = "give a terp.extend.Work"
        raise Problems([Problem("", 0, 0, name, "its function gives no work", type(made).__name__, would_do)])
    return made


def _nothing(_: object) -> tuple[Wrong, ...]:
    """No misfits."""
    return ()


def _check_name(kind: str, name: str, shipped: frozenset[str]) -> None:
    """Raises Problems for a name that cannot be one, or that an entry which ships already has."""
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise Problems(
            [Problem("", 0, 0, "name", f"no name of a {kind}", repr(name), "small letters, digits, dots, dashes")]
        )
    if name in shipped:
        raise Problems([Problem("", 0, 0, "name", f"a {kind} of this name ships", repr(name), "choose another")])


def _problem(path: Path, wrong: str, would_do: str) -> Problems:
    """A refusal of a file of plugins."""
    return Problems([Problem(str(path), 0, 0, "", wrong, would_do=would_do)])
