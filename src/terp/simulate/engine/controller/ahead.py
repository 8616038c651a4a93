"""A look ahead by requested ends: what is free once those that run have ended, and when a job fits.

s  the state, a ControllerState;  r  ControllerRules;  q  ControllerJobs;  park  the nodes, a ControllerPark
base rows from NodeRow.AHEAD on hold what is free then;  now  [s]
"""

import numpy as np

from terp.simulate.engine.controller.controller_rows import FIRST_SPAN_S, JobRow, NodeRow, Request, Tally
from terp.simulate.engine.controller.node_map import choose_nodes, takes_whole_nodes
from terp.simulate.engine.controller.start_stop import hold_node
from terp.simulate.engine.shared.codes import NEVER
from terp.simulate.engine.shared.kernel_options import kernel


@kernel
def look_ahead(s):
    """Begin a look ahead with what is free now."""
    for row in range(NodeRow.AHEAD - NodeRow.FREE):
        for node in range(s.node.shape[1]):
            s.node[NodeRow.AHEAD + row, node] = s.node[NodeRow.FREE + row, node]


@kernel
def give_back(s, r, q, other):
    """Take a running job away in the look ahead."""
    whole = takes_whole_nodes(r, q, other)
    for k in range(s.job[JobRow.NODES_FROM, other], s.job[JobRow.NODES_FROM, other] + q.of[Request.NODES, other]):
        hold_node(s, q, other, NodeRow.AHEAD, s.nodes[k], whole, -1)


@kernel
def _touches(s, q, other):
    """Whether a running job has a node among `avail`."""
    for k in range(s.job[JobRow.NODES_FROM, other], s.job[JobRow.NODES_FROM, other] + q.of[Request.NODES, other]):
        if s.node[NodeRow.AVAIL, s.nodes[k]]:
            return True
    return False


@kernel
def will_run_s(s, r, q, park, job, now):
    """The earliest start on `avail` by the requested ends of what runs; NEVER if there is none.  Chooses the nodes."""
    if choose_nodes(s, r, q, park, job, NodeRow.FREE):
        return now
    look_ahead(s)
    at, span, count, barrier = 0, FIRST_SPAN_S, s.n[Tally.SLOTS], np.int64(-1)
    while at < count:
        last = np.int64(-1)
        while at < count:
            other = s.job[JobRow.RUN_LIST, at]
            if not r.by_groups and last >= 0 and s.job[JobRow.LIMIT_END, other] > last:
                break
            at += 1
            if not _touches(s, q, other):
                continue
            last = s.job[JobRow.LIMIT_END, other]
            if barrier < 0:
                barrier = last // FIRST_SPAN_S * FIRST_SPAN_S + FIRST_SPAN_S
            give_back(s, r, q, other)
            if r.by_groups and at < count and s.job[JobRow.LIMIT_END, s.job[JobRow.RUN_LIST, at]] > barrier + span:
                break
        if last < 0:
            return NEVER
        span *= 2
        while r.by_groups and at < count and s.job[JobRow.LIMIT_END, s.job[JobRow.RUN_LIST, at]] > barrier + span:
            span *= 2
        if choose_nodes(s, r, q, park, job, NodeRow.AHEAD):
            return max(last, now + 1)
    return NEVER
