"""Real slurm.conf files of our own replays, one in the style of a real centre, and bad ones."""

import math
import re
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from terp.connect import read_slurm_conf
from terp.connect.slurm.conf_values import seconds_of
from terp.connect.slurm.hostlist import NotAHostlist, expand_hosts, ranges_of
from terp.connect.slurm.ignored_keys import GLOBAL, NODE, PARAMETERS, PARTITION
from terp.connect.slurm.sacctmgr_lines import IGNORED
from terp.describe import read_policy
from terp.describe.checks.policy_checks import misfits_of_policy
from terp.errors import Problems

DATA = Path(__file__).parent / "data" / "slurm"
PAGE = Path(__file__).parents[2] / "docs" / "formats" / "slurm-conf.md"
LEAST = "NodeName=n[1-4] CPUs=8 RealMemory=1000 Gres=gpu:2\nPartitionName=p Nodes=ALL\n"


def conf_of(folder, text, assoc=None, topology=None, *, least=LEAST, **options):
    (folder / "slurm.conf").write_text(text + "\n" + least)
    files = {}
    for name, content in (("assoc", assoc), ("topology", topology)):
        if content is not None:
            files[name] = folder / f"{name}.txt"
            files[name].write_text(content)
    return read_slurm_conf(folder / "slurm.conf", **files, **options)


@pytest.fixture
def conf(tmp_path):
    return lambda *texts, **options: conf_of(tmp_path, *texts, **options)


@pytest.fixture
def refused(conf):
    def problems(*texts, **options):
        with pytest.raises(Problems) as caught:
            conf(*texts, **options)
        return str(caught.value)

    return problems


@pytest.fixture(scope="module")
def centre():
    return read_slurm_conf(DATA / "centre.conf", DATA / "centre_show.txt")


HOSTNAMES = {  # what `scontrol show hostnames` of Slurm 22.05.8 printed, recorded 2026-11-24
    "dgx[001-191]": [f"dgx{number:03d}" for number in range(1, 192)],
    "n[1-3,7]x[0-1]": ["n1x0", "n1x1", "n2x0", "n2x1", "n3x0", "n3x1", "n7x0", "n7x1"],
    "a[08-11],b,c[3]": ["a08", "a09", "a10", "a11", "b", "c3"],
    "n[01-3]": ["n01", "n02", "n03"],
    "n[9-11,08]": ["n9", "n10", "n11", "n08"],
    "x[0-1][0-1]": ["x00", "x01", "x10", "x11"],
    "a,,b": ["a", "b"],
    "n[1,1]": ["n1", "n1"],
}
NO_HOSTNAMES = ["n[5-3]", "r[1-2]n[01-02]-ib0", "n[1-2]m", "n[]", "n[a-c]", "n[1-2][a]"]  # and what it refused
NO_HOSTNAMES_HERE = [
    "n[1-3",
    "n]1[",
    "n[[1]]",
    "n[0-99999999]",
    "n[0-9999]m[0-9999]",
    "a b",
]  # what it took oddly, or would not end


@pytest.mark.parametrize("text", HOSTNAMES)
def test_hosts_are_those_of_scontrol(text):
    assert expand_hosts(text) == HOSTNAMES[text]


@pytest.mark.parametrize("text", NO_HOSTNAMES + NO_HOSTNAMES_HERE)
def test_what_is_no_list_of_hosts_is_refused(text):
    with pytest.raises(NotAHostlist):
        expand_hosts(text)


@given(st.sets(st.integers(0, 3000), min_size=1, max_size=60))
def test_ranges_are_the_numbers_again(numbers):
    assert [int(name[1:]) for name in expand_hosts(f"n[{ranges_of(numbers)}]")] == sorted(numbers)


TIMES = {  # slurm.conf(5), MaxTime: all its forms
    "30": 1800, "5:30": 330, "1:30:15": 5415, "2-3": 183_600, "2-3:30": 185_400, "2-03:30:15": 185_415, "0": 0,
    "INFINITE": math.inf, "UNLIMITED": math.inf, "-1": math.inf, "1:2:3:4": None, "ever": None, "": None, "-5": None, "1.5": None,
}  # fmt: skip


@pytest.mark.parametrize("text", TIMES)
def test_times_have_the_forms_of_the_manual(text):
    assert seconds_of(text) == TIMES[text]


