"""The rows of the controller's tables, the words of a policy as it counts them, and its constants.

The controller keeps its state in a dozen tables, a row a quantity and a column a job, node, or association: with an array
for each, which numba hands over one by one at every call, it took minutes to compile.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final

AGAIN: Final = True
"""A job that is stopped queues again."""
PATIENCE_S: Final = 7 * 86400
"""A run ends where nothing has happened for so long but that priorities were worked out anew."""
FIRST_SPAN_S: Final = 30
"""slurmctld takes running jobs away in groups: what ends up to 30 s after a barrier, then 60 s, 120 s and so on.

The barrier is the next full 30 s after the first end.
"""
WHOLE_NODE: Final = 2**50
"""Cores that a whole node's job takes off, so that no share fits beside it."""
KIND_BITS: Final = 3
NUMBER_BITS: Final = 30
"""Bits of an entry of the heap: the number of an attempt or node below, a Due above it, and a serial number on top."""
TIMELINE_TIME: Final = 5
"""Row of the time in `ControllerState.row`, below the first five of TimelineRow: the controller counts no draining nodes."""


class JobState(IntEnum):
    """What a job does.  One that has ended may still be completing, and then holds its nodes from others.

    Not what Slurm calls them: PENDING is WAITING here, and all of its final states are ENDED, told apart by AttemptEnd.
    """

    WAITING = 0
    RUNNING = 1
    SUSPENDED = 2
    ENDED = 3
    COMPLETING = 4


class Placement(IntEnum):
    """Which of the fitting nodes a job gets: the first, the tightest run of numbers, the tightest leaves, the emptiest."""

    FIRST = 0
    RUNS = 1
    LEAVES = 2
    SPREAD = 3


class PreemptMode(IntEnum):
    """What becomes of a job that is stopped for another.

    Slurm's PreemptMode: never stopped, queued again, cancelled for good, or suspended where it stands and resumed there.
    """

    OFF = 0
    REQUEUE = 1
    CANCEL = 2
    SUSPEND = 3


class Due(IntEnum):
    """What the heap holds.

    END          an attempt comes to its end;  RELEASE  its job has completed, and its nodes are free
    NODE_BACK    a node was repaired
    EXEMPT_OVER  an attempt may be stopped for others from now on
    GRACE_OVER   an attempt that was asked to stop has had its grace
    """

    END = 0
    RELEASE = 1
    NODE_BACK = 2
    EXEMPT_OVER = 3
    GRACE_OVER = 4


class LimitColumn(IntEnum):
    """Columns of the tables of limits, in the order of `controller_input.LIMIT_FIELDS`.

    GROUP_* bound what all jobs of an association or QOS hold together (GrpTRES, GrpJobs), USER_* what those of each user
    hold, and
    JOB_* what one job may ask for, JOB_WALL in seconds; -1 is no limit.
    """

    GROUP_GPUS = 0
    GROUP_NODES = 1
    GROUP_JOBS = 2
    USER_GPUS = 3
    USER_JOBS = 4
    JOB_GPUS = 5
    JOB_NODES = 6
    JOB_WALL = 7


class Request(IntEnum):
    """Rows of `ControllerJobs.of`: what a job asks for.

    ELIGIBLE, WORK, LIMIT, CHECKPOINT, WRITE, RESTART   [s]
    NODES, and of each node GPUS, CORES and MEMORY [MB];  EXCLUSIVE  whether it takes whole nodes
    LEAF, USER, QOS, PARTITION   indices into the tables of ControllerRules
    AFTER        the job that must have ended before; -1: none
    ARRAY        its array; -1: none;  ARRAY_LIMIT  how many of it may run at once; 0: all;  LICENSE  licences

    Jobs are columns.  ELIGIBLE is when it may start, from the start of the run; WORK is its run time without interruptions.
    """

    ELIGIBLE = 0
    NODES = 1
    GPUS = 2
    CORES = 3
    MEMORY = 4
    EXCLUSIVE = 5
    WORK = 6
    LIMIT = 7
    CHECKPOINT = 8
    WRITE = 9
    RESTART = 10
    LEAF = 11
    USER = 12
    QOS = 13
    PARTITION = 14
    AFTER = 15
    ARRAY = 16
    ARRAY_LIMIT = 17
    LICENSE = 18


