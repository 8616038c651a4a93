"""The command line as its users type it, mistakes included; each call is a process of its own."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from html.parser import HTMLParser
from pathlib import Path

import pytest
from support import commands
from support.measure import least_child_cpu_s

ROOT = Path(__file__).parents[2]


def terp(*words, cwd=None, check=None):
    done = commands.run(*words, cwd=cwd)
    if check is not None:
        assert done.returncode == check, done.stderr
    return done


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "week"
    terp("simulate", "gefion", "--days", 7, "--seed", 3, "-o", folder, check=0)
    return folder


def test_help_is_quick_and_imports_nothing_heavy():
    code = (
        "import sys; sys.argv=['terp','--help']; import terp.views.cli.main as m\ntry: m.main()\nexcept SystemExit: pass\n"
    )
    code += "print(sorted({'numba','numpy','pydantic','pyarrow','yaml','jinja2'} & set(sys.modules)), file=sys.stderr)"
    words = [sys.executable, "-c", code]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "[]"
    assert "What is this machine, exactly?" in done.stdout
    cpu_s = least_child_cpu_s(lambda: subprocess.run(words, capture_output=True, check=True), times=5)
    assert cpu_s < 0.25, f"terp --help took {cpu_s:.2f} s of CPU"


def test_terp_alone_shows_what_there_is():
    done = terp(check=0)
    assert "Verbs:" in done.stdout
    assert done.stderr == ""


def test_show_for_people():
    text = terp("show", "gefion", check=0).stdout
    for words in (
        "191 NVIDIA DGX H100",
        "1,528 NVIDIA H100",
        "48 leaf + 32 spine",
        "1,528 node + 4 manager, 1,536 leaf-spine",
        "assumed",
    ):
        assert words in text


def test_show_for_programs():
    data = json.loads(terp("show", "gefion", "--json", check=0).stdout)
    assert (data["nodes_count"], data["gpus_count"]) == (191, 1528)
    assert data["fabric"]["leaf_spine_cables_count"] == 1536
    bill = terp("show", "gefion", "--bom", check=0).stdout.splitlines()
    assert bill[0] == "where,part,title,count"
    assert "nodes,dgx-h100,NVIDIA DGX H100,191" in bill
    rows = json.loads(terp("show", "gefion", "--bom", "--json", check=0).stdout)
    assert sum(row["count"] for row in rows if row["part"] == "dgx-h100") == 191
    nodes = terp("show", "gefion", "--nodes", check=0).stdout.splitlines()
    assert len(nodes) == 192


def test_simulate_writes_a_whole_folder_and_a_summary(run_folder):
    assert sorted(path.name for path in run_folder.iterdir()) == [
        "hours.parquet", "interruptions.parquet", "jobs.parquet", "run.json", "summary.json", "timeline.parquet",
    ]  # fmt: skip
    summary = json.loads((run_folder / "summary.json").read_text())
    asked = (
        "machine days seed gpus_count jobs_submitted_count jobs_started_count jobs_completed_count jobs_cancelled_count "
        "jobs_failed_count gpu_utilisation_fraction mean_wait_s median_wait_s p95_wait_s it_energy_j facility_energy_j mean_pue "
        "electricity_cost_eur carbon_kg node_failures_count lost_gpu_s domains groups wall_s"
    )
    assert set(asked.split()) <= set(summary)
    for entry in (*summary["domains"].values(), *summary["groups"].values()):
        assert {"gpu_s", "jobs_count", "mean_wait_s", "energy_j", "cost_eur", "carbon_kg"} <= set(entry)
    assert list(summary["domains"])[:3] == ["medicine", "climate", "cybersecurity"]


def test_json_is_data_alone_and_writes_nothing(tmp_path):
    done = terp("simulate", "gefion", "--days", 2, "--json", cwd=tmp_path, check=0)
    assert json.loads(done.stdout)["days"] == 2
    assert list(tmp_path.iterdir()) == []


def test_check_workload_says_no_for_a_day_and_yes_for_a_year():
    year = terp("simulate", "--check-workload", check=0).stdout
    assert "94 of 94 within 10 %" in year
    day = terp("simulate", "gefion", "--check-workload", "--days", 1, check=1).stdout
    assert "check a whole year" in day
    rows = json.loads(terp("simulate", "gefion", "--check-workload", "--json", check=0).stdout)
    assert all(row["passes"] for row in rows)


class _Links(HTMLParser):
    """Everything a page would fetch, and whether its tags are closed."""

    def __init__(self):
        super().__init__()
        self.fetched, self.open = [], []

    def handle_starttag(self, tag, attrs):
        of_link = ("href",) if tag != "a" else ()  # that leads somewhere, and fetches nothing
        self.fetched += [value for name, value in attrs if name in ("src", "srcset", "data", *of_link)]
        if tag not in ("meta", "link", "br", "img", "line", "circle", "rect", "path", "polyline", "polygon"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        if self.open and self.open[-1] == tag:
            self.open.pop()


def test_the_report_is_one_file_that_fetches_nothing(run_folder):
    path = Path(terp("report", run_folder, check=0).stdout.strip())
    page = path.read_text("utf-8")
    parser = _Links()
    parser.feed(page)
    assert parser.fetched == []
    assert [tag for tag in parser.open if tag not in ("th", "td", "tr", "p")] == []
    assert "url(" not in page
    assert "@import" not in page
    assert "<script" not in page
    assert "prefers-color-scheme: dark" in page
    assert "@media print" in page
    for words in ("Who got what", "Medicine", "Cybersecurity", "modelled", "Fingerprints", "AcmeTrace"):
        assert words in page
    assert not re.search(r"\bnan\b|None|Undefined", page)
    work_gpu_s = json.loads((run_folder / "summary.json").read_text())["work_gpu_s"]
    assert f"would have taken {work_gpu_s / 3600:,.0f} GPU hours on the GPUs" in page


def test_a_title_with_markup_is_text_in_the_report(run_folder, tmp_path):
    machine = (
        (ROOT / "machines" / "gefion.yaml")
        .read_text()
        .replace('title: "Gefion,', 'title: "<script>alert(1)</script> Gefion,')
    )
    (tmp_path / "mine.yaml").write_text(machine)
    terp("simulate", tmp_path / "mine.yaml", "--days", 1, "-o", tmp_path / "run", check=0)
    terp("report", tmp_path / "run", check=0)
    page = (tmp_path / "run" / "report.html").read_text("utf-8")
    assert "<script" not in page
    assert "&lt;script&gt;" in page


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("simulate",), "name a machine, such as `terp simulate gefion`"),
        (("simulate", "gefjon"), "no machine 'gefjon'; did you mean 'gefion'?"),
        (("simulate", "gefion", "--workload", "nationl"), "no workload 'nationl'; did you mean 'national'?"),
        (("simulate", "gefion", "--site", "gronigen"), "no site 'gronigen'; did you mean 'groningen'?"),
        (("simulat", "gefion"), "no verb 'simulat'; did you mean 'simulate'?"),
        (("show", "machines/nothing.yaml"), "cannot be read: No such file or directory"),
        (
            ("show", ROOT / "sites" / "groningen.yaml", "--kind", "machine"),
            "kind: not a machine file, found 'site'; name a file of `kind: machine`",
        ),
        (("simulate", "gefion", "--dayz", "3"), "No such option"),
        (("simulate", "gefion", "--days", "0"), "--days"),
        (("simulate", "gefion", "--seed", "-1"), "--seed"),
        (
            ("report", "nowhere"),
            "nowhere: no folder, no file and no machine has this name; name a folder that a verb wrote with -o",
        ),
    ],
)
def test_mistakes_are_one_clear_line_and_exit_2(words, says):
    done = terp(*words, check=2)
    assert says in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert done.stdout == ""


def test_mistakes_of_all_files_come_at_once(tmp_path):
    workload = (ROOT / "workloads" / "national.yaml").read_text()
    (tmp_path / "w.yaml").write_text(
        workload.replace("load: {value: 0.85,", "load: {value: -0.85,").replace("teaching: 0.10", "teaching: 0.20")
    )
    done = terp("simulate", "gefjon", "--workload", tmp_path / "w.yaml", "--site", "mars", check=2)
    lines = done.stderr.splitlines()
    assert "no machine 'gefjon'" in lines[0]
    assert "no site 'mars'" in lines[1]
    assert "load: out of range, found -0.85" in lines[2]
    (tmp_path / "w.yaml").write_text(workload.replace("teaching: 0.10", "teachin: 0.20"))
    done = terp("simulate", "gefion", "--workload", tmp_path / "w.yaml", check=2)
    assert "the shares do not add up to 1, found 1.1" in done.stderr
    assert "unknown domain, found 'teachin'; did you mean 'teaching'?" in done.stderr


@pytest.mark.parametrize(
    ("kind", "right", "wrong", "says"),
    [
        ("workloads", "teaching: 0.10}", "teaching: 0.10, cybersecurity: 0}", "this key stands twice"),
        (
            "workloads",
            "by_hour: {value: [0.90,",
            "by_hour: {value: [",
            "not one rate an hour or a day, found 23 rates; write 24",
        ),
        ("workloads", '["5 min",', '["0 s",', "a limit of no time"),
        ("workloads", "load: {value: 0.85,", "load: {value: .nan,", "load: not a fraction, found '.nan'"),
        ("sites", "price: price-nl", "price: wet-bulb-aarhus", "a series in degC where one in EUR/MWh is wanted"),
        ("sites", "country: NL", "country: nl", "write two capital letters"),
        ("machines", "switch_optic: osfp-2x400-sr4", "switch_optic: cat6", "too slow: 1 Gb/s where 800 Gb/s pass"),
        (
            "machines",
            '"30 m", status: assumed, range: "3 .. 50 m"',
            '"90 m", status: assumed, range: "3 .. 95 m"',
            "longer than mpo12-fibre reaches",
        ),
        (
            "machines",
            'slow_median: {value: "8 h", status: assumed, range: "2 .. 24 h"}',
            'slow_median: "80 days"',
            "less than slow_median",
        ),
    ],
)
def test_what_cannot_be_is_refused(tmp_path, kind, right, wrong, says):
    name = {"workloads": "national", "sites": "groningen", "machines": "gefion"}[kind]
    text = (ROOT / kind / f"{name}.yaml").read_text()
    assert right in text
    (tmp_path / "mine.yaml").write_text(text.replace(right, wrong, 1))
    option = {"workloads": ["gefion", "--workload"], "sites": ["gefion", "--site"], "machines": []}[kind]
    done = terp("simulate", *option, tmp_path / "mine.yaml", "--days", 1, "--json", check=2)
    assert says in done.stderr
    assert "Traceback" not in done.stderr


def test_domains_without_weight_or_jobs_do_no_work(tmp_path):
    text = (ROOT / "workloads" / "national.yaml").read_text()
    weights = "medicine: 0.28, climate: 0.20, cybersecurity: 0.10, language-models: 0.17, engineering: 0.15, teaching: 0.10"
    assert weights in text
    (tmp_path / "w.yaml").write_text(text.replace(weights, "medicine: 0, climate: 0, teaching: 1"))
    done = terp("simulate", "gefion", "--workload", tmp_path / "w.yaml", "--days", 1, "--json", check=2)
    assert "no domain of this group has jobs like pretraining or multimodal; add one to a domain" in done.stderr


def test_a_workload_too_large_for_the_machine(tmp_path):
    machine = (
        (ROOT / "machines" / "gefion.yaml").read_text().replace("scalable_units: {value: 6,", "scalable_units: {value: 1,")
    )
    (tmp_path / "small.yaml").write_text(machine)
    done = terp("simulate", tmp_path / "small.yaml", "-o", tmp_path / "run", check=2)
    assert "asks for more GPUs than the machine has, 248, found 1,024; set `largest_job: 248`" in done.stderr
    assert not (tmp_path / "run").exists()


@pytest.mark.skipif(os.geteuid() == 0 and not Path("/proc/self/mounts").exists(), reason="needs a folder nobody can write")
def test_an_unwritable_folder_is_said_before_the_work(tmp_path):
    words = ("simulate", "gefion", "--days", 3000, "-o", "/proc/run")
    done = terp(*words, check=2)
    assert "cannot be written" in done.stderr
    assert "Traceback" not in done.stderr
    started = [sys.executable, "-m", "terp", *map(str, words)]
    assert least_child_cpu_s(lambda: subprocess.run(started, capture_output=True), times=2) < 8


def test_an_interrupt_leaves_nothing(tmp_path):
    words = [sys.executable, "-m", "terp", "simulate", "gefion", "--days", "3000", "-o", str(tmp_path / "run")]
    heard = {"preexec_fn": lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)}  # a shell's background job ignores it
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **heard)
    time.sleep(4)
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "interrupted; nothing was written" in stderr
    assert "Traceback" not in stderr
    assert list(tmp_path.iterdir()) == []


def test_show_lists_all_machines_and_sets_some_side_by_side():
    names = [line.split()[0] for line in terp("show", check=0).stdout.splitlines()[1:]]
    assert len(names) >= 27
    assert {"gefion", "netherlands", "netherlands-204m", "jupiter", "frontier", "chie-4"} <= set(names)
    head, *rows = terp("show", "gefion", "jupiter", "alps", check=0).stdout.splitlines()
    assert head.split() == ["gefion", "jupiter", "alps"]
    [line] = [row for row in rows if row.startswith("compute fabric")]
    assert all(word in line for word in ("rail-optimised-fat-tree", "dragonfly+", "768"))
    assert [entry["machine"] for entry in json.loads(terp("show", "gefion", "alps", "--json", check=0).stdout)] == [
        "gefion",
        "alps",
    ]


def test_show_tells_the_way_between_two_gpus():
    assert "3 switches" in terp("show", "gefion", "--way", "0", "9", check=0).stdout
    assert json.loads(terp("show", "gefion", "--way", "0", "7", "--json", check=0).stdout) == {
        "over": "links", "switches_count": 1, "latency_s": 1e-06
    }  # fmt: skip
    assert "no such GPU, found 1528; gefion has 0 to 1527" in terp("show", "gefion", "--way", "0", "1528", check=2).stderr
    assert "of one machine" in terp("show", "--bom", check=2).stderr


def test_predict_hpl_says_what_a_machine_can_and_what_sites_submit_of_it():
    text = terp("predict", "gefion", "hpl", "--edition", "2024-11", check=0).stdout
    assert "9 of 10 sites submit" in text
    assert "(NVIDIA's own nodes: x0." in text
    assert "as one site in ten tunes it; the middle site submits 9" in text
    data = json.loads(terp("predict", "gefion", "hpl", "--json", check=0).stdout)
    assert data["submitted_fraction"] == pytest.approx(data["rmax_flop_per_s"] / data["reach_flop_per_s"])
    assert data["power_low_w"] < data["power_w"] < data["power_high_w"]
    assert data["emulated"] is False


def test_emulated_fp64_is_an_option_that_says_which_way_it_goes():
    own = json.loads(terp("predict", "gefion", "hpl", "--json", check=0).stdout)
    slower = json.loads(terp("predict", "gefion", "hpl", "--emulated-fp64", "--json", check=0).stdout)
    assert slower["rmax_flop_per_s"] < 0.6 * own["rmax_flop_per_s"]
    assert any("slower than its own" in words for words in slower["caveats"])
    own = json.loads(terp("predict", "chie-4", "hpl", "--json", check=0).stdout)
    faster = json.loads(terp("predict", "chie-4", "hpl", "--emulated-fp64", "--json", check=0).stdout)
    assert faster["rmax_flop_per_s"] > 1.3 * own["rmax_flop_per_s"]
    assert faster["class"] == "chip or mode not graded"


def test_predict_hpl_for_programs():
    """The keys of the contract, and Gefion's rank where the lists have it."""
    data = json.loads(terp("predict", "gefion", "hpl", "--json", check=0).stdout)
    assert data["rmax_flop_per_s"] == pytest.approx(66.6e15, rel=0.03)
    assert data["rmax_low_flop_per_s"] < data["rmax_flop_per_s"] < data["rmax_high_flop_per_s"]
    assert (data["rank"]["2024-11"], data["rank"]["2025-06"]) == (21, 29)
    assert data["energy_j"] == pytest.approx(data["power_w"] * data["run_s"])
    assert data["flop_per_s_per_w"] == pytest.approx(data["rmax_flop_per_s"] / data["power_w"])
    parts = [
        share for name, share in data["breakdown"].items() if name.endswith("_fraction") and name != "gpu_memory_fraction"
    ]
    assert sum(parts) == pytest.approx(1)
    documented = set(re.findall(r"`(\w+)`", (ROOT / "docs" / "formats" / "predict.md").read_text("utf-8")))
    for kind in ("hpl", "hpcg", "mxp"):
        told = json.loads(terp("predict", "gefion", kind, "--json", check=0).stdout)
        assert {*told, *told["breakdown"]} - documented == set()