def test_the_replay_with_fair_shares():
    """The file that a real slurmctld ran with, and the accounts it had; values by hand."""
    read = read_slurm_conf(DATA / "multifactor.conf", DATA / "assoc.txt")
    policy, cluster = read.policy, read.cluster
    assert (policy.order, policy.name, policy.placement) == ("multifactor", "ft", "best-fit")
    weights = policy.priority.weights
    assert (weights.age_ratio, weights.fairshare_ratio, weights.job_size_ratio, weights.qos_ratio) == (
        2000,
        10000,
        1000,
        4000,
    )
    assert (policy.priority.half_life_s, policy.priority.max_age_s, policy.priority.calc_period_s) == (21600, 43200, 300)
    backfill = policy.backfill
    assert (backfill.kind, backfill.planning, backfill.interval_s, backfill.resolution_s) == (
        "conservative",
        "slurm",
        30,
        60,
    )
    assert (backfill.window_s, backfill.jobs_count, policy.depth_count, policy.sched_interval_s) == (172_800, 1000, 1000, 60)
    assert {name: account.shares_count for name, account in policy.accounts.items()} == {
        "medicine": 40, "climate": 30, "cybersecurity": 20, "teaching": 10,
    }  # fmt: skip
    assert {name: qos.priority_ratio for name, qos in policy.qos.items()} == {"normal": 50, "high": 100, "low": 10}
    batch = policy.partitions["batch"]
    assert (batch.billing_gpu_ratio, batch.billing_core_ratio, batch.max_time_s, batch.nodes) == (1, 0, None, "")
    assert len(cluster.names) == 191
    assert (cluster.names[0], cluster.names[-1]) == ("dgx001", "dgx191")
    assert set(cluster.gpus) == {8}
    assert set(cluster.cores) == {112}
    assert set(cluster.memory) == {2_000_000 * 2**20}
    assert set(cluster.leaf) == {0}


@pytest.mark.parametrize("name", ["plain", "fifo"])
def test_the_replays_without_weights_are_first_come_first_served(name):
    read = read_slurm_conf(DATA / f"{name}.conf", DATA / "sacctmgr_show.txt")
    assert read.policy.order == "fifo"
    assert read.policy.backfill.kind == "conservative"
    assert list(read.policy.qos) == ["normal"]
    assert read.policy.accounts == {}
    assert read.refused == ()


def test_every_key_of_a_file_is_modelled_or_ignored():
    read = read_slurm_conf(DATA / "plain.conf")
    told = {(line.line, line.key) for line in (*read.modelled, *read.ignored)}
    own = {"PartitionName", "NodeName"}
    for number, text in enumerate((DATA / "plain.conf").read_text().splitlines(), 1):
        keys = re.findall(r"(?:^|\s)(\w+)=", text)
        if keys[0] not in own:
            keys = keys[:1] if keys[0] != "SchedulerParameters" else re.findall(r"(?:eters=|,)(\w+)", text)
        assert {(number, key) for key in keys} - told == set()


def test_nodes_of_a_centre(centre):
    """Down and drained nodes are left out, what is kept for the system is not there for jobs, leaves are numbered."""
    cluster = centre.cluster
    assert len(cluster.names) == 11 + 40 + 2
    assert "g003" not in cluster.names
    assert "c0041" not in cluster.names
    of = {name: number for number, name in enumerate(cluster.names)}
    gpu, cpu, large = of["g001"], of["c0001"], of["m1"]
    assert [cluster.gpus[node] for node in (gpu, cpu, large)] == [4, 0, 0]
    assert [cluster.cores[node] for node in (gpu, cpu, large)] == [192 - 8, 96, 64]
    assert [cluster.memory[node] for node in (gpu, cpu)] == [1_024_000 * 2**20, 515_000 * 2**20]
    assert [cluster.leaf[of[name]] for name in ("g001", "g006", "g007", "c0001", "m2")] == [0, 0, 1, 2, 2]