class RequestRate(IntEnum):
    """Rows of `ControllerJobs.x`: power above idle nodes [W], and usage that fair share counts [1/s]."""

    POWER = 0
    BILLING = 1


class PartitionRow(IntEnum):
    """Rows of `ControllerRules.part`: tier, and whether whole nodes are given."""

    TIER = 0
    WHOLE = 1


class QosRow(IntEnum):
    """Rows of `ControllerRules.qos`: a PreemptMode, grace and exempt time [s], whether it stops others, and is stopped.

    The last two sum up `qos_preempts` by row and by column, so most jobs are passed over without a look at the table.
    """

    MODE = 0
    GRACE = 1
    EXEMPT = 2
    PREEMPTS = 3
    STOPPABLE = 4


class QosFactor(IntEnum):
    """Rows of `ControllerRules.qos_x`: priority over the highest of all, and what usage is multiplied by."""

    RANK = 0
    COST = 1


class Weight(IntEnum):
    """Places of `ControllerRules.weights`: Slurm's PriorityWeight* of each factor, in points."""

    AGE = 0
    FAIR_SHARE = 1
    JOB_SIZE = 2
    PARTITION = 3
    QOS = 4


class TreeRow(IntEnum):
    """Rows of `ControllerRules.tree`, the root first: parent, children as offsets and indices, and whether a user.

    The children of association a stand in CHILDREN from CHILDREN_FROM[a] to CHILDREN_FROM[a + 1].  The root is its own
    parent.
    """

    PARENT = 0
    CHILDREN_FROM = 1
    CHILDREN = 2
    IS_LEAF = 3


class ReservationRow(IntEnum):
    """Rows of `ControllerRules.resv` [s]: begin, length, and after how long it repeats; 0: once."""

    BEGIN = 0
    LENGTH = 1
    EVERY = 2


class FreeRow(IntEnum):
    """What is free of a node, counted from NodeRow.FREE or NodeRow.AHEAD on; JOBS are those that are there.

    Memory is in MB.  A node that somebody has to itself has WHOLE_NODE cores fewer than none.
    """

    GPUS = 0
    CORES = 1
    MEMORY = 2
    JOBS = 3


class ParkRow(IntEnum):
    """Rows of `ControllerPark.node`: what a node has, and its leaf switch."""

    GPUS = 0
    CORES = 1
    MEMORY = 2
    SWITCH = 3


class NodeRow(IntEnum):
    """Rows of `ControllerState.node`.

    FREE        the first of four rows of what is free now, see FreeRow;  AHEAD  the same in a look ahead
    UP          whether it is up;  DRAINING  how long its repair takes once it is empty [s]; 0: it takes jobs
    BACK        when its repair is over [s]
    AVAIL, FIT  whether the job that is looked at may have it, and fits on it
    CHOSEN      not by node: the numbers of the nodes that were chosen, in order
    COMPLETING  how many jobs complete there
    """

    FREE = 0
    AHEAD = 4
    UP = 8
    DRAINING = 9
    BACK = 10
    AVAIL = 11
    FIT = 12
    CHOSEN = 13
    COMPLETING = 14


class JobRow(IntEnum):
    """Rows of `ControllerState.job`.

    STATE       a JobState;  OUTCOME  an AttemptEnd;  ATTEMPT  the number of its last attempt
    START, FIRST_START, ENDED   of the last attempt, of the first, and of the last; -1: not yet [s]
    LIMIT_END   when its last attempt ends by its limit [s]
    SAVED, LOST work that checkpoints hold, and time that became no work [s];  RESTARTS  how often it began again
    ASKED       until when it waits for those that it had stopped [s]
    LEFT, AWAY  of a suspended job: what it has yet to run, and how long it was away [s]
    GOING       when a job that was asked to stop does so [s]; 0: it was not asked
    NODES_FROM  where its nodes begin in `ControllerState.nodes`
    QUEUE, RUN_LIST, VICTIMS, COMING   not by job: the queue, what runs by requested end, whom to stop, who comes when
    """

    STATE = 0
    START = 1
    FIRST_START = 2
    LIMIT_END = 3
    ENDED = 4
    SAVED = 5
    LOST = 6
    RESTARTS = 7
    OUTCOME = 8
    ATTEMPT = 9
    ASKED = 10
    LEFT = 11
    AWAY = 12
    GOING = 13
    NODES_FROM = 14
    QUEUE = 15
    RUN_LIST = 16
    VICTIMS = 17
    COMING = 18