def test_predict_for_people():
    text = terp("predict", "eos", "hpl", "--edition", "2024-11", check=0).stdout
    for words in (
        "Pflop/s",
        "of the FP64 matrix peak",
        "Gflop/s a W",
        "2024-11",
        "its listed run used 3,328 GPUs: --gpus 3328",
    ):
        assert words in text
    assert "2025-06" not in text
    assert "reading memory" in terp("predict", "gefion", "hpcg", check=0).stdout
    assert "a share of the FP16 peak" in terp("predict", "gefion", "mxp", check=0).stdout


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("predict", "gefjon", "hpl"), "no machine 'gefjon'; did you mean 'gefion'?"),
        (("predict", "gefion", "hpl", "--edition", "2022-11"), "no edition of the TOP500 '2022-11'; did you mean"),
        (("predict", "gefion", "hpl", "--gpus", "7"), "use whole nodes of 8, up to 1528"),
        (("predict", "gefion", "hpl", "--n", "99999999"), "no matrix of that order can be run"),
        (("predict", "gefion", "linpack"), "linpack"),
        (("validate", "hlp"), "did you mean 'hpl'?"),
        (("validate", "hpl", "--gpu", "h100-sxm-80gb"), "--gpu is of"),
        (("validate", "kernels", "--cases", "/nowhere.jsonl"), "cannot be read"),
        (("validate", "kernels", "--cases", "x.jsonl", "--gpu", "gh200"), "begins several accelerators; gh200-96gb"),
        (("validate", "collectives", "--cases", "/nowhere.csv"), "cannot be read"),
        (("validate", "power", "--cases", "/nowhere.parquet"), "cannot be read"),
        (("validate", "--cases", "x.csv"), "--cases needs a MODEL"),
        (("validate", "hpl", "--cases", "/nowhere.csv"), "/nowhere.csv: cannot be read: No such file or directory"),
        (
            ("simulate", "jupiter", "--days", "1"),
            "names no site; say where it stands with --site amsterdam or --site copenhagen",
        ),
    ],
)
def test_what_cannot_be_asked_is_a_line_and_exit_code_two(arguments, says):
    done = terp(*arguments, check=2)
    assert says in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert done.stdout == ""