def test_partitions_of_a_centre(centre):
    partitions = centre.policy.partitions
    assert {name: partition.nodes for name, partition in partitions.items()} == {
        "gpu": "1-11", "cpu": "12-53", "large": "52-53", "debug": "1,12", "whole": "",
    }  # fmt: skip
    assert centre.policy.default_partition == "gpu"
    gpu, debug, whole, large = (partitions[name] for name in ("gpu", "debug", "whole", "large"))
    assert (gpu.billing_core_ratio, gpu.billing_gpu_ratio, gpu.factor_count, gpu.max_time_s) == (0.25, 16, 10, 432_000)
    assert (debug.max_time_s, debug.default_time_s, debug.tier_count, debug.billing_core_ratio) == (1800, 360, 10, 1)
    assert (whole.exclusive, whole.max_time_s, whole.default_time_s) == (True, None, 3600)
    assert whole.accounts == ["climate", "genomics", "medicine"]  # all but those denied
    assert (large.accounts, large.qos) == (["climate", "medicine"], ["normal", "high"])
    assert ("old", "a partition that is not up") in {(line.text, line.what) for line in centre.ignored}


def test_policy_of_a_centre(centre):
    policy = centre.policy
    assert (policy.backfill.window_s, policy.backfill.resolution_s, policy.backfill.jobs_count) == (432_000, 180, 2000)
    assert (policy.backfill.interval_s, policy.depth_count, policy.placement) == (60, 200, "tree")
    assert policy.licenses == {"matlab": 20, "comsol": 1}
    assert policy.priority.weights.qos_ratio == 50 * 200  # NO_NORMAL_QOS: 50 times the priority itself
    assert policy.priority.weights.partition_ratio == 10_000


def test_accounts_and_qos_of_a_centre(centre):
    accounts, qos = centre.policy.accounts, centre.policy.qos
    assert {name: (account.parent, account.shares_count) for name, account in accounts.items()} == {
        "medicine": ("", 40), "genomics": ("medicine", 3), "climate": ("", 30), "teaching": ("", 1),
    }  # fmt: skip
    limits = accounts["medicine"].limits
    assert (limits.group_gpus_count, limits.group_nodes_count, limits.user_jobs_count) == (16, 8, 20)
    assert (limits.job_gpus_count, limits.job_nodes_count, limits.job_wall_s) == (8, 2, 172_800)
    assert (qos["high"].preempts, qos["high"].preempt_mode, qos["high"].exempt_s) == (["low", "normal"], "requeue", 600)
    assert (qos["low"].preempt_mode, qos["low"].grace_s, qos["low"].exempt_s) == ("cancel", 120, 30)
    assert (qos["high"].limits.user_gpus_count, qos["high"].limits.user_jobs_count, qos["high"].usage_factor_ratio) == (
        16,
        4,
        2,
    )


def test_a_policy_passes_the_checks_of_a_policy_file(centre):
    assert misfits_of_policy(SimpleNamespace(record=centre.policy, tree=None)) == []


def test_the_default_partition_of_a_policy_file_is_one_of_its_own(tmp_path):
    file = tmp_path / "own.yaml"
    text = "kind: policy\nname: own\ntitle: own\ndefault_partition: gpu\npartitions: {%s: {max_time: 1 day, default_time: 1 h}}\n"
    file.write_text(text % "gpu")
    policy = read_policy(str(file)).record
    assert (policy.default_partition, policy.partitions["gpu"].default_time_s) == ("gpu", 3600)
    file.write_text(text % "gpus")
    with pytest.raises(Problems, match="default_partition: is not there"):
        read_policy(str(file))


def test_names_that_only_a_partition_tells_of_are_accounts_and_qos(conf):
    policy = conf("PartitionName=q Nodes=n1 AllowAccounts=Physics AllowQos=fast", "account maths fairshare=3").policy
    assert {name: account.shares_count for name, account in policy.accounts.items()} == {"maths": 3, "physics": 1}
    assert list(policy.qos) == ["fast"]
    assert (policy.partitions["q"].nodes, policy.partitions["p"].nodes) == ("1", "")


def test_a_dump_says_what_the_table_says(centre):
    """`sacctmgr dump` and `sacctmgr show assoc` of the same accounts; a dump has no QOS."""
    dumped = read_slurm_conf(DATA / "centre.conf", DATA / "centre_dump.cfg", DATA / "topology.conf")
    assert dumped.policy.accounts == centre.policy.accounts
    assert np.array_equal(dumped.cluster.leaf, centre.cluster.leaf)


