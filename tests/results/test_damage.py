"""Damaged folders: whoever reads one says in one line which file, where in it, and what would do; nothing crashes later."""

import json
import shutil
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from support.damage import of_a_folder, printable

import terp
from terp.errors import Problems, TerpError
from terp.results import bands
from terp.simulate import eu_report
from terp.views.report.written import as_html_page
from terp.views.text.comparison_text import bands_text, differences_text
from terp.views.text.replay_text import replay_text
from terp.views.text.summary_text import as_text

JOBS = """; UnixStartTime: 0
1 0 -1 100 8 -1 -1 8 200 -1 1 1 1 -1 -1 -1 -1 -1
2 10 -1 100 16 -1 -1 16 200 -1 1 1 1 -1 -1 -1 -1 -1
3 20 -1 1000 800 -1 -1 800 2000 -1 1 1 1 -1 -1 -1 -1 -1
"""


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """A run with another beside it, a replay and a sweep."""
    place = tmp_path_factory.mktemp("folders")
    terp.simulate.year("gefion", days=1, seed=3).save(place / "run")
    terp.simulate.year("gefion", days=1, seed=3, gpu_cap="600 W").save(place / "other")
    (place / "jobs.swf").write_text(JOBS)
    terp.simulate.replay(place / "jobs.swf", "gefion", unit="gpu", failures=False).save(place / "replay")
    terp.sweep.run("gefion", over={"seed": range(1, 3), "load": [0.6, 0.9]}, days=1, out=place / "sweep", workers=1)
    return place


def names_in(folder):
    return sorted(path.name for path in folder.iterdir())


def read_by_all(folder):
    """Whatever is there, as every verb reads it."""
    result = terp.load(folder)
    json.dumps(result.to_dict(), allow_nan=False)
    repr(result)
    if isinstance(result, terp.Run):
        as_html_page(result)
        json.dumps(eu_report(result), allow_nan=False)
        as_text(result)
        differences_text(terp.sweep.compare(folder.parent / "other", folder).entries)
    elif isinstance(result, terp.Sweep):
        bands_text(bands(result.cases))
        as_html_page(result)
        differences_text(terp.sweep.compare(folder).entries)
    else:
        replay_text(result)
        as_html_page(result)


def damaged_in_turn(folder, work, every):
    """Each damage in turn, and what came of it: a result, or an error of one printable line that names a file or folder."""
    shutil.copytree(folder, work)
    refused = 0
    for number, (how, file, content) in enumerate(of_a_folder(folder)):
        if number % every:
            continue
        target = work / file.name
        if content is None:
            target.unlink()
        else:
            target.write_bytes(content())
        try:
            read_by_all(work)
        except TerpError as error:
            refused += 1
            lines = str(error).split("\n")
            assert len(lines) == 1 or "is missing" in lines[0], (how, lines)
            assert printable(error), (how, str(error))
            assert str(work) in str(error), (how, str(error))
            assert "; " in str(error) or "trace.parquet" in str(error), (how, str(error), "what would do")
        except Exception as error:
            raise AssertionError(how) from error
        target.write_bytes(file.read_bytes())
    read_by_all(work)
    assert refused > 5
    return refused


@pytest.mark.parametrize(("kind", "every"), [("run", 211), ("replay", 7), ("sweep", 211)])
def test_damage_is_found_when_a_folder_is_read(folders, tmp_path, kind, every):
    shutil.copytree(folders / "other", tmp_path / "other")
    damaged_in_turn(folders / kind, tmp_path / kind, every)


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "every"), [("run", 61), ("replay", 3), ("sweep", 113)])
def test_more_damage_is_found_when_a_folder_is_read(folders, tmp_path, kind, every):
    shutil.copytree(folders / "other", tmp_path / "other")
    damaged_in_turn(folders / kind, tmp_path / kind, every)


@pytest.mark.parametrize(
    ("file", "keys", "value", "says"),
    [
        (
            "run.json",
            ("series", "dry_bulb"),
            3,
            "run.json: series.dry_bulb: is damaged: no mapping, found 3; simulate it again",
        ),
        ("run.json", ("titles",), {}, "titles.domains: is damaged: it is missing, and 2 more like it"),
        ("run.json", ("facility",), None, "facility: is damaged: no mapping, found null"),
        ("run.json", ("digests",), None, "digests: is damaged"),
        ("run.json", ("titles", "domains"), {}, "summary.json: domains.medicine: is damaged: run.json has no title of it"),
        ("summary.json", ("mean_wait_s",), None, "mean_wait_s: is damaged: not a number, found null"),
        ("summary.json", ("mean_wait_s",), float("nan"), "mean_wait_s: is damaged: no number that can be, found NaN"),
        ("summary.json", ("sizes",), 3, "sizes: is damaged: no list, found 3"),
        ("summary.json", ("kinds", 0, "node_power_w"), None, "kinds[0].node_power_w: is damaged"),
        ("summary.json", ("gpus_count",), 0, "gpus_count: is damaged: no number that can be, found 0"),
        ("summary.json", ("jobs_waiting_count",), True, "jobs_waiting_count: is damaged: not a whole number, found true"),
    ],
)
def test_what_is_damaged_is_named(folders, tmp_path, file, keys, value, says):
    shutil.copytree(folders / "run", tmp_path / "run")
    document = json.loads((tmp_path / "run" / file).read_text())
    holder = document
    for key in keys[:-1]:
        holder = holder[key]
    holder[keys[-1]] = value
    (tmp_path / "run" / file).write_text(json.dumps(document))
    with pytest.raises(Problems) as error:
        terp.load(tmp_path / "run")
    assert says in str(error.value)