@pytest.mark.slow
def test_validate_prints_its_table_and_its_json():
    done = commands.terp("validate")
    assert done.returncode == 0, done.stderr
    table = done.stdout.splitlines()
    assert [line.split()[0] for line in table] == [
        "model",
        "hpl",
        "hpl-power",
        "hpcg",
        "mxp",
        "gemm",
        "attention",
        "train",
        "prefill",
        "decode",
        "train-memory",
        "collectives",
        "training",
        "training-memory",
        "training-unseen",
        "training-unseen-memory",
        "power",
        "power-groups",
        "power-levels",
        "power-steps",
        "costs",
        "fleets:",
        "slurm:",
    ]
    text = terp("validate", "hpl", check=0).stdout
    assert "Gefion" in text
    assert "rows left out" in text
    data = json.loads(terp("validate", "hpl", "--json", check=0).stdout)
    assert data["n"] == 166 == data["graded"] + data["fitted"] + len(data["skipped"])
    assert 0 < data["median_abs_error"] < data["p90_abs_error"]
    assert data["power_median_abs_error"] > 0
    documented = set(re.findall(r"`(\w+)`", (ROOT / "docs" / "formats" / "validate.md").read_text("utf-8")))
    assert {key for key in {*data, *data["cases"][0]} if "flop_per_s" not in key} - documented == set()