def test_indented_accounts_stand_under_those_above(conf):
    """`sacctmgr show assoc tree`: one blank a level, and no column of parents."""
    rows = "Account|User|Share\nroot||1\n a||2\n  b||3\n  b|ann|1\n c||4\n"
    accounts = conf("", rows).policy.accounts
    assert {name: (account.parent, account.shares_count) for name, account in accounts.items()} == {
        "a": ("", 2), "b": ("a", 3), "c": ("", 4),
    }  # fmt: skip


def test_what_a_file_is_silent_about_is_as_slurm_has_it(conf):
    """Defaults of slurm.conf(5), 22.05."""
    read = conf("SelectType=select/cons_tres")
    policy = read.policy
    backfill = policy.backfill
    assert (policy.order, backfill.kind, backfill.interval_s, backfill.window_s) == ("fifo", "conservative", 30, 86400)
    assert (backfill.resolution_s, backfill.jobs_count, policy.depth_count, policy.sched_interval_s) == (60, 500, 100, 60)
    assert (policy.priority.max_age_s, policy.priority.half_life_s, policy.priority.calc_period_s) == (604_800, 604_800, 300)
    partition = policy.partitions["p"]
    assert (partition.tier_count, partition.factor_count, partition.exclusive, partition.max_time_s) == (1, 1, False, None)
    assert conf("").policy.partitions["p"].exclusive  # select/linear


WORDS = {  # lines -> what they make of a policy
    "SchedulerType=sched/builtin": ("backfill.kind", "none"),
    "SchedulerParameters=bf_interval=-1": ("backfill.kind", "none"),
    "SchedulerParameters=bf_job_part_count_reserve=1": ("backfill.kind", "easy"),
    "schedulerparameters=BF_Window=60": ("backfill.window_s", 3600),
    "SchedulerParameters=sched_interval=-1": ("sched_interval_s", 86400),
    "SelectType=select/cons_tres\nSelectTypeParameters=CR_Core,CR_LLN": ("placement", "spread"),
    "TopologyPlugin=topology/tree": ("placement", "tree"),
    "TopologyPlugin=topology/tree\nTopologyParam=TopoOptional": ("placement", "best-fit"),
    "PriorityType=priority/basic\nPriorityWeightAge=5": ("order", "fifo"),
    "PriorityType=priority/multifactor\nPriorityWeightAge=5": ("order", "multifactor"),
    "PriorityType=priority/multifactor\nPriorityWeightTRES=GRES/gpu=5": ("order", "fifo"),
    "PriorityFavorSmall=YES": ("priority.favor_small", True),
    "PriorityDecayHalfLife=0": ("priority.half_life_s", 0),
}


@pytest.mark.parametrize("lines", WORDS)
def test_words_mean_what_they_mean_in_slurm(conf, lines):
    place, value = WORDS[lines]
    found = conf(lines).policy
    for step in place.split("."):
        found = getattr(found, step)
    assert found == value


def test_backfill_that_is_not_there_has_no_parameters(conf):
    read = conf("SchedulerType=sched/builtin\nSchedulerParameters=bf_window=99,default_queue_depth=7")
    assert (read.policy.backfill.kind, read.policy.depth_count) == ("none", 7)
    assert [line.what for line in read.ignored if line.key == "bf_window"] == ["sched/builtin has no backfill"]


def test_memory_that_is_not_shared_out_is_not_said(conf):
    assert conf("SelectType=select/cons_tres").cluster.memory[0] == 1000 * 2**20
    assert conf("SelectType=select/cons_tres\nSelectTypeParameters=CR_Core").cluster.memory[0] == 0


QOS = "qos low priority=1\nqos high priority=2 preempt=low preemptmode=cancel gracetime=90 maxtrespu=gres/gpu=4 grpnodes=2\n"


def test_limits_hold_where_they_are_enforced(conf):
    free, held = conf("", QOS), conf("AccountingStorageEnforce=limits", QOS)
    assert free.policy.qos["high"].limits.user_gpus_count is None
    assert "does not hold `limits`" in " ".join(line.what for line in free.ignored)
    limits = held.policy.qos["high"].limits
    assert (limits.user_gpus_count, limits.group_nodes_count) == (4, 2)


