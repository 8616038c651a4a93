"""The simulation core: exact discrete events, compiled.

Time is whole seconds.  An instant is handled whole: ends, then nodes going down or coming back, then priorities, then
arrivals, then one scheduling pass.  Nothing ticks.

Scheduling: first come, first served, or by priority, with EASY backfill on requested times.  Shadow time and spare nodes
are worked out anew in every full pass.  Jobs smaller than a node share nodes (best fit); larger ones take whole nodes.

s  the state, a CoreState;  jobs  CoreJobs;  plant  CorePlant;  events  NodeEvents;  rules  CoreRules;  now  [s]

Whole instants make the result independent of how events of one second are ordered in the input, and let a pass see all room
that came free.  tests/support has a naive engine with the same rules in plain Python, which must give the same schedule.
"""

import numpy as np

from terp.simulate.engine.core.attempts import fail_node, finish_attempt
from terp.simulate.engine.core.core_state import SLOT_BITS, CorePlant, Count, by_submission, make_jobs, new_core_state
from terp.simulate.engine.core.easy_backfill import schedule_pass
from terp.simulate.engine.core.node_drains import bring_up, drain_node
from terp.simulate.engine.core.waiting_queue import enqueue_job, order_anew
from terp.simulate.engine.shared.codes import NEVER, NodeTurn, TimelineRow
from terp.simulate.engine.shared.event_heap import pop_due
from terp.simulate.engine.shared.kernel_options import inlined, kernel
from terp.simulate.engine.shared.node_events import no_events


@inlined
def _note(s, plant, now):
    """Add a row to the timeline: the state from this second on.  Second 0 has its row from the start.

    A row is written even where all counts are as before.
    The machine's power [W] is its base, its nodes idle or down, and what jobs add.
    """
    up = plant.nodes_count - s.n[Count.DOWN]
    row = s.n[Count.ROWS] if now > 0 else 0
    s.row_time[row] = now
    s.row_power[row] = plant.base_w + up * plant.idle_w + s.n[Count.DOWN] * plant.down_w + s.dynamic_w[0]
    s.row_counts[row, TimelineRow.BUSY_GPUS] = s.n[Count.BUSY]
    s.row_counts[row, TimelineRow.RUNNING_JOBS] = s.n[Count.RUNNING]
    s.row_counts[row, TimelineRow.WAITING_JOBS] = s.n[Count.WAITING]
    s.row_counts[row, TimelineRow.WAITING_GPUS] = s.n[Count.QUEUED_GPUS]
    s.row_counts[row, TimelineRow.DOWN_NODES] = s.n[Count.DOWN]
    s.row_counts[row, TimelineRow.DRAINING_NODES] = s.n[Count.DRAINING]
    s.n[Count.ROWS] = row + 1


@inlined
def _end_jobs(s, jobs, rules, now):
    """Finish every job whose time has come, and bring back drained nodes.

    Ends of attempts that a failure cut short are passed over.

    An entry below nought is a node's return from a drain; else it holds attempt and slot, and counts only if the slot is
    still
    that attempt's.
    """
    while s.n[Count.HEAP] > 0 and s.heap_time[0] == now:
        entry = s.heap_entry[0]
        pop_due(s.heap_time, s.heap_entry, s.n[Count.HEAP])
        s.n[Count.HEAP] -= 1
        if entry < 0:
            s.serviced[-1 - entry] = 0
            bring_up(s, -1 - entry)
            s.n[Count.FULL] = 1
            continue
        slot = entry & ((1 << SLOT_BITS) - 1)
        if s.slot_attempt[slot] == entry >> SLOT_BITS:
            finish_attempt(s, jobs, rules, slot, now)
            s.n[Count.FULL] = 1


