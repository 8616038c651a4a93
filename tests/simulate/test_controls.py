"""What operators turn: delays, caps, spare nodes, checkpoints, and policies on a year."""

from dataclasses import replace

import numpy as np
import pytest

from terp.catalogue import hourly
from terp.describe import Assign, Scenario, read_policy, read_site
from terp.errors import Problems
from terp.simulate import controls_on, inputs_of, simulate_scenario
from terp.simulate import year as simulated_year
from terp.simulate.controls import caps_over
from terp.simulate.engine.engines import needs_controller
from terp.simulate.jobs.job_controls import eligible_s

DAYS = 20


@pytest.fixture(scope="module")
def inputs():
    read = inputs_of(Scenario(machine="gefion"))
    read.kinds  # noqa: B018 - worked out once
    return read


def year(inputs, policy=None, **settings):
    return simulate_scenario(Scenario(machine="gefion", days=DAYS, **settings), replace(inputs, policy=policy))


def controls(inputs, **settings):
    return controls_on(inputs.machine, Scenario(machine="gefion", **settings), None)


@pytest.fixture(scope="module")
def plain(inputs):
    return year(inputs)


def test_no_control_is_the_run_as_it_is(inputs, plain):
    same = simulated_year(inputs.machine, site=inputs.site, workload=inputs.workload, days=DAYS)
    assert {**same.summary, "wall_s": 0} == {**plain.summary, "wall_s": 0}
    assert same.jobs.equals(plain.jobs)


def test_a_cap_that_no_job_reaches_changes_nothing(inputs, plain):
    assert year(inputs, gpu_cap="700 W").jobs.equals(plain.jobs)


def test_a_cap_saves_power_and_work(inputs, plain):
    capped = year(inputs, gpu_cap="500 W").summary
    assert capped["peak_it_power_w"] < plain.summary["peak_it_power_w"]
    assert capped["work_gpu_s"] < plain.summary["work_gpu_s"]
    assert capped["offered_load_fraction"] > plain.summary["offered_load_fraction"], (
        "jobs that end by themselves take longer"
    )


def test_a_cap_of_all_jobs_is_a_cap_of_all_gpus(inputs):
    every = read_policy("easy").record.model_copy(update={"assign": [Assign(gpu_cap_w="500 W")]})
    by_job, by_gpu = year(inputs, policy=every).summary, year(inputs, gpu_cap="500 W").summary
    assert by_job["it_energy_j"] == pytest.approx(by_gpu["it_energy_j"], rel=1e-9)
    assert by_job["work_gpu_s"] == pytest.approx(by_gpu["work_gpu_s"], rel=1e-3), (
        "speeds of kinds are told to the thousandth"
    )


def test_a_cap_of_some_jobs_is_theirs_alone(inputs):
    from terp.simulate.jobs.draw import draw_jobs
    from terp.simulate.jobs.job_controls import assigned_jobs, capped_jobs

    some = read_policy("easy").record.model_copy(update={"assign": [Assign(smallest_gpus_count=64, gpu_cap_w="400 W")]})
    jobs = draw_jobs(inputs.workload.record, 1528, 8, 30 * 86_400, 3600, 1)
    pace, level_w = capped_jobs(inputs.machine, inputs.kinds, jobs, assigned_jobs(some, inputs.workload.record, jobs))
    usual_w = np.array([kind.level_w for kind in inputs.kinds])[jobs.job]
    large = jobs.gpus >= 64
    assert (pace[~large] == 1).all()
    assert (level_w[~large] == usual_w[~large]).all()
    slower = pace < 1
    assert slower[large].mean() > 0.5, "some draw less than the cap anyhow"
    assert (level_w[slower] < usual_w[slower]).all()
    assert (level_w[large & ~slower] == usual_w[large & ~slower]).all()


def test_a_cap_of_nodes_is_a_cap_of_their_gpus(inputs):
    capped = year(inputs, node_cap="6 kW", gpu_cap="700 W")
    assert max(kind["node_power_w"] for kind in capped.summary["kinds"]) <= 6000.0 * 1.001
    assert capped.summary["work_gpu_s"] < year(inputs).summary["work_gpu_s"]


def test_the_machine_keeps_under_its_cap(inputs):
    run = year(inputs, power_cap="1.2 MW", failures=False)
    assert run.timeline.column("it_power_w").to_numpy().max() <= 1.2e6


def test_nothing_starts_above_the_cap_in_the_hours_of_a_response(inputs):
    run = year(inputs, response="900 kW", response_hours="17-20", failures=False)
    time_s, power = (run.timeline.column(name).to_numpy() for name in ("time_s", "it_power_w"))
    hour = (time_s / 3600 + 1) % 24  # Copenhagen is an hour ahead
    rises = np.diff(power) > 0
    inside = (hour[1:] >= 17) & (hour[1:] < 20)
    assert (power[1:][rises & inside] <= 0.9e6).all()
    assert power.max() > 0.9e6


def test_caps_change_at_local_hours(inputs):
    times, caps = caps_over(controls(inputs, response="5 W", response_hours="17-20"), 2 * 86_400, 3600)
    assert times.tolist() == [0, 16 * 3600, 19 * 3600, 40 * 3600, 43 * 3600]
    assert caps.tolist() == [np.inf, 5.0, np.inf, 5.0, np.inf]


def test_nothing_fails_if_nothing_may(inputs):
    run = year(inputs, failures=False)
    assert run.summary["node_failures_count"] == 0
    assert run.summary["reliability"]["interruptions_count"] == 0
    assert run.summary["node_down_s"] == 0