def test_a_qos_preempts_where_the_type_of_preemption_says_so(conf):
    assert conf("", QOS).policy.qos["high"].preempts == []
    stops = conf("PreemptType=preempt/qos\nPreemptMode=SUSPEND,GANG", QOS).policy.qos
    assert (stops["high"].preempts, stops["high"].preempt_mode, stops["high"].grace_s) == (["low"], "cancel", 90)
    assert stops["low"].preempt_mode == "suspend"
    never = conf("PreemptType=preempt/qos\nPreemptMode=REQUEUE\nJobRequeue=0", QOS).policy.qos
    assert never["low"].preempt_mode == "cancel"  # a job that may not come again is cancelled


def test_preemption_by_partition_is_told_to_be_ignored(conf):
    read = conf("PreemptType=preempt/partition_prio\nPreemptMode=REQUEUE")
    assert [line.line for line in read.ignored if line.key == "PreemptType"] == [1]


LINES = {  # a line -> what its problem says
    "SchedulerType=sched/unknown": "slurm.conf:1:1: SchedulerType: not a word that is known, found 'sched/unknown'",
    "SelectType=select/foo": "SelectType: not a word that is known, found 'select/foo'; known: select/cons_tres",
    "PreemptType=preempt/dice": "known: preempt/none, preempt/qos, preempt/partition_prio",
    "PreemptType=preempt/qos": "a type of preemption without a mode",
    "PreemptMode=STOP": "PreemptMode: not a mode that is known",
    "PriorityType=priority/multifacto": "did you mean 'priority/multifactor'?",
    "PriorityWeightAge=much": "write one from 0 to 1000000000",
    "PriorityWeightAgee=5": "unknown key, found '5'; did you mean 'PriorityWeightAge'?",
    "PriorityMaxAge=ever": "write minutes, hours:minutes:seconds, days-hours",
    "PriorityFlags=FAIRTREE": "did you mean 'fair_tree'?",
    "PriorityFavorSmall=perhaps": "neither YES nor NO",
    "SchedulerParameters=bf_interval=0.5": "bf_interval: not a whole number that can be",
    "SchedulerParameters=bf_window=99999": "write one from 1 to 43200",
    "SchedulerParameters=bf_interval=0": "write -1, or at least 1",
    "SchedulerParameters=bf_job_part_count_reserve=1.5": "not a whole number that can be",
    "SchedulerParameters=bf_windo=60": "bf_windo: unknown key, found '60'; did you mean 'bf_window'?",
    "SchedulerParameters=bf_max_time=0": "bf_max_time: not a number that can be",
    "SchedulerParameters=bf_continue, bf_window=60": "slurm.conf:1:34: bf_window: one of SchedulerParameters outside",
    "SelectTypeParameters=CR_Coer": "did you mean 'cr_core'?",
    "TopologyPlugin=topology/treee": "did you mean 'topology/tree'?",
    "AccountingStorageEnforce=limit": "did you mean 'limits'?",
    "Licenses=matlab:many": "write it as matlab:4",
    "Include nowhere.conf": "no such file",
    "Include slurm.conf": "the file includes itself",
    "just words": "not a key with a value",
    "NodeName=n[9-5] CPUs=1": "NodeName: no range '9-5', found 'n[9-5]'",
    "NodeName=x[1-2 CPUs=1": "brackets that do not match",
    "NodeName=x CPUs=none": "CPUs: not a whole number",
    "NodeName=x Gres=gpu:h100:8x": "write it as gpu:h100:8 or gpu:8",
    "NodeName=x State=BROKEN": "State: not a state that is known",
    "NodeName=x CPUs=4 CoreSpecCount=4": "no cores are left for jobs",
    "NodeName=x RealMemori=5": "did you mean 'RealMemory'?",
    "DownNodes=m1": "no such node, found 'm1'; known: n1, n2, n3, n4",
    "NodeName=x\nPartitionName=q Nodes=y[1-3]": "slurm.conf:2:17: Nodes: no such node and 2 more, found 'y1'",
    "PartitionName=q Nodes=ALL MaxTime=soon": "MaxTime: not a time that can be",
    "PartitionName=q Nodes=ALL Overscribe=NO": "did you mean 'OverSubscribe'?",
    "PartitionName=q Nodes=ALL OverSubscribe=MAYBE": "OverSubscribe: not a word that is known",
    "PartitionName=q Nodes=ALL State=OPEN": "State: not a state that is known",
    "PartitionName=q Nodes=ALL PriorityTier=70000": "write one from 0 to 65533",
    "PartitionName=q Nodes=ALL TRESBillingWeights=CPU=lots": "not a resource with its weight",
}


