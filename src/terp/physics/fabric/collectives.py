"""How long GPUs take to reduce, gather or exchange what they hold, over NVLink and the fabric.

Each collective is a latency that grows with its steps, its bytes over the slowest wire that they cross, and the filling of
the pipeline between the two.  Chips and fabrics differ by their rates, architectures by one factor on latencies.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar, Final

import numpy as np
from numpy.typing import ArrayLike

from terp.arrays import Floats
from terp.catalogue import Accelerator
from terp.catalogue.read.constants import constants
from terp.errors import Problem, Problems, UnknownName
from terp.hardware import Machine
from terp.physics.gpu.architectures import architecture_of


@dataclass(frozen=True)
class RingProtocol:
    """A protocol of rings between domains: start, a step over links, one over the fabric, and its rate over the wire's.

    Latencies are in s, the rate is a fraction.
    """

    start_s: float
    step_s: float
    hop_s: float
    rate_fraction: float


@dataclass(frozen=True)
class CollectiveConstants:
    """Constants of collectives; those of latencies are a Hopper's.

    link_fraction    rate of a ring over that of a GPU's links;  port_fraction  of a collective over that of its ports
    own_copy_ratio   what a rank does with its own part, as so much of a step more
    fill_fraction    share k of the filling, 2 sqrt(k latency bytes/rate)
    start_s, step_s, switch_start_s   start, one step over links, and start of one in the link switches
    hop_s            one step over the fabric;  tree_fraction  rate of a tree over a ring's
    rings            protocols of rings of gathers and scatters between domains
    """

    PLACE: ClassVar[str] = "collectives"
    link_fraction: float
    own_copy_ratio: float
    fill_fraction: float
    start_s: float
    step_s: float
    switch_start_s: float
    hop_s: float
    tree_fraction: float
    port_fraction: float
    rings: Mapping[str, RingProtocol]


@dataclass(frozen=True)
class Interconnect:
    """What a collective sees of a machine.

    domain_gpus_count   GPUs that reach each other over NVLink or its like
    link_bytes_per_s    of all links of a GPU, one direction [B/s]
    pair_bytes_per_s    from a GPU to one other of its domain: the same where switches join them [B/s]
    switch_bytes_per_s  rate at which the link switches add up what passes (NVLink SHARP, from Hopper on); 0 without [B/s]
    port_bytes_per_s    of the fabric's adapters over the GPUs, one direction [B/s]
    leaf_gpus_count     GPUs below one leaf, or one group of rails' leaves
    taper_ratio         rate of all ports of a half of the machine over what leaves that half; 1 where nothing is lost
    latency_ratio       latencies over those of a Hopper
    hop_s               one step over the fabric [s]
    """

    domain_gpus_count: int
    link_bytes_per_s: float
    pair_bytes_per_s: float
    switch_bytes_per_s: float
    port_bytes_per_s: float
    leaf_gpus_count: int
    taper_ratio: float
    latency_ratio: float
    hop_s: float


def interconnect_of(machine: Machine) -> Interconnect:
    """What a collective sees of a built machine.

    machine   a built machine; the fullest leaf and the bisection decide what is lost between leaves
    """
    node, fabric = machine.node, machine.fabric
    ports_bytes_per_s = node.compute_ports_count * node.compute_port_rate_bytes_per_s
    half_bytes_per_s = machine.nodes_count * ports_bytes_per_s / 2
    return interconnect_between(
        machine.accelerator,
        node.link_domain_count,
        ports_bytes_per_s / node.accelerators_count,
        switched=node.link_switches_count > 0,
        leaf_gpus_count=int(np.bincount(fabric.node_leaf[:, 0]).max()) * node.accelerators_count,
        taper_ratio=max(half_bytes_per_s / fabric.bisection_bytes_per_s, 1.0) if fabric.bisection_bytes_per_s else 1.0,
    )


def interconnect_between(
    accelerator: Accelerator, domain_gpus_count: int, port_bytes_per_s: float, *,
    switched: bool = True, leaf_gpus_count: int = 10**9, taper_ratio: float = 1.0, hop_s: float | None = None,
) -> Interconnect:  # fmt: skip
    """What a collective sees of a machine that only a table names.

    port_bytes_per_s   of a node's adapters over its GPUs, one direction [B/s]; 0 where there is one domain alone
    switched           False where GPUs of a domain link directly, one to each other
    hop_s              InfiniBand's if None; clouds' own fabrics take tens of microseconds

    domain_gpus_count   GPUs of a node or rack that reach each other over links
    leaf_gpus_count     GPUs below one leaf; all in one by default, so that nothing is lost
    taper_ratio         1 or more, see `Interconnect`
    """
    link, known = accelerator.link_rate_bytes_per_s, architecture_of(accelerator)
    return Interconnect(
        domain_gpus_count=domain_gpus_count,
        link_bytes_per_s=link,
        pair_bytes_per_s=link if switched else link / max(domain_gpus_count - 1, 1),
        switch_bytes_per_s=link * known.switch_fraction if switched else 0.0,
        port_bytes_per_s=port_bytes_per_s,
        leaf_gpus_count=leaf_gpus_count,
        taper_ratio=taper_ratio,
        latency_ratio=known.latency_ratio,
        hop_s=constants(CollectiveConstants).hop_s if hop_s is None else hop_s,
    )


def collective_s(net: Interconnect, kind: str, size_bytes: ArrayLike, ranks: ArrayLike, inside: ArrayLike) -> Floats:
    """Time of a collective [s].  T = L + V + 2 sqrt(k L V), the least over algorithms; one rank costs nothing.

    size_bytes  n  as nccl-tests counts it: the gathered result, the scattered input, what one rank exchanges, the message
    ranks       p  GPUs of the group
    inside      g  GPUs of the group in each domain, so that it spans d = p/g domains
    L           latency [s]: start + steps over links + hops over the fabric;  V  bytes over the rate of the slowest wire [s]

    ring        steps c (p - d), hops c (d - 1), V = (c (p - 1) + o) n/p over min(links, g ports); c = 2 in
                all_reduce and 1 in all_gather and reduce_scatter, which with g = 1 hop log2 p times, and else between
                domains have latencies and a rate by protocol, the least of which counts, and nothing to fill
    tree        all_reduce: steps 2 (g - 1), hops 2 log2 d, V over 0.9 of it
    switch      all_reduce in one domain: V = n (1 + 1/g) over the switches' rate
    all_to_all  V = n/p max((g - 1 + o) over links, (p - g) over a port)

    Every GPU is taken to drive its own share of the ports: where groups of inside = 1 run on all GPUs of a node at once,
    each has its own rail.  All three broadcast.  Raises UnknownName for a kind, Problems for sizes and ranks that cannot be.
    Fitted on 2 to 8 GPUs in a node; across nodes to nothing.

    net    what the collective sees of the machine;  kind   a key of `LAWS`
    """
    law = LAWS.get(kind)
    if law is None:
        raise UnknownName("collective", kind, LAWS)
    size, p, g = (np.asarray(value, np.float64)[()] for value in (size_bytes, ranks, inside))
    if not np.all((size >= 0) & (g >= 1) & (g <= np.minimum(p, net.domain_gpus_count))):
        wrong = "a collective needs a size of 0 or more, and in a domain at least one GPU and no more than its ranks"
        raise Problems([Problem("", 0, 0, "", wrong, would_do=f"inside: 1 to {net.domain_gpus_count}")])
    if not net.port_bytes_per_s and np.any(p > g):
        raise Problems([Problem("", 0, 0, "", "ranks in several domains, and no ports between them")])
    return np.asarray(np.where(p > 1, law(net, size, p, g), 0.0))


def _piped(latency: Floats | float, wire: Floats) -> Floats:
    """Time of a pipeline whose chunks are chosen well, (sqrt(latency) + sqrt(wire))^2, with k of its cross term [s]."""
    took_s: Floats = latency + wire + 2 * np.sqrt(constants(CollectiveConstants).fill_fraction * latency * wire)
    return took_s


def _rate(net: Interconnect, p: Floats, g: Floats) -> Floats:
    """Rate of a ring through all ranks: its links, and the adapters of its GPUs in a domain together [B/s]."""
    c = constants(CollectiveConstants)
    links = c.link_fraction * np.minimum(net.pair_bytes_per_s * (g - 1), net.link_bytes_per_s)
    ports = c.port_fraction * net.port_bytes_per_s * g
    return np.minimum(np.where(g > 1, links, np.inf), np.where(p > g, ports, np.inf))


def _reduce(net: Interconnect, size: Floats, p: Floats, g: Floats) -> Floats:
    """The least of a ring, a tree of domains, and in one domain the link switches."""
    c, d, late = constants(CollectiveConstants), p / g, net.latency_ratio
    wire = (2 * (p - 1) + c.own_copy_ratio) / p * size / _rate(net, p, g)
    ring = (c.start_s + 2 * (p - d) * c.step_s) * late + 2 * (d - 1) * net.hop_s
    tree = (c.start_s + 2 * (g - 1) * c.step_s) * late + 2 * np.log2(d) * net.hop_s
    best = np.minimum(_piped(ring, wire), _piped(tree, wire / c.tree_fraction))
    if net.switch_bytes_per_s:
        switch = _piped(c.switch_start_s * late, size * (1 + 1 / g) / net.switch_bytes_per_s)
        best = np.where(p > g, best, np.minimum(best, switch))
    return best


def _gather(net: Interconnect, size: Floats, p: Floats, g: Floats) -> Floats:
    """A ring, between domains in the protocol that is fastest; of one GPU a domain, a tree's steps."""
    c, d = constants(CollectiveConstants), p / g
    wire = (p - 1 + c.own_copy_ratio) / p * size / _rate(net, p, g)
    latency = (c.start_s + (p - d) * c.step_s) * net.latency_ratio + np.where(g > 1, 0.0, np.log2(p)) * net.hop_s
    near = _piped(latency, wire)
    if not np.any((p > g) & (g > 1)):
        return near
    slow = net.hop_s / c.hop_s
    far = [
        one.start_s + (p - d) * one.step_s + (d - 1) * slow * one.hop_s + wire / one.rate_fraction
        for one in c.rings.values()
    ]
    return np.where((p > g) & (g > 1), np.minimum.reduce(far), near)