def test_validate_takes_a_table_of_ones_own_with_a_byte_order_mark(tmp_path):
    path = tmp_path / "mine.csv"
    path.write_bytes(
        b"\xef\xbb\xbfname,accelerator,gpus_est,processor,interconnect,rmax_tflops\r\n"
        b"Mine,NVIDIA H100 SXM5 80GB,1528,Xeon Platinum 8480C 56C 2GHz,Infiniband NDR400,66590\r\n"
    )
    data = json.loads(terp("validate", "hpl", "--cases", str(path), "--json", check=0).stdout)
    assert (data["n"], data["graded"], data["skipped"]) == (1, 1, [])
    assert abs(data["cases"][0]["error"]) < 0.05
    assert data["power_median_abs_error"] is None


def test_validate_kernels_for_programs():
    data = json.loads(terp("validate", "kernels", "--json", check=0).stdout)
    timed, beside = {"gemm", "attention", "memory", "train", "prefill", "decode"}, {"train-power", "train-memory"}
    assert set(data["groups"]) == timed | beside
    assert data["graded"] == sum(data["groups"][kind]["graded"] for kind in timed)
    assert data["n"] == data["graded"] + data["fitted"] + len(data["skipped"])
    assert data["skipped"] == []
    assert data["median_abs_error"] < data["baseline_median_abs_error"]
    assert "aiconfigurator, h200-sxm-141gb" in terp("validate", "kernels", check=0).stdout


