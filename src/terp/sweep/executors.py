"""Who does the work of a sweep: processes of this machine, or workers of a Dask scheduler.  Each is an Executor.

A crew is a function that opens an executor, and not the executor itself: a pool whose worker was killed is of no more use,
and the sweep asks for a new one.

`processes` and `dask` give crews.  A sweep sends either of them batches of scenarios, as `points.do_batch` takes them.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from terp.errors import Problem, Problems
from terp.simulate.engine.compiled import kernels

Crew = Callable[[], AbstractContextManager[tuple[Executor, int]]]
"""Gives a fresh executor and how many work in it; asked again when one breaks."""


def cores() -> int:
    """How many cores this process may use, by its affinity where the system tells; else all of the machine, at least 1."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def processes(workers: int) -> Crew:
    """New processes of this machine.  They leave when the process that started them does, however it ends.

    workers   how many, 1 or more

    They are spawned and not forked, since threads of Arrow and Numba do not outlive a fork.  A script that calls this must
    guard its main part with `if __name__ == "__main__"`.
    """

    @contextmanager
    def crew() -> Iterator[tuple[Executor, int]]:
        kernels()  # compiled once, here, before many would do so at a time
        others = set(multiprocessing.active_children())
        executor = ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), _begin)
        try:
            yield executor, workers
        except BaseException:
            executor.shutdown(wait=False, cancel_futures=True)
            for child in set(multiprocessing.active_children()) - others:
                child.terminate()
            raise
        executor.shutdown()

    return crew


def _begin() -> None:
    """Readies a new process: deaf to Ctrl-C, gone with its parent, and with the kernels loaded."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the first process hears it and says what to do
    threading.Thread(target=_leave_with_parent, daemon=True).start()
    kernels()


def _leave_with_parent() -> None:
    """Ends this process as soon as its parent has ended, so that none is left behind a killed sweep."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def dask(address: str) -> Crew:
    """Workers of the Dask scheduler at `address`, such as `tcp://10.0.0.1:8786`.

    The number of workers is that of their threads when the crew is opened; they need the same release of this program.
    Raises Problems, when it is opened, if Dask is not installed, or if nobody answers or works there.
    """

    @contextmanager
    def crew() -> Iterator[tuple[Executor, int]]:
        distributed = _distributed()
        try:
            client = distributed.Client(address)
        except (OSError, ValueError) as error:
            wrong = f"no Dask scheduler answers at {address}: {str(error).splitlines()[0]}"
            raise _refused(wrong, "start one with `dask scheduler`, and name its address") from None
        with client:
            threads = sum(client.nthreads().values())
            if threads == 0:
                raise _refused(f"no worker at {address}", f"start some with `dask worker {address} --nthreads 1`")
            with client.get_executor(pure=False) as executor:
                yield executor, threads

    return crew


def _distributed() -> Any:
    """The module `distributed` of Dask.  Raises Problems where it is not installed."""
    try:
        import distributed  # noqa: PLC0415 - an extra, for who has a scheduler
    except ImportError:
        raise _refused("Dask is not installed", "install terp[dask]") from None
    return distributed


def _refused(wrong: str, would_do: str) -> Problems:
    """Problems of the option that names the scheduler.

    wrong   what is the matter, in words;  would_do   instead, such as a command to run first
    """
    return Problems([Problem("", 0, 0, "--scheduler", wrong, would_do=would_do)])