class HeldRow(IntEnum):
    """Rows of `ControllerState.qos`, and the first of `ControllerState.acc`: what limits look at.

    Sums over jobs that run or are suspended, of an association and all below it, or of a QOS.
    """

    GPUS = 0
    NODES = 1
    JOBS = 2


class FairTreeRow(IntEnum):
    """Rows of `ControllerState.acc` behind HeldRow: the stack of a fair tree, what ties on it, and what was merged."""

    STACK = 3
    TIED = 4
    MERGED = 5


class UserRow(IntEnum):
    """Rows of `ControllerState.qos_user`: what each user holds by QOS."""

    GPUS = 0
    JOBS = 1


class ShareRow(IntEnum):
    """Rows of `ControllerState.share`: usage, its rate [1/s], and level and factor of the last fair tree.

    USE is billing times seconds, decayed, as of Running.CHARGED_S; FACTOR lies within 0 and 1.
    """

    USE = 0
    RATE = 1
    LEVEL = 2
    FACTOR = 3


class AttemptRow(IntEnum):
    """Rows of `ControllerState.att`: job, start and end [s], an AttemptEnd, the event that cut it short, its first node.

    END and EVENT are -1 while it runs, or where nothing cut it short.
    """

    JOB = 0
    START = 1
    END = 2
    OUTCOME = 3
    EVENT = 4
    NODE = 5


class PlanRow(IntEnum):
    """Rows of `ControllerState.plan`: begin and end of a stretch [s], and which stretch is next; -1: none."""

    BEGIN = 0
    UNTIL = 1
    NEXT = 2


class Running(IntEnum):
    """Places of `ControllerState.f`.

    POWER of what runs [W];  CHARGED_S  up to when usage is charged;  PASS_S  part of a second that backfill passes took
    """

    POWER = 0
    CHARGED_S = 1
    PASS_S = 2


class ControllerCount(IntEnum):
    """Places of the counters in `ControllerState.n`.

    HEAP, ARRIVED, TURNS, ATTEMPTS, ROWS   entries of the heap, and how far the lists of jobs, events and so on are filled
    WAITING, RUNNING, SUSPENDED            jobs;  SLOTS  jobs in the list of what runs, by requested end
    SERIAL            entries that the heap ever had
    LICENSES, BUSY, QUEUED_GPUS, DOWN      licences and GPUs in use, GPUs waited for, nodes down
    NEXT_BACKFILL, NEXT_MAIN, NEXT_TICK    when passes and priorities are due [s];  BF_PERIOD  of the last backfill pass [s]
    CHANGED, MAIN_CHANGED, PARTIAL         what the next backfill and main pass have to look at
    RESV, LAST_CHANGE                      up to when reservations were minded, and when anything happened last [s]
    FAILED_NODES, PREEMPTIONS, BACKFILLED, STARTED, LOOKED   how often; the last in this pass
    STOPS_LEFT        how often jobs may still be stopped for others
    IDLE, MOST_FREE   nodes that are idle, and the most GPUs that are free on any
    """

    HEAP = 0
    ARRIVED = 1
    WAITING = 2
    RUNNING = 3
    ATTEMPTS = 4
    ROWS = 5
    TURNS = 6
    SLOTS = 7
    SERIAL = 8
    LICENSES = 9
    DOWN = 10
    BUSY = 11
    QUEUED_GPUS = 12
    NEXT_BACKFILL = 13
    NEXT_MAIN = 14
    NEXT_TICK = 15
    CHANGED = 16
    RESV = 17
    SUSPENDED = 18
    FAILED_NODES = 19
    PREEMPTIONS = 20
    MAIN_CHANGED = 21
    BACKFILLED = 22
    STARTED = 23
    PARTIAL = 24
    BF_PERIOD = 25
    LOOKED = 26
    STOPS_LEFT = 27
    LAST_CHANGE = 28
    IDLE = 29
    MOST_FREE = 30