@pytest.mark.parametrize("line", LINES)
def test_lines_that_cannot_be_are_refused(refused, line):
    text = refused(line)
    assert LINES[line] in text


ACCOUNTS = {
    "nonsense": "neither an account nor a QOS",
    "a|b|c": "a row without headings above",
    "Account|Share\nx|1|2": "a row of 3 columns",
    "account a fairshare=lots": "Fairshare: not a whole number",
    "account a fairshar=5": "did you mean 'Fairshare'?",
    "account a parent=b": "no such parent",
    "account a parent=b\naccount b parent=a": "an account above itself",
    "qos a preempt=b": "Preempt: no such QOS, found 'b'",
    "qos a usagefactor=big": "not a factor that can be",
    "qos a grptres=gres/gpu=x": "not a whole number that can be",
    "Cluster|Account|Share\nx|a|1\ny|a|1": "several clusters, and none is 'cluster'",
    "Account - 'a':Fairshare=x": "Fairshare: not a whole number",
    "Parent - 'z'\nAccount - 'a':Fairshare=1": "no such parent",
    "a\0b": "not a text",
    "account a fairshare=" + "1" * 70_000: "too long",
}


@pytest.mark.parametrize("text", ACCOUNTS, ids=lambda text: repr(text[:40]))
def test_accounts_that_cannot_be_are_refused(refused, text):
    assert ACCOUNTS[text] in refused("AccountingStorageEnforce=limits", text)


def test_problems_come_all_at_once_with_their_places(refused):
    text = refused("SchedulerType=x\n# nothing\nSelectType=y \\\n  PriorityWeightAge=z\n", "nonsense", "Spine=1")
    assert [line.split(": ")[0].rpartition("/")[2] for line in text.splitlines()] == [
        "assoc.txt:1:1", "slurm.conf:1:1", "slurm.conf:3:1", "slurm.conf:4:3", "topology.txt:1:1",
    ]  # fmt: skip


def test_a_file_without_a_machine_is_refused(refused):
    assert "no NodeName line" in refused("ClusterName=x", least="")
    assert "no PartitionName line" in refused("", least="NodeName=n1")
    assert "no node is in service" in refused("", least="NodeName=n1 State=DOWN\nPartitionName=p Nodes=ALL")


def test_it_goes_on_past_refused_lines_if_asked_to(conf):
    read = conf("SchedulerType=sched/unknown\nSchedulerParameters=bf_window=-3,bf_interval=20", go_on=True)
    assert [(line.line, line.key) for line in read.refused] == [(1, "SchedulerType"), (2, "bf_window")]
    assert (read.policy.backfill.window_s, read.policy.backfill.interval_s) == (86400, 20)


def test_names_of_newer_keys_and_of_nobody_are_ignored(conf):
    read = conf("CertmgrType=x\nQuiteUnheardOf=1\nSchedulerParameters=bf_unheard_of_too")
    assert [(line.key, line.what) for line in read.ignored][1:] == [
        ("QuiteUnheardOf", "not a key that is known here"),
        ("bf_unheard_of_too", "not a key that is known here"),
    ]


def test_the_page_names_every_key_that_is_ignored():
    named = {word.lower() for word in re.findall(r"`([\w/.]+)`", PAGE.read_text("utf-8"))}
    for table in (GLOBAL, PARAMETERS, NODE, PARTITION, IGNORED):
        assert {key.lower() for keys in table.values() for key in keys} - named == set()


def test_the_page_names_every_key_that_is_modelled(centre):
    named = {word.lower() for word in re.findall(r"`([\w/.]+)`", PAGE.read_text("utf-8"))}
    assert {line.key.lower() for line in centre.modelled} - named == set()