def test_a_damaged_column_is_named(folders, tmp_path):
    shutil.copytree(folders / "run", tmp_path / "run")
    file = tmp_path / "run" / "hours.parquet"
    table = pq.read_table(file)
    place = table.column_names.index("it_energy_j")
    values = table.column("it_energy_j").to_pylist()
    pq.write_table(table.set_column(place, "it_energy_j", pa.array([None, *values[1:]])), file)
    with pytest.raises(
        Problems, match=r"hours.parquet: it_energy_j: is damaged: 1 of 24 places of the column are empty; simul"
    ):
        terp.load(tmp_path / "run")


def test_codes_beyond_the_words_of_a_column_are_found_at_the_door(folders, tmp_path):
    """Arrow reads them as they come, and whoever looks up the word would read beyond the memory of the words."""
    shutil.copytree(folders / "run", tmp_path / "run")
    file = tmp_path / "run" / "jobs.parquet"
    table = pq.read_table(file)
    pq.write_table(table, file, compression="none")
    column = pq.ParquetFile(file).metadata.row_group(0).column(table.column_names.index("domain"))
    begins, ends = column.data_page_offset, column.dictionary_page_offset + column.total_compressed_size
    content = file.read_bytes()
    for place in range(ends - 1, begins, -1):
        file.write_bytes(content[:place] + b"\xff" + content[place + 1 :])
        try:
            spoilt = pq.read_table(file)
        except (OSError, pa.ArrowException):
            continue
        try:
            spoilt.validate(full=True)
        except pa.ArrowInvalid:
            break
    else:
        raise AssertionError("no place where a byte makes a code without a word")
    with pytest.raises(Problems, match=r"jobs.parquet: cannot be read: .*; simulate it again"):
        terp.load(tmp_path / "run")


def test_a_half_deleted_run_is_simulated_over_again(folders, tmp_path):
    """Without run.json, or with nothing but one table of ours, it is still known; beside a file of the user's it is not."""
    run = terp.load(folders / "run")
    for gone in ("run.json", "summary.json", "jobs.parquet"):
        shutil.copytree(folders / "run", tmp_path / gone)
        (tmp_path / gone / gone).unlink()
        run.save(tmp_path / gone)
        assert terp.load(tmp_path / gone) == run
    (tmp_path / "one").mkdir()
    shutil.copy(folders / "run" / "timeline.parquet", tmp_path / "one")
    run.save(tmp_path / "one")
    for mine in ("notes.txt", "hours.parquet"):
        (tmp_path / mine).mkdir()
        (tmp_path / mine / mine).write_text("of mine")
        with pytest.raises(Problems, match="is a folder with other files in it"):
            run.save(tmp_path / mine)


def test_a_replay_is_not_written_into_a_run(folders, tmp_path):
    """Both have a summary.json, and neither may lose it to the other."""
    shutil.copytree(folders / "run", tmp_path / "run")
    with pytest.raises(Problems, match="is a folder with other files in it"):
        terp.load(folders / "replay").save(tmp_path / "run")
    shutil.copytree(folders / "replay", tmp_path / "replay")
    with pytest.raises(Problems, match="is a folder with other files in it"):
        terp.load(folders / "run").save(tmp_path / "replay")
    assert terp.load(tmp_path / "replay") == terp.load(folders / "replay")


def test_a_commit_that_was_cut_short_is_ended_by_who_reads(folders, tmp_path):
    """All files of the new run lie in the folder, and none has taken its place yet."""
    shutil.copytree(folders / "run", tmp_path / "run")
    commit = tmp_path / "run" / ".terp-commit"
    shutil.copytree(folders / "other", commit)
    (commit / ".names").write_text("\n".join(sorted(path.name for path in (folders / "other").iterdir())))
    assert terp.load(tmp_path / "run") == terp.load(folders / "other")
    assert names_in(tmp_path / "run") == names_in(folders / "other")
    assert Path(tmp_path / "run" / "run.json").read_bytes() == Path(folders / "other" / "run.json").read_bytes()