def _exchange(net: Interconnect, size: Floats, p: Floats, g: Floats) -> Floats:
    """All pairs at once: the longer of what stays in the domain and what leaves it."""
    c = constants(CollectiveConstants)
    latency = (c.start_s + (2 + p - g) * c.step_s) * net.latency_ratio + np.where(p > g, net.hop_s, 0.0)
    wire = (g - 1 + c.own_copy_ratio) / (c.link_fraction * net.link_bytes_per_s)
    if net.port_bytes_per_s:
        beyond = p - g + np.maximum(p - net.leaf_gpus_count, 0) * (net.taper_ratio - 1)
        wire = np.maximum(wire, beyond / (c.port_fraction * net.port_bytes_per_s))
    return _piped(latency, size / p * wire)


def _send(net: Interconnect, size: Floats, _p: Floats, g: Floats) -> Floats:
    """One message, within the domain if both ranks are inside it."""
    c = constants(CollectiveConstants)
    latency = (c.start_s + c.step_s) * net.latency_ratio + np.where(g > 1, 0.0, net.hop_s)
    links, ports = c.link_fraction * net.pair_bytes_per_s, c.port_fraction * net.port_bytes_per_s
    return _piped(latency, size / np.where(g > 1, links, ports or np.inf))


LAWS: Final[dict[str, Callable[[Interconnect, Floats, Floats, Floats], Floats]]] = {
    "all_reduce": _reduce,
    "all_gather": _gather,
    "reduce_scatter": _gather,
    "all_to_all": _exchange,
    "send": _send,
}
"""Collective -> what gives its time."""
