"""A binary heap of what is due, as two arrays: the time of each entry [s], and the entry, a number that orders equal times.

What an entry stands for is each engine's own affair.  The caller keeps the size: it passes the one before the call, and
counts up or down by itself.

time_s, entry   the arrays of the heap, of which the first `size` entries count; those at 0 are due first

The entry above place k is at (k - 1) // 2, and none is due before the one above it.  As entries order equal times and no two
are
alike, the order of coming out is the same in every run.
"""

from terp.simulate.engine.shared.kernel_options import inlined


@inlined
def push_due(time_s, entry, size, new_time_s, new_entry):
    """Put an entry in a heap of `size`, which has one more then.

    The arrays must have room for one more; that is not checked.
    """
    at = size
    while at > 0:
        above = (at - 1) >> 1
        if time_s[above] < new_time_s or (time_s[above] == new_time_s and entry[above] < new_entry):
            break
        time_s[at], entry[at] = time_s[above], entry[above]
        at = above
    time_s[at], entry[at] = new_time_s, new_entry


@inlined
def pop_due(time_s, entry, size):
    """Take the first entry out of a heap of `size`, which has one fewer then.

    size   before the call, at least 1.  The entry itself is read by the caller at place 0 beforehand.
    """
    last = size - 1
    last_time_s, last_entry = time_s[last], entry[last]
    at, child = 0, 1
    while child < last:
        other = child + 1
        if other < last and (
            time_s[other] < time_s[child] or (time_s[other] == time_s[child] and entry[other] < entry[child])
        ):
            child = other
        if last_time_s < time_s[child] or (last_time_s == time_s[child] and last_entry < entry[child]):
            break
        time_s[at], entry[at] = time_s[child], entry[child]
        at, child = child, 2 * child + 1
    time_s[at], entry[at] = last_time_s, last_entry
