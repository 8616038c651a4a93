"""Times that a loaded machine does not spoil: of the processor, and the least of some."""

import resource
import time


def least_cpu_s(function, times=3):
    """Processor time of this process in the quickest of some calls."""
    took = []
    for _ in range(times):
        began = time.process_time()
        function()
        took.append(time.process_time() - began)
    return min(took)


def least_child_cpu_s(function, times=3):
    """Processor time of the processes that a call starts and waits for, in the quickest of some."""
    took = []
    for _ in range(times):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        function()
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        took.append(after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime)
    return min(took)