@inlined
def _turn_nodes(s, jobs, rules, events, now):
    """Take nodes down, bring them back, and drain them.

    A node may fail while it is down: `outages` counts, and it is back when as many returns have come.
    """
    while s.n[Count.EVENTS] < events.time_s.size and events.time_s[s.n[Count.EVENTS]] == now:
        event = s.n[Count.EVENTS]
        node, kind = events.node[event], events.kind[event]
        if kind == NodeTurn.DOWN:
            fail_node(s, jobs, rules, event, node, now)
        elif kind == NodeTurn.DRAIN:
            drain_node(s, node, events.repair_s[event], now)
        elif s.outages[node] > 0:
            s.outages[node] -= 1
            bring_up(s, node)
        s.n[Count.FULL] = 1
        s.n[Count.EVENTS] += 1


@inlined
def _next_instant(s, jobs, events, rules):
    """When something happens next [s]; NEVER if nothing does.

    Priorities count only while jobs wait, so a quiet time is leapt over.
    """
    now = s.heap_time[0] if s.n[Count.HEAP] > 0 else NEVER
    if s.n[Count.ARRIVED] < jobs.submit_s.size:
        now = min(now, jobs.submit_s[s.n[Count.ARRIVED]])
    if s.n[Count.EVENTS] < events.time_s.size:
        now = min(now, events.time_s[s.n[Count.EVENTS]])
    if s.n[Count.CAPS] < rules.cap_time_s.size:
        now = min(now, rules.cap_time_s[s.n[Count.CAPS]])
    if rules.ranked and s.n[Count.WAITING] > 0:
        now = min(now, s.n[Count.NEXT_CALC])
    return now


@kernel
def advance(s, jobs, plant, events, rules, until_s):
    """Go on with a run up to, not including, `until_s` [s].  May be called again with a later time.

    The state is changed in place; the other records must be those that it was made of.
    A pass is made at every instant at which jobs wait, and looks at all of them only if something ended or turned, a cap
    changed, or priorities were worked out anew;
    after arrivals alone it begins at the first of these.  An instant in which nothing came, ended or started leaves no row.
    """
    per_node, count = plant.gpus_per_node, jobs.submit_s.size
    while True:
        now = _next_instant(s, jobs, events, rules)
        if now >= until_s:
            return
        quiet = s.n[Count.HEAP] == 0 or s.heap_time[0] > now
        before = s.n[Count.ARRIVED] + s.n[Count.EVENTS] + s.n[Count.CAPS] + s.n[Count.ATTEMPTS]
        _end_jobs(s, jobs, rules, now)
        _turn_nodes(s, jobs, rules, events, now)
        while s.n[Count.CAPS] < rules.cap_time_s.size and rules.cap_time_s[s.n[Count.CAPS]] == now:
            s.cap_w[0] = rules.cap_w[s.n[Count.CAPS]]
            s.n[Count.CAPS] += 1
            s.n[Count.FULL] = 1
        arrives = s.n[Count.ARRIVED] < count and jobs.submit_s[s.n[Count.ARRIVED]] == now
        if rules.ranked and now >= s.n[Count.NEXT_CALC] and (s.n[Count.WAITING] > 0 or arrives):
            order_anew(s, jobs, rules, now)
        first = s.n[Count.BACK]
        while s.n[Count.ARRIVED] < count and jobs.submit_s[s.n[Count.ARRIVED]] == now:
            first = min(first, enqueue_job(s, jobs, rules, s.n[Count.ARRIVED], now))
            s.n[Count.ARRIVED] += 1
        if s.n[Count.WAITING] > 0:
            schedule_pass(s, jobs, plant, rules, now, per_node, first)
        if not quiet or s.n[Count.ARRIVED] + s.n[Count.EVENTS] + s.n[Count.CAPS] + s.n[Count.ATTEMPTS] != before:
            _note(s, plant, now)


def warm_up() -> None:
    """Runs one job on one node, which has the kernels compiled with the types that every run has.

    Compilation is slow, the first time; `compiled.kernels` keeps the result in the user's cache folder.
    """
    one = np.ones(1, np.int64)
    jobs = make_jobs(np.zeros(1, np.int64), one, one, one, one, one, np.ones(1))
    plant, events, rules = CorePlant(1, 1, 1.0, 1.0, 1.0), no_events(), by_submission()
    advance(new_core_state(jobs, plant, events, rules), jobs, plant, events, rules, 1)
