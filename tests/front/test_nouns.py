"""The nouns of the front door: read by name, path, mapping or record; wrong ones are one TerpError with all problems."""

from pathlib import Path

import numpy as np
import pytest
import yaml

import terp
from terp.describe import text_of
from terp.errors import Problems, UnknownName

NOUNS = {
    "machine": ("gefion", "machines"),
    "site": ("copenhagen", "sites"),
    "workload": ("national", "workloads"),
    "policy": ("fair-share", "policies"),
    "model": ("llama-3.1-8b", "models"),
    "budget": ("netherlands", "budgets"),
}


@pytest.mark.parametrize("noun", NOUNS)
def test_a_name_a_path_a_mapping_and_a_record_are_the_same(noun, tmp_path):
    name, folder = NOUNS[noun]
    read = getattr(terp, noun)
    by_name = read(name)
    path = tmp_path / "mine.yaml"
    path.write_text(text_of(name, folder))
    mapping = yaml.safe_load(text_of(name, folder))
    assert read(path) == read(str(path)) == read(by_name) == by_name
    assert read(_plain(mapping, by_name)) == by_name
    assert hash(read(path)) == hash(by_name)
    assert len(repr(by_name)) < 200
    assert "\n" not in repr(by_name)
    assert "<table>" in by_name._repr_html_()


def _plain(mapping, by_name):
    """The data as Terp's own reader gives it: YAML 1.1 of PyYAML reads some words otherwise."""
    return (by_name.written if isinstance(by_name, type(terp.machine("gefion"))) else by_name).tree.data | {
        "name": mapping["name"]
    }


def test_a_mapping_needs_no_kind():
    data = {key: value for key, value in terp.policy("fair-share").tree.data.items() if key != "kind"}
    assert terp.policy(data) == terp.policy("fair-share")


def test_numbers_of_numpy_and_tuples_are_plain_data():
    data = {"name": "mine", "title": "Mine", "backfill": {"jobs": np.int64(50)}}
    assert terp.policy(data).backfill.jobs_count == 50


def changed(**sections):
    data = terp.machine("gefion").written.tree.data
    return {**data, **{name: {**data.get(name, {}), **values} for name, values in sections.items()}}


WRONG = {
    "not a name": (lambda: terp.machine(7), "machine: not a machine, found int; the name of a machine that ships"),
    "no such name": (lambda: terp.machine("gefoin"), "no machine 'gefoin'; did you mean 'gefion'?"),
    "no such site": (lambda: terp.site("copenhaven"), "no site 'copenhaven'; did you mean 'copenhagen'?"),
    "no such policy": (lambda: terp.policy("fairshare2"), "no policy 'fairshare2'"),
    "no such file": (lambda: terp.machine(Path("/nowhere/m.yaml")), "/nowhere/m.yaml: cannot be read"),
    "another noun": (lambda: terp.site(terp.policy("easy")), "site: not a site, found Policy"),
    "unit missing": (lambda: terp.machine(changed(compute={"gpu_cap": 600})), "compute.gpu_cap: the unit is missing"),
    "wrong unit": (lambda: terp.machine(changed(compute={"gpu_cap": "600 kB"})), "kB is a unit of"),
    "unknown key": (lambda: terp.machine(changed(compute={"gpu_capp": "1 W"})), "did you mean 'gpu_cap'?"),
    "unknown part": (lambda: terp.machine(changed(compute={"node": "dgx-h101"})), "did you mean 'dgx-h100'"),
    "object": (lambda: terp.machine({"name": object()}), "<machine>: name: not plain data, found object"),
    "key": (lambda: terp.machine({7: "x"}), "<machine>: a key that is not plain text, found 7"),
    "empty": (lambda: terp.machine({}), "<machine>: name: missing"),
    "kind": (lambda: terp.machine({"kind": "site"}), "not a machine file, found 'site'"),
    "change of nothing": (lambda: terp.machine("gefion").changed(compute__gpu_kap="1 W"), "did you mean 'gpu_cap'?"),
    "change in a word": (lambda: terp.machine("gefion").changed(title__x=1), "title.x: is not in a mapping"),
    "no such folder": (lambda: terp.load("/nowhere"), "/nowhere: holds no run"),
    "no such attribute": (lambda: terp.load(__file__), "holds no run"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_calls_say_what_would_do(case):
    call, message = WRONG[case]
    with pytest.raises(terp.TerpError) as caught:
        call()
    assert message in str(caught.value)


def test_all_problems_come_at_once():
    with pytest.raises(Problems) as caught:
        terp.machine(changed(compute={"gpu_cap": "600 kB", "node": "dgx-h101"}, fabric={"switch": "no-switch"}))
    assert len(caught.value.problems) == 3
    assert all(problem.file == "<machine>" for problem in caught.value.problems)


def test_a_deep_and_a_large_mapping_stop_at_a_limit():
    deep = {}
    for _ in range(200):
        deep = {"a": deep}
    with pytest.raises(Problems, match="nested deeper than 24 levels"):
        terp.machine(deep)
    with pytest.raises(Problems, match="more than 100,000 values"):
        terp.machine({"a": list(range(200_000))})


def test_a_machine_is_equal_by_what_it_is():
    gefion = terp.machine("gefion")
    assert gefion == terp.machine("gefion")
    assert hash(gefion) == hash(terp.machine("gefion"))
    assert gefion != terp.machine("eos")
    assert gefion != "gefion"
    assert len({gefion, terp.machine("gefion"), terp.machine("eos")}) == 2


def test_a_changed_machine_is_built_anew():
    gefion = terp.machine("gefion")
    faster = gefion.changed(compute__gpu_cap="600 W")
    assert faster.file.compute.gpu_cap_w == 600
    assert faster != gefion
    assert gefion.file.compute.gpu_cap_w is None
    assert faster.changed(compute__gpu_cap=None) == gefion
    assert faster.provenance["gefion.compute.gpu_cap"].note == "changed from the file's value by the caller"


def test_a_machine_shows_its_tables_and_its_origin():
    gefion = terp.machine("gefion")
    assert gefion.gpus_count == 1528
    frame = gefion.bill.to_pandas()
    assert frame[frame.part == "dgx-h100"]["count"].tolist() == [191]
    assert len(gefion.nodes.to_pandas()) == 191
    assert gefion.to_dict()["gpus_count"] == 1528
    assert "nvidia-superpod-h100" in {source.key for source in gefion.sources}
    assert {caveat.code for caveat in gefion.caveats} == {"value-assumed"}
    assert len(gefion.caveats) == len(gefion.to_dict()["assumed"])


def test_the_front_door_lists_what_there_is():
    assert {"machine", "site", "predict", "simulate", "load", "TerpError"} <= set(dir(terp))
    with pytest.raises(AttributeError, match="no attribute 'machines'"):
        terp.machines  # noqa: B018
    assert issubclass(UnknownName, terp.TerpError)
