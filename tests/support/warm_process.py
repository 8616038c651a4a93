"""`terp` in a process that has read its modules before: each call is a process of its own still, forked from a warm one.

A test that types `terp show gefion` waits for the answer and not for a second of imports.  What it is given is what a
shell gives: arguments, a folder, an environment, and three open files; what comes back is an exit code.

    python tests/support/warm_process.py SOCKET        serves until its standard input ends
    python -S tests/support/warm_process.py SOCKET -- show gefion      asks it, as the `terp` of a shell does

Who starts up differently, such as with another cache of compiled code, is told by `is_fit` and takes a real start.
"""

import atexit
import gc
import json
import os
import select
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import traceback
from contextlib import suppress
from pathlib import Path

STARTS_WITH = ("TERP_", "XDG_", "NUMBA_", "PYTHON", "HOME", "PATH_", "LC_", "LANG")
"""Variables that Terp or its libraries look at when they are read."""
MODULES = (
    "terp.views.cli.main", "terp.views.cli.simulate", "terp.views.cli.sweep", "terp.views.cli.plan", "terp.views.cli.predict",
    "terp.views.cli.report", "terp.views.cli.show", "terp.views.cli.compare", "terp.views.cli.validate", "terp.plan",
    "terp.simulate", "terp.sweep", "terp.predict", "terp.validate", "terp.views.report.written",
    "terp.views.text.summary_text", "terp.views.text.plan_text", "terp.views.brief.brief_page",
)  # fmt: skip
"""What verbs read first."""


def of_start(environment):
    """The part of an environment that a start depends on."""
    return {name: value for name, value in environment.items() if name.startswith(STARTS_WITH)}


class WarmProcess:
    """A process with the modules of Terp in it, which forks one for each call; it ends with the one that made it."""

    def __init__(self):
        self.folder = tempfile.TemporaryDirectory(prefix="terp-warm-")
        self.socket = str(Path(self.folder.name) / "socket")
        self.environment = of_start(os.environ)
        words = [sys.executable, __file__, self.socket]
        one = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}  # what forks has no other threads
        self.process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=one)
        assert self.process.stdout.readline() == b"ready\n"

    def is_fit(self, environment):
        """Whether it started as this environment would have it."""
        return of_start(environment) == self.environment and self.process.poll() is None

    def run(self, words, cwd=None, environment=None):
        """A finished `terp` with the bytes that it wrote."""
        return called(self.socket, words, cwd, environment)

    def end(self):
        """Ends the process; calls that are still answered end by themselves."""
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()
        self.folder.cleanup()


def called(path, words, cwd=None, environment=None):
    """A finished `terp` with the bytes that it wrote.

    path   of the socket of a warm process
    """
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err, Path(os.devnull).open("rb") as nothing:
        files = [nothing.fileno(), out.fileno(), err.fileno()]
        code = asked(path, words, str(cwd or Path.cwd()), dict(os.environ if environment is None else environment), files)
        out.seek(0)
        err.seek(0)
        return subprocess.CompletedProcess(["terp", *words], code, out.read(), err.read())


class Call:
    """A call that was begun: its process can be sent a signal, and its exit code waited for."""

    def __init__(self, path, words, folder, environment, files):
        self.line = socket.socket(socket.AF_UNIX)
        self.line.connect(path)
        content = json.dumps([list(words), folder, environment]).encode()
        socket.send_fds(self.line, [struct.pack("<q", len(content))], files)
        self.line.sendall(content)
        self.pid = self._number()

    def send(self, what):
        """Sends its process a signal, if it has not ended."""
        with suppress(ProcessLookupError):
            os.kill(self.pid, what)

    def code(self):
        """Its exit code; below zero is a signal, as of subprocess."""
        with self.line:
            return self._number()

    def _number(self):
        answer = self.line.recv(8, socket.MSG_WAITALL)
        assert len(answer) == 8, "the warm process went"
        return struct.unpack("<q", answer)[0]


def asked(path, words, folder, environment, files):
    """Has a call done; its exit code."""
    return Call(path, words, folder, environment, files).code()


def serve(path):
    """Takes calls until standard input ends, in as many processes as there are calls."""
    from importlib import import_module

    for name in MODULES:
        import_module(name)
    from terp.simulate.engine.compiled import compiled_before, kernels

    if compiled_before("core"):
        kernels("core")
    gc.collect()
    gc.freeze()  # so that a child does not copy pages to look for what can go
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(path)
        door.listen()
        os.write(1, b"ready\n")
        while True:
            ready, _, _ = select.select([door, 0], [], [])
            if 0 in ready:
                os._exit(0)
            line, _ = door.accept()
            if os.fork() == 0:
                door.close()
                answer(line)
                return
            line.close()
            with suppress(ChildProcessError):
                while os.waitpid(-1, os.WNOHANG)[0]:
                    pass


def answer(line):
    """Reads a call, has a child become it, and says how that ended.  Returns in the child alone."""
    head, files, _, _ = socket.recv_fds(line, 8, 3)
    content = b""
    while len(content) < struct.unpack("<q", head)[0]:
        content += line.recv(1 << 20)
    words, folder, environment = json.loads(content)
    child = os.fork()
    if child:
        line.sendall(struct.pack("<q", child))
        status = os.waitpid(child, 0)[1]
        with suppress(BrokenPipeError):  # who asked has gone
            line.sendall(struct.pack("<q", os.waitstatus_to_exitcode(status)))
        os._exit(0)
    line.close()
    for number, file in enumerate(files):
        os.dup2(file, number)
        os.close(file)
    sys.stdin, sys.stdout, sys.stderr = (  # as Python makes them of the files that it starts with
        open(number, mode, 1 if number == 2 or os.isatty(number) else -1, stream.encoding, stream.errors, closefd=False)  # noqa: SIM115
        for number, (mode, stream) in enumerate((("r", sys.stdin), ("w", sys.stdout), ("w", sys.stderr)))
    )
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    sys.argv[1:] = words
    sys.argv[0] = "terp"
    sys.path[0] = folder  # as of `python -m terp`


def become():
    """Is `python -m terp` from here on, to its end, but for taking its modules apart, which takes a while."""
    from terp.views.cli.main import main

    code = 0
    try:
        main()
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else int(error.code is not None)
    except BaseException:  # noqa: BLE001 - as Python shows it
        traceback.print_exc()
        code = 1
    threading._shutdown()
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        if stream is not None and not stream.closed:
            stream.flush()
    os._exit(code)


if __name__ == "__main__":
    if sys.argv[2:3] == ["--"]:
        sys.exit(asked(sys.argv[1], sys.argv[3:], str(Path.cwd()), dict(os.environ), [0, 1, 2]) % 256)
    serve(sys.argv[1])
    become()
