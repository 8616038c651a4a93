"""The question asked once: what is left out is as the files say, zero is zero, and nothing is clamped in silence."""

import dataclasses

import numpy as np
import pytest

import terp
from terp.describe import Scenario, read_policy, read_workload
from terp.errors import Problems, TerpError
from terp.physics.power.power_caps import gpu_cap_range_w
from terp.reader import record_of_values
from terp.simulate import controls_on, draw_jobs, inputs_of
from terp.simulate.jobs.draw import _submissions
from terp.simulate.jobs.job_controls import checkpoints_of

DAY_S = 86_400


@pytest.fixture(scope="module")
def spared():
    """A machine whose file has a cap of its GPUs, spare nodes, and links that end jobs when they flap."""
    return terp.machine("gefion").changed(
        compute__gpu_cap="500 W",
        reliability__spare_nodes=9,
        reliability__link_flaps="0.5 /day",
        reliability__flap_interrupts=0.5,
    )


def controls(machine, policy=None, **settings):
    return controls_on(machine, Scenario(machine="gefion", **settings), policy)


# --- zero, none and as the file says ---------------------------------------------------------------------------------


def test_what_is_left_out_is_as_the_file_says(spared):
    plain = controls(spared)
    assert (plain.gpu_cap_w, plain.spare_nodes_count, plain.power_cap_w) == (500.0, 9, None)
    assert plain.reliability == spared.reliability


def test_zero_is_zero_and_none_lifts_a_cap(spared):
    turned = controls(spared, gpu_cap="none", spare_nodes=0, power_cap="0 W")
    assert (turned.gpu_cap_w, turned.spare_nodes_count, turned.power_cap_w) == (None, 0, 0.0)
    assert controls(spared, gpu_cap="450 W", spare_nodes=3).gpu_cap_w == 450.0


def test_spare_nodes_of_zero_are_another_year_than_those_of_the_file(spared):
    without, with_them = (
        terp.simulate.year(spared, days=2, seed=1, spare_nodes=count, failures=False).summary for count in (0, None)
    )
    assert without["node_down_s"] == 0
    assert with_them["node_down_s"] == 9 * 2 * DAY_S


def test_a_load_of_zero_is_refused_and_not_taken_for_the_workloads_own():
    with pytest.raises(Problems, match="load: out of range, found 0; more than 0 would do"):
        terp.simulate.year("gefion", load=0)


# --- nothing is clamped ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("cap", ["1 W", "199 W", "701 W"])
def test_a_cap_that_the_gpu_does_not_take_is_refused_with_the_range(gefion, cap):
    low_w, high_w = gpu_cap_range_w(gefion.accelerator)
    assert (low_w, high_w) == (pytest.approx(200.0), 700.0)
    with pytest.raises(Problems, match=rf"gpu_cap: a GPU of gefion takes no such cap, found {cap}; 200 W to 700 W would do"):
        controls(gefion, gpu_cap=cap)


@pytest.mark.parametrize("cap", ["200 W", "700 W"])
def test_the_ends_of_the_range_are_taken(gefion, cap):
    assert controls(gefion, gpu_cap=cap).gpu_cap_w == pytest.approx(float(cap.split()[0]))


def test_a_cap_of_nodes_that_their_gpus_cannot_keep_is_refused(gefion):
    with pytest.raises(Problems, match=r"node_cap: caps of its GPUs keep no node of gefion below it, found 1 W; at least "):
        controls(gefion, node_cap="1 W")


def test_a_cap_that_a_policy_gives_jobs_is_held_to_the_same_range(gefion):
    easy = read_policy("easy").record
    mean = easy.model_copy(update={"assign": [terp.describe.Assign(gpu_cap="1 W")]})
    with pytest.raises(Problems, match=r"assign.gpu_cap: a GPU of gefion takes no such cap"):
        controls(gefion, mean)


def test_a_cap_of_zero_for_gpus_says_how_to_lift_one():
    with pytest.raises(Problems, match=r"gpu_cap: a cap that leaves no power, found '0 W'; .*'none' to run without a cap"):
        terp.simulate.year("gefion", gpu_cap="0 W")


def test_spare_nodes_are_held_against_the_nodes(gefion):
    with pytest.raises(
        Problems, match="spare_nodes: more spare nodes than there are nodes, found 191; at most 190 would do"
    ):
        terp.simulate.year(gefion, days=1, spare_nodes=191)
    assert controls(gefion, spare_nodes=190).spare_nodes_count == 190


