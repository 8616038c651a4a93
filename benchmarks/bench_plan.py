"""How many machines a second and core are built from a frame, with their power and Rmax; one by one and by the column.

The floor is some 150 numpy operations a column, at about 1 ns an entry where columns stay in the cache.
"""

from __future__ import annotations

import numpy as np
import pytest

from terp.catalogue import read_catalogue
from terp.describe import read_budget
from terp.hardware import build_machine
from terp.physics import benchmark_system, machine_power, predict_hpl
from terp.plan import read_inputs
from terp.plan.machines.designs import designs
from terp.plan.machines.frames import Extras, frame_for, kits_for, machine_file
from terp.plan.machines.node_counts import built, rmax_of
from terp.plan.planner import _workable
from terp.plan.search.evaluate import evaluate
from terp.plan.search.price_table import Setting
from terp.reader import Tree, Written

EXTRAS = Extras(9, 3, 10, capacity_appliance="ai400x2", european_server="management-server")


def frame(node, topology):
    catalogue = read_catalogue()
    return frame_for(node, kits_for(node, catalogue)[0], topology, 1.0, catalogue)


@pytest.mark.parametrize("size", [100, 1_200, 10_000, 100_000])
@pytest.mark.parametrize("topology", ["rail-optimised-fat-tree", "fat-tree"])
def test_machines_a_second(benchmark, topology, size):
    """Bar: 50,000 machines a second and core; `extra_info` has the rate."""
    catalogue, mine = read_catalogue(), frame("dgx-b200", topology)
    nodes = np.random.default_rng(1).integers(1, 1201, size)

    def build():
        return built(mine, nodes, EXTRAS, catalogue), rmax_of(mine, nodes, catalogue)

    benchmark(build)
    if benchmark.stats:
        benchmark.extra_info["machines_per_s"] = round(size / benchmark.stats["mean"])


def test_one_by_one(benchmark):
    """The same by the builder, for a machine of 191 nodes."""
    catalogue, mine = read_catalogue(), frame("dgx-b200", "rail-optimised-fat-tree")
    written = Written(machine_file(mine, 191, EXTRAS), "plan.yaml", {}, Tree("plan.yaml"))

    def build():
        machine = build_machine(written, catalogue)
        return machine_power(machine), predict_hpl(benchmark_system(machine))

    benchmark(build)


def test_frames(benchmark):
    """All frames of all nodes of the catalogue that have a kit."""
    catalogue = read_catalogue()

    def frames():
        return [
            frame_for(node, kit, topology, ratio, catalogue)
            for node in catalogue.parts["nodes"]
            for kit in kits_for(node, catalogue)
            for topology in ("rail-optimised-fat-tree", "fat-tree")
            for ratio in (1.0, 2.0)
        ]

    found = benchmark(frames)
    benchmark.extra_info["frames"] = len(found)


@pytest.mark.parametrize("frames", ["kept", "built"])
def test_candidates_a_second(benchmark, frames):
    """Machines of the national budget built, priced, predicted and held against every constraint; bar: 50,000 a second.

    kept    without the bills and rates of each frame, which all places, caps and spares share;  built   with them
    Jobs of each frame, and the tables of halls, are worked out before in both.
    """
    inputs = read_inputs(read_budget("netherlands"))
    setting, wanted, _ = _workable(inputs, designs(inputs)[0])
    machines = sum(evaluate(setting, design).nodes_count.size for design in wanted)

    def search():
        mine = setting
        if frames == "built":
            mine = Setting(inputs, setting.frames)
            mine.jobs_of, mine.work_of_frame = setting.jobs_of, setting.work_of_frame
        for design in wanted:
            evaluate(mine, design)

    benchmark.pedantic(search, rounds=3)
    if benchmark.stats:
        benchmark.extra_info["machines"] = machines
        benchmark.extra_info["machines_per_s"] = round(machines / benchmark.stats["mean"])
