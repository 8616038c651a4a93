"""A few seconds of `make fuzz` over every reader, and the reader of what it found."""

import random
from pathlib import Path

import pytest
from support.scripts import module_of

from terp.errors import TerpError

fuzz = module_of("fuzz")
READERS = fuzz.readers()
INPUTS = 25


@pytest.mark.filterwarnings("error::RuntimeWarning")
@pytest.mark.parametrize("name", READERS)
def test_damaged_files_are_read_or_refused(name, tmp_path):
    """The same ones each time: mutations are drawn from a fixed number."""
    reader, rng = READERS[name], random.Random(name)  # noqa: S311
    path = tmp_path / f"input{reader.suffix}"
    for number in range(6 if name in fuzz.SLOW else INPUTS):
        path.write_bytes(fuzz.mutated(rng, rng.choice(reader.seeds), reader.seeds))
        what, why = fuzz.outcome(reader, path)
        assert what != "failed", f"input {number}: {why}"


@pytest.mark.parametrize("name", READERS)
def test_seeds_are_read(name, tmp_path):
    """At least one of each: mutations of what is refused at its first line would find nothing."""
    reader = READERS[name]
    path = tmp_path / f"seed{reader.suffix}"
    path.write_bytes(reader.seeds[0])
    assert fuzz.outcome(reader, path) == ("read", "")


def test_a_reader_that_fails_is_seen(tmp_path):
    def fails(path):
        raise [ValueError("no"), TerpError("a \x1b[2J line"), fuzz.TooLong()][int(path.read_bytes())]

    outcomes = []
    for number in range(3):
        (tmp_path / "x.txt").write_text(str(number))
        outcomes.append(fuzz.outcome(fuzz.Reader(".txt", fails, [b"0"]), tmp_path / "x.txt"))
    assert [what for what, _ in outcomes] == ["failed"] * 3
    assert "ValueError" in outcomes[0][1]
    assert "does not print" in outcomes[1][1]
    assert "s of CPU" in outcomes[2][1]


def test_what_failed_is_kept_and_told(tmp_path, monkeypatch, capsys):
    def fails(path):
        raise KeyError(Path(path).suffix)

    monkeypatch.setattr(fuzz, "KEPT", tmp_path / "kept")
    entry = fuzz.Count()
    reader = fuzz.Reader(".swf", fails, [b"seed"])
    fuzz._slice("swf", reader, iter([b"one", b"two"]), tmp_path, entry, 5.0, 2)
    [kept] = entry.failed.values()
    assert Path(kept).read_bytes() == b"one"
    assert fuzz._told(["swf"], [{"swf": entry}]) == 1
    assert f"--again {kept}" in capsys.readouterr().out