def test_validate_kernels_by_the_beginning_of_a_gpus_name(tmp_path):
    path = tmp_path / "mine.jsonl"
    path.write_text('{"kind": "train", "name": "resnet50-b128", "batch": 128, "compile": false, "s": 0.03, "mem_gb": 6.2}\n')
    data = json.loads(terp("validate", "kernels", "--cases", str(path), "--gpu", "h200-sxm", "--json", check=0).stdout)
    assert set(data["groups"]) == {"train", "train-memory"}
    assert data["groups"]["train"]["cases"][0]["part"] == "mine.jsonl, h200-sxm-141gb"
    documented = (ROOT / "docs" / "formats" / "validate.md").read_text("utf-8")
    assert all(f"`{kind}`" in documented for kind in data["groups"])


def test_validate_collectives_for_people_and_programs(tmp_path):
    assert "all_reduce, h200-sxm-141gb, 1 node" in terp("validate", "collectives", check=0).stdout
    data = json.loads(terp("validate", "collectives", "--json", check=0).stdout)
    assert data["n"] == data["graded"] + data["fitted"]
    path = tmp_path / "mine.csv"
    path.write_text("collective,gpu,gpus,nodes,size_bytes,time_us\nall_reduce,H200,8,1,536870912,2151\n")
    data = json.loads(terp("validate", "collectives", "--cases", str(path), "--json", check=0).stdout)
    assert (data["n"], data["graded"]) == (1, 1)
    assert abs(data["cases"][0]["error"]) < 0.15