KEYS = [
    *(key for table in (GLOBAL, PARTITION, NODE) for keys in table.values() for key in keys),
    "SchedulerType", "SchedulerParameters", "PriorityType", "PriorityWeightAge", "PriorityMaxAge", "PriorityFlags",
    "PreemptType", "PreemptMode", "PreemptExemptTime", "SelectType", "SelectTypeParameters", "TopologyPlugin", "Licenses",
    "NodeName", "PartitionName", "DownNodes", "NodeSet", "Nodes", "Gres", "CPUs", "Sockets", "RealMemory", "CpuSpecList",
    "State", "MaxTime", "DefaultTime", "OverSubscribe", "TRESBillingWeights", "AllowAccounts", "DenyQos", "Include",
    "ClusterName", "AccountingStorageEnforce", "PriorityWeightQOS",
]  # fmt: skip
VALUES = [
    "ALL", "DEFAULT", "n[1-3]", "n[1-2,4]x[0-1]", "-1", "0", "1", "99999999999999999999", "1e9", "nan", "YES", "UNLIMITED",
    "1-0", "gpu:h100:8(S:0-1),nvme", "gpu:4K", "bf_interval=3,bf_window=0,bf_job_part_count_reserve=7", "preempt/qos",
    "REQUEUE", "topology/tree", "select/linear", "CR_LLN", "DOWN", '"a b"', "cpu=1,gres/gpu=x,mem=.5G", "limits,all", "a:b:c",
    "priority/multifactor", "NO_NORMAL_ALL", "\u0663", "",
]  # fmt: skip
LINE = st.builds("{}={}{}".format, st.sampled_from(KEYS), st.sampled_from(VALUES), st.sampled_from(["", " ", "\\", "#x"]))
CONFS = st.one_of(
    st.text(max_size=80),
    st.lists(LINE | st.text(max_size=12), max_size=8).map("\n".join),
    st.lists(LINE, max_size=6).map(" ".join).map(lambda text: f"NodeName=n[1-4] {text}"),
    st.lists(LINE, max_size=6).map(" ".join).map(lambda text: f"PartitionName=q Nodes=ALL {text}"),
)
CELLS = st.sampled_from(
    ["Account", "Name", "Share", "GrpTRES", "Preempt", "a", "b", "1", "gres/gpu=4", "", " a", "Cluster", "Par Name"]
)
ASSOCS = st.one_of(
    st.text(max_size=60),
    st.lists(st.lists(CELLS, min_size=2, max_size=4).map("|".join), max_size=6).map("\n".join),
    st.lists(
        st.sampled_from(
            ["Account - 'a':Fairshare=2", "Parent - 'a'", "Account - b:GrpTRES=gres/gpu:x=3:Fairshare", "account c parent=a",
             "qos q preempt=q gracetime=1 maxwall=1-0", "account a", "Cluster - x", "user u fairshare=3"]
        ),
        max_size=6,
    ).map("\n".join),
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(
    CONFS, ASSOCS, st.one_of(st.text(max_size=40), LINE.map(lambda text: f"SwitchName=s Nodes=n[1-2] {text}")), st.booleans()
)
def test_no_text_raises_anything_but_problems(tmp_path_factory, conf, assoc, topology, go_on):
    """And what is read is a policy whose partitions hold numbers of nodes that are there."""
    folder = tmp_path_factory.getbasetemp() / "fuzz"
    folder.mkdir(exist_ok=True)
    try:
        read = conf_of(folder, conf, assoc, topology, go_on=go_on)
    except Problems as error:
        assert error.problems
        assert all(problem.wrong and problem.file for problem in error.problems)
        return
    cluster = read.cluster
    assert len(cluster.names) == len(set(cluster.names)) == cluster.gpus.size == cluster.leaf.size > 0
    assert cluster.cores.min() >= 1
    assert set(cluster.leaf) == set(range(cluster.leaf.max() + 1))
    for partition in read.policy.partitions.values():
        numbers = re.findall(r"\d+", partition.nodes)
        assert all(1 <= int(number) <= len(cluster.names) for number in numbers)
    assert misfits_of_policy(SimpleNamespace(record=read.policy, tree=None)) == []


def test_the_python_of_the_page_runs(tmp_path, monkeypatch, capsys):
    [code] = re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    [plain] = re.findall(r"```text\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    for name in ("nodes.conf", "topology.conf"):
        (tmp_path / name).write_text((DATA / name).read_text())
    (tmp_path / "slurm.conf").write_text((DATA / "centre.conf").read_text())
    (tmp_path / "accounts.txt").write_text(plain)
    monkeypatch.chdir(tmp_path)
    exec(code, {})  # noqa: S102
    assert capsys.readouterr().out.startswith("multifactor conservative 53\nslurm.conf 4 SlurmctldHost")