def test_spare_nodes_stand_by_at_idle_power(inputs):
    """With nothing failing, eight spares hold eight nodes' jobs back and draw what eight idle nodes draw."""
    spared, without = (year(inputs, failures=False, spare_nodes=count) for count in (8, 0))
    first = [run.timeline.column("it_power_w").to_numpy()[0] for run in (spared, without)]
    assert first[0] == pytest.approx(first[1])
    assert spared.summary["node_down_s"] == 8 * DAYS * 86_400
    assert spared.timeline.column("busy_gpus_count").to_numpy().max() <= 183 * 8


def test_a_job_that_may_wait_takes_the_cheapest_hour(inputs, plain):
    """Worked by hand over the series: of the hours within its delay the one whose next hours are cheapest."""
    site = read_site("copenhagen").record
    price = hourly(site.price).values
    from terp.simulate import draw_jobs

    jobs = draw_jobs(inputs.workload.record, 1528, 8, 86_400, 3600, 1)
    one = jobs.take(np.array([5]))
    one = replace(one, submit_s=np.array([7 * 3600 + 100]), requested_s=np.array([7200]))
    [start] = eligible_s(site, one, np.array([6 * 3600]), "price").tolist()
    means = {
        hour: price[hour : hour + 2].mean() for hour in range(7, 14) if hour == 7 or hour * 3600 <= 7 * 3600 + 100 + 21_600
    }
    best = min(means, key=lambda hour: (means[hour], hour))
    assert start == (7 * 3600 + 100 if best == 7 else best * 3600)
    assert eligible_s(site, one, np.array([0]), "price").tolist() == [7 * 3600 + 100]


def test_delays_save_money_and_cost_waits(inputs, plain):
    green = year(inputs, policy=read_policy("green").record).summary
    assert green["delayed_jobs_count"] > 0
    assert 0 < green["mean_delay_s"] <= 12 * 3600
    assert green["mean_wait_s"] > plain.summary["mean_wait_s"]


def test_daly_intervals_are_shorter_for_larger_jobs(inputs):
    from terp.predict.workload_mix import job_names
    from terp.simulate.jobs.draw import draw_jobs
    from terp.simulate.jobs.job_controls import checkpoints_of

    jobs = draw_jobs(inputs.workload.record, 1528, 8, 30 * 86_400, 3600, 1)
    names = job_names(inputs.workload.record)
    kind = names.index(("language-models", "language-pretraining"))
    every, write, _ = checkpoints_of(
        inputs.machine, inputs.workload.record, inputs.kinds, jobs, controls(inputs, checkpoints="daly")
    )
    mine = jobs.job == kind
    small, large = every[mine & (jobs.gpus <= 64)], every[mine & (jobs.gpus >= 512)]
    assert small.size
    assert large.size
    assert small.min() > large.max()
    assert (write[mine] > 0).all()


# --- policies --------------------------------------------------------------------------------------------------------


def test_simple_policies_are_for_the_core_and_others_for_the_controller():
    assert not needs_controller(None)
    assert not any(needs_controller(read_policy(name).record) for name in ("easy", "fair-share", "green"))
    assert all(needs_controller(read_policy(name).record) for name in ("fifo", "conservative", "preemption"))


def test_both_engines_agree_on_easy_where_whole_nodes_fit_both(inputs):
    """Statistics: the same year by the core and by the controller, whose plan names nodes, differs little in use and energy."""
    easy = read_policy("easy").record
    named = easy.model_copy(update={"name": "easy-by-controller", "placement": "best-fit"})
    assert needs_controller(named)
    core, controller = (year(inputs, policy=policy).summary for policy in (easy, named))
    assert controller["jobs_submitted_count"] == core["jobs_submitted_count"]
    for key in ("gpu_utilisation_fraction", "facility_energy_j"):
        assert controller[key] == pytest.approx(core[key], rel=0.06), "a few large jobs of 20 days make the difference"
    assert controller["node_failures_count"] == core["node_failures_count"]


def test_preemption_stops_large_trainings_for_small_work(inputs):
    stopped, left = (year(inputs, policy=read_policy(name).record).summary for name in ("preemption", "without-preemption"))
    assert stopped["preemptions_count"] > 0
    assert left["preemptions_count"] == 0
    assert stopped["sizes"][0]["p95_wait_s"] < left["sizes"][0]["p95_wait_s"]
    assert stopped["lost_gpu_s"] > left["lost_gpu_s"]


def test_energy_of_a_year_by_the_controller_adds_up(inputs):
    run = year(inputs, policy=read_policy("preemption").record)
    time_s, power = (run.timeline.column(name).to_numpy() for name in ("time_s", "it_power_w"))
    integral = (power * np.diff(np.append(time_s, DAYS * 86_400))).sum()
    assert run.summary["it_energy_j"] == pytest.approx(integral, rel=1e-9)
    shares = sum(entry["energy_j"] for entry in run.summary["domains"].values())
    assert shares + run.summary["unattributed"]["energy_j"] == pytest.approx(run.summary["facility_energy_j"], rel=1e-9)


def test_names_that_a_policy_assigns_and_the_workload_lacks(inputs):
    policy = read_policy("easy").record.model_copy(
        update={"assign": [Assign(groups=["nobody"]), Assign(domains=["alchemy"])]}
    )
    with pytest.raises(Problems) as error:
        year(inputs, policy=policy)
    domain, group = str(error.value).splitlines()
    assert domain.startswith("assign: no domain 'alchemy' in workload national; known: ")
    assert group.startswith("assign: no group 'nobody' in workload national; ")
