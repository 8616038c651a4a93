"""What checkpoints do to an attempt: how long its work takes with them, and what they saved when it is cut short.

One model for all engines: work goes on for an interval, then a write, in which no work is done; nothing is written at the
very
end.  What a failure costs is the time since the last whole write.
"""

import numpy as np

from terp.simulate.engine.shared.kernel_options import inlined


@inlined
def with_writes_s(left_s, checkpoint_s, write_s):
    """Seconds that `left_s` seconds of work take with a write after every checkpoint interval but at the very end.

    checkpoint_s   [s] of work between writes; 0: none is written

    All are whole seconds, and so is the result.  For 10 s of work, written every 4 s in 1 s, it is 12 s: writes after 4 s
    and 8 s.
    """
    writes = (left_s - 1) // checkpoint_s if checkpoint_s > 0 and left_s > 0 else 0
    return left_s + writes * write_s


@inlined
def saved_work_s(ran_s, overhead_s, checkpoint_s, write_s):
    """Seconds of work that whole checkpoints hold after `ran_s` seconds, the first `overhead_s` of which were no work.

    overhead_s   launch and setting up again, in which a restarted job does no work yet [s]
    A write that was cut short saves nothing: only whole pairs of interval and write count.  Without checkpoints it is 0.
    """
    if checkpoint_s <= 0 or ran_s <= overhead_s:
        return np.int64(0)
    return (ran_s - overhead_s) // (checkpoint_s + write_s) * checkpoint_s
