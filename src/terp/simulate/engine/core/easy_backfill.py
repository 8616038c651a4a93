"""One scheduling pass: heads start in order, and behind the first that does not fit whatever cannot delay it.

EASY (Lifka 1995): the first job that does not fit, the head, has a shadow time, at which it will fit by requested ends.  A
job behind it may start if it will be gone by then by its requested time, or if it takes only what the head leaves unused
then.  A head that needs whole nodes leaves some of them spare; one that shares a node leaves some GPUs there.  A job that
the cap of power keeps back delays nobody: it is passed over.

s  the state, a CoreState;  per_node  GPUs of a node;  slot  a place for one running job
jobs  CoreJobs;  plant  CorePlant;  rules  CoreRules;  now  [s]

Shadow time is worked out only when somebody behind the head could use it.  Within a pass what is spare shrinks with each
start
that reaches past it, so no two jobs can take the same spare nodes.
"""

import numpy as np

from terp.simulate.engine.core.attempts import start_attempt
from terp.simulate.engine.core.core_state import BLOCK_BITS, GONE, Count
from terp.simulate.engine.core.free_nodes import choose_shared, most_room
from terp.simulate.engine.core.waiting_queue import close_gaps, leave_queue
from terp.simulate.engine.shared.codes import NEVER
from terp.simulate.engine.shared.kernel_options import inlined, kernel


@inlined
def _when_free(s, node, gpus):
    """Earliest requested time at which a node has `gpus` free, and how many it then has.

    gpus   fewer than a node has.  Gives the time by requested ends [s], -1 if so many are free now, and the free GPUs then.
    The jobs on a node are few, so each next end is looked for among its GPUs.
    """
    before, free = np.int64(-1), s.free[node]
    while free < gpus:
        after = NEVER
        for gpu in range(s.owner.shape[1]):
            slot = s.owner[node, gpu]
            if slot >= 0 and before < s.slot_limit_end[slot] < after:
                after = s.slot_limit_end[slot]
        before = after
        for gpu in range(s.owner.shape[1]):
            slot = s.owner[node, gpu]
            if slot >= 0 and s.slot_limit_end[slot] == before:
                free += 1
    return before, free


@kernel
def find_shadow(s, gpus, per_node):
    """When the first waiting job can start by requested times, and what it leaves unused then.

    Whole nodes: SHADOW is the time, SPARE the nodes free by then beyond its need.
    A share of a node: SHADOW, the node (HEAD_NODE), and the GPUs it leaves there (HEAD_SPARE).
    REFUSED: shares from so many GPUs on found no room beyond the shadow time, and will find none until a job ends.

    NEVER if nothing that runs will make enough room, as when too many nodes are down; then whoever fits may start behind it.
    """
    s.n[Count.KNOWN], s.n[Count.REFUSED] = 1, per_node
    s.n[Count.HEAD_NODE] = -1
    s.n[Count.SHADOW], s.n[Count.SPARE] = NEVER, s.free.size
    if gpus >= per_node:
        short, at = gpus // per_node - s.with_free[per_node], 0
        while at < s.n[Count.ENDS] and short > 0:
            short -= s.ends_nodes[at]
            at += 1
        if short <= 0:
            s.n[Count.SHADOW], s.n[Count.SPARE] = s.ends[at - 1], -short
        return
    for node in range(s.free.size):
        if s.free[node] >= 0:
            time_s, free = _when_free(s, node, gpus)
            if time_s < s.n[Count.SHADOW]:
                s.n[Count.SHADOW], s.n[Count.HEAD_NODE], s.n[Count.HEAD_SPARE] = time_s, node, free - gpus


@inlined
def affordable(s, jobs, plant, job):
    """Whether a job may start within the machine's cap of power.

    Idle and down nodes, the base and what runs, with this job on top, against the cap [W].  What runs is never stopped for a
    cap
    that falls.
    """
    if s.cap_w[0] == np.inf:
        return True
    down = s.n[Count.DOWN]
    idle_w = plant.base_w + (plant.nodes_count - down) * plant.idle_w + down * plant.down_w
    return idle_w + s.dynamic_w[0] + jobs.power_w[job] <= s.cap_w[0]


