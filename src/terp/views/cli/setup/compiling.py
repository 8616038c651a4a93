"""The one pause of a first simulation: what the verb needs is compiled before it starts, and says how far it is.

Compiled code is kept on disk, so a later run of the same version does not pause again.
"""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Iterable
from typing import Final

import click

TAKES_S: Final = {"core": 60, "pool": 12, "controller": 110}
"""About how long an engine takes to compile on one core [s]."""
_EVERY_S: Final = {True: 1.0, False: 15.0}
"""How often progress is told, where someone watches and where not [s]."""


def compile_first(engines: Iterable[str]) -> None:
    """Compiles the engines that are not there yet, at the same time, and tells of it on stderr; nothing if all are.

    engines   "core", "pool" or "controller"

    The one that takes longest is compiled in this process, each other in a process of its own.  Those end with this call,
    also when it is interrupted.
    """
    from terp.simulate import compiled_before, kernels

    missing = sorted(
        {name for name in engines if name in TAKES_S and not compiled_before(name)}, key=lambda name: -TAKES_S[name]
    )
    if not missing:
        return
    about_s = max(TAKES_S[name] for name in missing)
    words = " and ".join(missing)
    click.echo(f"compiling the simulation's {words}, once on this machine; about {about_s} s ...", err=True)
    ended = threading.Event()
    ticker = threading.Thread(target=_tick, args=(ended, words, about_s), daemon=True)
    ticker.start()
    code = "import sys; from terp.simulate import kernels; kernels(sys.argv[1])"
    others = [
        subprocess.Popen([sys.executable, "-c", code, name], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # noqa: S603
        for name in missing[1:]
    ]
    try:
        kernels(missing[0])
        for other in others:
            other.wait()  # what it could not do is done, or said, when it is used
    finally:
        for other in others:
            other.kill()
        ended.set()
        ticker.join()


def _tick(ended: threading.Event, words: str, about_s: float) -> None:
    """Tells how long it has gone on, over the last line where someone watches, until it has ended.

    ended     is set when the compiling is over;  words   engines, for the message
    about_s   how long it should take [s].  Nobody watches where stderr is no terminal: then it is a line every 15 s
    """
    watched, began = sys.stderr is not None and sys.stderr.isatty(), time.perf_counter()
    while not ended.wait(_EVERY_S[watched]):
        text = f"compiling {words}: {time.perf_counter() - began:.0f} s of about {about_s:.0f} s"
        click.echo(f"\r{text}\033[K" if watched else text, nl=not watched, err=True)
    if watched:
        click.echo("\r\033[K", nl=False, err=True)