TRAIN = ("predict", "gefion", "train", "--model", "llama-3.1-70b", "--seq", "8192")
SPLIT = ("--gpus", "512", "--global-batch", "512", "--tp", "4", "--pp", "4", "--vp", "5")


def test_predict_train_for_people_and_programs():
    text = terp(*TRAIN, *SPLIT, "--tokens", "15e12", check=0).stdout
    assert "Llama 3.1 70B" in text
    assert "where the time goes" in text
    assert "failures to expect" in text
    data = json.loads(terp(*TRAIN, *SPLIT, "--tokens", "15e12", "--json", check=0).stdout)
    asked = (
        "step_s step_low_s step_high_s tokens_per_s mfu_fraction memory_bytes fits breakdown gpu_power_w energy_j cost_eur"
    )
    assert {*asked.split(), "strategy", "software"} <= set(data)
    assert data["step_low_s"] < data["step_s"] < data["step_high_s"]
    assert sum(data["breakdown"].values()) == pytest.approx(data["step_s"], rel=1e-9)
    assert data["tokens_per_s"] == pytest.approx(512 * 8192 / data["step_s"])
    assert data["run"]["run_s"] > data["run"]["steps_count"] * data["step_s"]


def test_predict_train_takes_a_config_of_a_hub(tmp_path):
    config = {
        "model_type": "llama", "num_hidden_layers": 80, "hidden_size": 8192, "num_attention_heads": 64,
        "num_key_value_heads": 8, "intermediate_size": 28672, "vocab_size": 128256,
    }  # fmt: skip
    path = tmp_path / "config.json"
    path.write_text(json.dumps(config), "utf-8")
    words = ("predict", "gefion", "train", "--model", str(path), "--seq", "8192", *SPLIT, "--json")
    mine, shipped = (json.loads(terp(*call, check=0).stdout)["step_s"] for call in (words, (*TRAIN, *SPLIT, "--json")))
    assert mine == shipped
    path.write_text(json.dumps(config | {"model_type": "rwkv"}), "utf-8")
    told = terp(*words, check=2).stderr.splitlines()
    assert len(told) == 1
    assert "rwkv" in told[0]
    assert "llama" in told[0]