@inlined
def _start_behind_head(s, jobs, plant, rules, job, now, per_node):
    """Start a waiting job that fits behind a blocked head, unless that could delay the head.  True if it started.

    It may if it ends by the shadow time, or if what it takes is spare then; what it takes of that is taken off.  A share
    that found
    no node lowers Count.REFUSED, by which others of that size are passed over without a look.
    """
    if not affordable(s, jobs, plant, job):
        return False
    if not s.n[Count.KNOWN]:
        find_shadow(s, s.queue_gpus[s.n[Count.HEAD]], per_node)
    gpus = jobs.gpus[job]
    short = now + jobs.limit_s[job] <= s.n[Count.SHADOW]
    whole_head = s.n[Count.HEAD_NODE] < 0
    node = -1
    if gpus >= per_node:
        need = gpus // per_node
        if not short and need > s.n[Count.SPARE]:
            return False
        if not short and whole_head:
            s.n[Count.SPARE] -= need
    elif short:
        node = choose_shared(s, gpus, -1, -1)
    elif whole_head:
        node = choose_shared(s, gpus, s.n[Count.SHADOW], -1)
        if node < 0 and s.n[Count.SPARE] > 0:
            node = choose_shared(s, gpus, -1, -1)
            s.n[Count.SPARE] -= 1
    else:
        node = choose_shared(s, gpus, -1, -1 if gpus <= s.n[Count.HEAD_SPARE] else s.n[Count.HEAD_NODE])
        if node == s.n[Count.HEAD_NODE]:
            s.n[Count.HEAD_SPARE] -= gpus
    if gpus < per_node and node < 0:
        s.n[Count.REFUSED] = min(s.n[Count.REFUSED], gpus)
        return False
    start_attempt(s, jobs, rules, job, now, per_node, node)
    return True


@inlined
def _start_heads(s, jobs, plant, rules, now, per_node):
    """Start waiting jobs in order until one does not fit, the head; one that only power keeps back is passed over.

    Afterwards Count.HEAD is the place of the first that does not fit, and Count.FRONT is past all gaps at the front.
    """
    at = s.n[Count.FRONT]
    while at < s.n[Count.BACK]:
        gpus, job, node = s.queue_gpus[at], s.queue[at], -1
        if gpus != GONE:
            if gpus < per_node:
                node = choose_shared(s, gpus, -1, -1)
                if node < 0:
                    break
            elif s.with_free[per_node] * per_node < gpus:
                break
            if affordable(s, jobs, plant, job):
                start_attempt(s, jobs, rules, job, now, per_node, node)
                leave_queue(s, at)
        if s.n[Count.FRONT] == at and s.queue_gpus[at] == GONE:
            s.n[Count.FRONT] += 1
        at += 1
    s.n[Count.HEAD] = at


@inlined
def _worth_a_look(s, gpus, limit_s, now, room, per_node):
    """Whether a waiting job could start behind the head, by what is known without looking at nodes.

    room   the most GPUs that one job could get.  True may be wrong, False never is.
    """
    if gpus > room:
        return False
    late = now + limit_s > s.n[Count.SHADOW]
    return not (
        s.n[Count.KNOWN] and late and gpus >= (s.n[Count.REFUSED] if gpus < per_node else s.n[Count.SPARE] * per_node + 1)
    )


@inlined
def schedule_pass(s, jobs, plant, rules, now, per_node, first):
    """One scheduling pass.  After arrivals alone only what stands from `first` on needs a look.

    What stood there before was refused with as much free.

    first   the lowest place in the queue at which anybody came since the last pass
    Blocks of the queue in which everybody wants more than there is are skipped whole.  Gaps are closed when they outnumber
    those
    that wait by two to one, so a scan stays in proportion to the queue.
    """
    if s.n[Count.FULL] or first <= s.n[Count.HEAD]:
        _start_heads(s, jobs, plant, rules, now, per_node)
        s.n[Count.FULL] = s.n[Count.FRONT] < s.n[Count.HEAD]  # one that power kept back may be the head by now
        s.n[Count.KNOWN] = 0
        first = s.n[Count.HEAD] + 1
    at, back, room = first, s.n[Count.BACK], most_room(s, per_node)
    while at < back and room > 0:
        stop = min(((at >> BLOCK_BITS) + 1) << BLOCK_BITS, back)
        if s.least_gpus[at >> BLOCK_BITS] > room:
            at = stop
        while at < stop and not _worth_a_look(s, s.queue_gpus[at], s.queue_limit[at], now, room, per_node):
            at += 1
        if at < stop:
            if _start_behind_head(s, jobs, plant, rules, s.queue[at], now, per_node):
                leave_queue(s, at)
                room = most_room(s, per_node)
            at += 1
    if s.n[Count.BACK] - s.n[Count.FRONT] > 2 * s.n[Count.WAITING] + 64:
        close_gaps(s, rules)
