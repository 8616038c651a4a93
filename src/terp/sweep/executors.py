"""Who does the work of a sweep: processes of this machine, or workers of a Dask scheduler.  Each is an Executor."""

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
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def processes(workers: int) -> Crew:
    """New processes of this machine.  They leave when the process that started them does, however it ends."""

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
    """Readies a new process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the first process hears it and says what to do
    threading.Thread(target=_leave_with_parent, daemon=True).start()
    kernels()


def _leave_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def dask(address: str) -> Crew:
    """Workers of the Dask scheduler at `address`, such as `tcp://10.0.0.1:8786`.

    Raises Problems if Dask is not installed, or if nobody answers or works there.
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
    try:
        import distributed  # noqa: PLC0415 - an extra, for who has a scheduler
    except ImportError:
        raise _refused("Dask is not installed", "install terp[dask]") from None
    return distributed


def _refused(wrong: str, would_do: str) -> Problems:
    return Problems([Problem("", 0, 0, "--scheduler", wrong, would_do=would_do)])