def test_all_that_is_wrong_is_said_at_once(gefion):
    with pytest.raises(Problems) as error:
        controls(gefion, gpu_cap="1 W", node_cap="1 W", spare_nodes=500)
    assert [line.split(":")[0] for line in str(error.value).splitlines()] == ["gpu_cap", "node_cap", "spare_nodes"]
    with pytest.raises(Problems) as error:
        record_of_values({"machine": "gefion", "days": 0, "gpu_cap": 600, "failures": "maybe"}, Scenario)
    assert [line.split(":")[0] for line in str(error.value).splitlines()] == ["days", "failures", "gpu_cap"]


def test_files_that_are_not_there_are_all_named():
    with pytest.raises(TerpError) as error:
        inputs_of(Scenario(machine="gefoin", site="copenhagn", workload="nationl", policy="esy"))
    assert len(str(error.value).splitlines()) == 4


# --- years of their own kind -----------------------------------------------------------------------------------------


def test_a_year_in_which_no_job_starts_works(gefion, tmp_path):
    run = terp.simulate.year(gefion, days=2, power_cap="0 W")
    assert run.summary["jobs_started_count"] == 0
    assert run.summary["jobs_waiting_count"] == run.summary["jobs_submitted_count"] > 0
    assert run.jobs.column("start_s").null_count == len(run.jobs)
    from terp.views.report import as_html
    from terp.views.text.summary_text import as_text

    assert "0 completed" in as_text(run)
    assert as_html(run)


def test_nothing_fails_means_that_no_link_flaps_either(spared):
    assert spared.reliability.link_flaps_per_s > 0
    run = terp.simulate.year(spared, days=5, failures=False).summary
    assert run["node_failures_count"] == run["jobs_interrupted_count"] == 0
    law = controls(spared, failures=False).reliability
    assert law.link_flaps_per_s == law.node_failures_per_s == 0


def test_where_nothing_fails_no_checkpoint_pays(gefion):
    inputs = inputs_of(Scenario(machine="gefion"))
    workload = inputs.workload.record
    jobs = draw_jobs(workload, gefion.gpus_count, 8, 5 * DAY_S, 3600, 1)
    failing, calm = (controls(gefion, checkpoints="daly", failures=failures) for failures in (True, False))
    written, none = (checkpoints_of(gefion, workload, inputs.kinds, jobs, each) for each in (failing, calm))
    known = np.array([kind.write_s for kind in inputs.kinds])[jobs.job] > 0
    assert (written[0][known] > 0).any()
    assert (none[0][known] == 0).all()
    assert (none[0][~known] == written[0][~known]).all(), "kinds whose write is not known keep the file's interval"


@pytest.mark.parametrize("count", [127, 128, 129, 130, 300])
def test_a_workload_of_many_groups(gefion, count):
    """Codes of names are as wide as they need to be, and one byte as long as that does."""
    written = read_workload("national")
    first = next(iter(written.record.groups.values()))
    groups = {f"group-{number}": first.model_copy(update={"share_fraction": 1 / count}) for number in range(count)}
    record = written.record.model_copy(update={"groups": groups})
    run = terp.simulate.year(gefion, workload=dataclasses.replace(written, record=record), days=1)
    names = run.jobs.column("group").combine_chunks()
    assert names.dictionary.to_pylist() == list(groups)
    assert names.type.index_type.bit_width == (8 if count <= 128 else 16)
    assert set(names.to_pylist()) <= set(groups)
    assert len(run.summary["groups"]) == count


@pytest.mark.parametrize("offset_h", [5.5, 5.75, -3.5, 6.0])
def test_a_site_half_an_hour_off_works_by_its_own_clock(offset_h):
    """People who come from nine to ten only, local time, come then: at UTC+5:30 from 3:30 to 4:30."""
    workload = read_workload("national").record
    at_nine = workload.arrivals.model_copy(update={"by_hour_ratio": [float(hour == 9) for hour in range(24)]})
    workload = workload.model_copy(update={"arrivals": at_nine})
    submit_s = _submissions(workload, 5000, 3 * DAY_S, offset_h * 3600, np.random.default_rng(1))
    local_s = (submit_s + offset_h * 3600) % DAY_S
    assert ((local_s >= 9 * 3600 - 1) & (local_s <= 10 * 3600)).all()
    assert np.ptp(local_s) > 3000


# --- the front door --------------------------------------------------------------------------------------------------


def test_a_machine_and_its_files_come_by_name_by_record_and_by_mapping(gefion):
    named = terp.simulate.year("gefion", days=1)
    built = terp.simulate.year(gefion, site=terp.site("copenhagen"), workload=terp.workload("national"), days=1)
    easy = {"kind": "policy", "name": "easy", "title": "first come, first served"}
    mapped = terp.simulate.year(gefion, days=1, policy=easy)
    assert named.jobs == built.jobs == mapped.jobs
    assert named.origin["digests"] == built.origin["digests"]


def test_what_is_no_machine_is_refused():
    with pytest.raises(TerpError, match="machine"):
        terp.simulate.year(3.5, days=1)
