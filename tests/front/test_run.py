"""A simulated run from Python: its figures, its tables, its folder, its page and its figures to look at."""

import dataclasses
import json

import pytest

import terp
from terp.errors import Problems
from terp.results.record import Result
from terp.results.run_summary import RunSummary


@pytest.fixture(scope="module")
def run():
    return terp.simulate.year(terp.machine("gefion"), days=2, seed=1)


def test_the_figures_are_attributes_and_a_mapping(run):
    assert run.summary.mean_wait_s == run.summary["mean_wait_s"]
    assert run.summary.domains["medicine"].gpu_s == run.summary["domains"]["medicine"]["gpu_s"]
    assert run.summary.groups["industry"].entitlement_fraction == 0.18
    assert run.summary.sizes[0].lowest_gpus_count == 1
    assert run.summary.reliability.causes["gpu"].interruptions_count >= 0
    assert RunSummary.of(json.loads(json.dumps(run.to_dict()))) == run.summary
    assert list(run.to_dict()) == [field.name for field in dataclasses.fields(RunSummary)]


def test_tables_give_time_stamps(run):
    jobs = run.jobs.to_pandas()
    assert str(jobs.submit.dtype) == "datetime64[s, UTC]"
    assert jobs.submit[0].year == 2024
    assert (jobs.wait_s.dropna() >= 0).all()
    assert str(run.hours.to_pandas().start[1]) == "2024-01-01 01:00:00+00:00"
    assert run.timeline.to_polars()["time"][0].year == 2024


def test_a_run_is_saved_loaded_and_equal(run, tmp_path):
    run.save(tmp_path / "d")
    back = terp.load(tmp_path / "d")
    assert back == run
    assert hash(back) == hash(run)
    assert back.jobs == run.jobs
    assert json.loads((tmp_path / "d" / "summary.json").read_text()) == run.to_dict()
    slower = dataclasses.replace(run, summary=dataclasses.replace(run.summary, wall_s=99.0))
    assert slower == run  # how long this computer took is no part of what a run is
    assert terp.simulate.year("gefion", days=2, seed=2) != run


def test_a_run_of_an_earlier_release_is_read(run, tmp_path):
    """The format decides, not the version: a release orphans no run of the release before it."""
    old = dataclasses.replace(run, origin={**run.origin, "version": "0.0.9"})
    old.save(tmp_path / "old")
    assert terp.load(tmp_path / "old").origin["version"] == "0.0.9"
    later = dataclasses.replace(run, origin={**run.origin, "format": "terp-run/2"})
    later.save(tmp_path / "later")
    with pytest.raises(Problems, match="is not one whole run of this format"):
        terp.load(tmp_path / "later")


def test_a_run_says_what_it_rests_on(run):
    assert "acme-2024" in {source.key for source in run.sources}
    assert {"value-assumed"} <= {caveat.code for caveat in run.caveats}
    assert "is assumed" in terp.viewer().sentence(run.caveats[-1])


def test_reprs_are_one_short_line(run):
    for record in (run, run.summary, run.jobs, run.timeline):
        assert len(repr(record)) < 200
        assert "\n" not in repr(record)
    assert "<table>" in run._repr_html_()


def test_a_report_is_one_page(run, tmp_path):
    path = run.report(tmp_path / "page.html")
    assert path.read_text().startswith("<!doctype html>")


@pytest.mark.parametrize("figure", ["use", "waits", "power"])
def test_figures_of_a_run(run, figure, tmp_path):
    axes = run.plot(figure)
    axes.figure.savefig(tmp_path / "figure.png")
    assert axes.get_xlabel()
    again = axes.figure.add_subplot()
    assert run.plot(figure, again) is again


def test_figures_of_predictions(tmp_path):
    step = terp.predict.training("gefion", "llama-3.1-8b", seq=8192, global_batch=64, gpus=64)
    widths = [bar.get_width() for bar in step.plot("breakdown").patches]
    assert sum(widths) == pytest.approx(100, abs=1.5)
    found = terp.predict.search("gefion", "llama-3.1-8b", seq=8192, global_batch=64, gpus=64, tp=1, pp=1, cp=1)
    assert len(found.plot("frontier").lines[0].get_xdata()) == len(found)


def test_another_figure_is_refused_with_those_there_are(run):
    with pytest.raises(Problems, match="Run has no such figure, found 'wait'; did you mean 'waits'"):
        run.plot("wait")
    with pytest.raises(Problems, match="HplResult has no such figure"):
        terp.predict.hpl("gefion").plot("use")


def test_every_result_leaves_equality_and_repr_to_the_base():
    """A subclass with a plain @dataclass would compare tables, and print them."""

    def below(kind):
        return [kind, *(deeper for child in kind.__subclasses__() for deeper in below(child))]

    for kind in below(Result):
        assert kind.__eq__ is Result.__eq__, kind
        assert kind.__hash__ is Result.__hash__, kind
        assert "__repr__" not in vars(kind) or kind.__repr__.__qualname__.startswith(kind.__name__), kind
        assert dataclasses.is_dataclass(kind)
