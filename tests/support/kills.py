"""Kills a process at each of its steps on the disk, one after another, and looks at what stands there after each.

Run in a process of its own, without threads: it forks.  A step is whatever Python audits of files: opening, renaming, linking,
making and removing; so every state that a kill can leave between two of them is seen.
"""

import os
import signal
import sys

STEPS = (
    "open",
    "os.rename",
    "os.link",
    "os.mkdir",
    "os.remove",
    "os.rmdir",
    "os.scandir",
    "os.listdir",
    "os.chmod",
    "ctypes.dlsym",
)


def killed_at(number, work):
    """Runs `work` in a child that is killed before its step of that number; False if it ended before."""
    child = os.fork()
    if child == 0:
        steps = 0

        def count(event, _):
            nonlocal steps
            if event in STEPS:
                steps += 1
                if steps == number:
                    os.kill(os.getpid(), signal.SIGKILL)

        try:
            sys.addaudithook(count)
            work()
        except BaseException as error:  # noqa: BLE001 - a child must not go on as the test
            os.write(2, f"{type(error).__name__}: {error}\n".encode())
            os._exit(1)
        os._exit(0)
    status = os.waitpid(child, 0)[1]
    if os.WIFSIGNALED(status):
        return True
    assert os.waitstatus_to_exitcode(status) == 0
    return False


def at_each_step(work, look):
    """Kills `work` at each step, from the first to the last, and calls `look` after each; how many kills there were."""
    number = 1
    while killed_at(number, work):
        look(number)
        number += 1
    look(0)
    return number - 1