def test_predict_train_says_all_that_is_wrong_at_once():
    told = terp(*TRAIN, "--gpus", "63", "--global-batch", "-4", "--tp", "3", "--precision", "fp4", check=2).stderr
    assert [line.split(":")[0] for line in told.splitlines()] == ["--global-batch", "--precision", "--tp"]
    assert "Traceback" not in terp(*TRAIN, "--global-batch", "64", "--tokens", "nan", check=2).stderr
    [line] = terp(*TRAIN, "--gpus", "64", "--global-batch", "64", "--tp", "1", check=2).stderr.splitlines()
    assert line.startswith("does not fit")
    assert "would do" in line
    assert "no model" in terp("predict", "gefion", "train", "--model", "nope", "--global-batch", "8", check=2).stderr


def test_what_would_do_does():
    """The split that an error names is taken as it stands."""
    [line] = terp(*TRAIN, "--gpus", "64", "--global-batch", "64", check=2).stderr.splitlines()
    options = line.partition("; ")[2].removesuffix(" would do").split()
    gpus = () if "--gpus" in options else ("--gpus", "64")
    assert json.loads(terp(*TRAIN, *gpus, "--global-batch", "64", *options, "--json", check=0).stdout)["fits"]


def test_predict_train_searches():
    words = (*TRAIN, "--global-batch", "1528", "--search")
    data = json.loads(terp(*words, "--json", check=0).stdout)
    times = [row["step_s"] for row in data["frontier"]]
    assert times == sorted(times)
    assert data["evaluated_count"] > data["fitting_count"] > 0
    assert any(row["gpus_count"] == 1528 for row in data["frontier"])  # 8 x 191
    assert "faster than all with fewer nodes" in terp(*words, check=0).stdout


def test_validate_training_for_people_and_programs(tmp_path):
    rows = (ROOT / "validation" / "training" / "table.csv").read_text("utf-8").splitlines()
    path = tmp_path / "mine.csv"
    path.write_text("\n".join([*rows[:12], rows[1].replace(",80,8192,64", ",eighty,8192,64")]), "utf-8")
    data = json.loads(terp("validate", "training", "--cases", str(path), "--json", check=0).stdout)
    assert data["n"] == 12
    assert data["graded"] == 11
    assert data["skipped"][0]["reason"] == "layers is 'eighty', no number"
    assert 0 < data["mape"] < data["baseline_mape"]
    assert {"id", "predicted_s", "published_s", "error"} <= set(data["cases"][0])
    assert set(data["groups"]) == {"mosaicml/llm-foundry"}
    (tmp_path / "bad.csv").write_text("a,b\n1,2\n", "utf-8")
    assert "no column model" in terp("validate", "training", "--cases", str(tmp_path / "bad.csv"), check=2).stderr
