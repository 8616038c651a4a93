"""Damages files and has every reader read them: the outcome is a result, or a TerpError whose lines print.

    python scripts/fuzz.py --seconds 600 --workers 2           all readers, ten minutes
    python scripts/fuzz.py --reader swf --reader hub --count 5000
    python scripts/fuzz.py --again .fuzz/swf-1f2e3d4c.swf       one that failed, with its traceback

An input that ends in anything else, takes more than 5 s or more than 1 GB is kept in .fuzz with the command that reads it
again; then the exit code is 1.  Seeds are the files that ship and those of tests/hostile/seeds; mutations are drawn from
a number, so that a run can be repeated with --seed.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import random
import re
import resource
import signal
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import yaml

import terp
from terp.connect import Known, read_config, read_observed, read_slurm_conf, read_trace, write_trace
from terp.describe import read_budget, read_model, read_policy, read_scenario, read_site, read_workload
from terp.errors import TerpError, printable
from terp.hardware import machine_from
from terp.simulate import eu_report
from terp.validate import GRADERS
from terp.views.report import as_html

ROOT = Path(__file__).parents[1]
SEEDS = ROOT / "tests" / "hostile" / "seeds"
KEPT = ROOT / ".fuzz"
MOST_S, MOST_BYTES = 5.0, 10**9
"""What one input may take: seconds of CPU, and memory above what the process had."""
MOST_SEED_BYTES = 24_000
"""Larger seeds are cut to whole lines: mutations of a long file seldom hit anything new."""

WORDS = (
    "", "0", "-1", "1e400", "-1e400", "nan", "inf", ".inf", "9" * 30, "9" * 4400, "1" + "0" * 400, "0x7f", "1_000", "½",
    "true", "null", "~", "yes", "''", '"', "'", "\\", "\\ud800", "\\x", "\x00", "\x1b[2J", "\u202e", "\u2066", "\x85", "\u2028",
    "\ufeff", "=1+1", "@sum", "<script>", "{{ 7*7 }}", "%s%n", "$(id)", "../../etc/passwd", "/dev/zero", "./a\x00b.yaml", "a\nb",
    "a\rb", "[" * 3000, "{" * 3000, "[]", "{}", "- ", ": ", "? ", "&a", "*a", "&a [*a, *a]", "!!python/object:os.system", "!t ",
    "---", "...", "%YAML 9", "10 kW", "10 Gb", "-5 W", "1e99 EUR", "50 %", "400 Gb/s", "2024-02-30T25:61:61", "1-00:00:00",
    "UNLIMITED", "1[0-9999999]", "n[1-3,5]", "a" * 5000, "|" * 50, "," * 50, ";", "#", "Include x", "\\\n", "18446744073709551616",
)  # fmt: skip
"""What takes the place of a value: none, too large, of another type, or of another language."""
_VALUE = re.compile(rb"[-+]?\d[\d.eE+]*|[A-Za-z_]\w*|\"[^\"\n]*\"")

LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
Call = Callable[[Path], object]


@dataclass
class Reader:
    """What reads a file of one kind.

    suffix   of the files;  call  reads one;  seeds  texts to begin with
    """

    suffix: str
    call: Call
    seeds: list[bytes]


def mutated(rng: random.Random, seed: bytes, others: list[bytes]) -> bytes:
    """A seed with one to four things changed."""
    data = seed
    for _ in range(rng.choice((1, 1, 1, 2, 3, 4))):
        data = rng.choice(MUTATIONS)(rng, data, others)
    return data


def _place(rng: random.Random, data: bytes) -> tuple[int, int]:
    """The ends of a random piece."""
    start = rng.randrange(len(data) + 1)
    return start, min(start + int(rng.expovariate(0.05)), len(data))


def _bits(rng: random.Random, data: bytes, _: list[bytes]) -> bytes:
    if not data:
        return b"\x00"
    changed = bytearray(data)
    for _times in range(rng.choice((1, 1, 2, 8))):
        changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
    return bytes(changed)


def _cut(rng: random.Random, data: bytes, _: list[bytes]) -> bytes:
    return data[: rng.randrange(len(data) + 1)]


def _delete(rng: random.Random, data: bytes, _: list[bytes]) -> bytes:
    start, end = _place(rng, data)
    return data[:start] + data[end:]


def _repeat(rng: random.Random, data: bytes, _: list[bytes]) -> bytes:
    start, end = _place(rng, data)
    return data[:end] + data[start:end] * rng.choice((1, 1, 2, 50)) + data[end:]


def _splice(rng: random.Random, data: bytes, others: list[bytes]) -> bytes:
    other = rng.choice(others)
    return data[: rng.randrange(len(data) + 1)] + other[rng.randrange(len(other) + 1) :]


def _lines(rng: random.Random, data: bytes, _: list[bytes]) -> bytes:
    lines = data.splitlines(keepends=True) or [b""]
    one, two = rng.randrange(len(lines)), rng.randrange(len(lines))
    match rng.randrange(4):
        case 0:
            del lines[one]
        case 1:
            lines.insert(two, lines[one])
        case 2:
            lines[one], lines[two] = lines[two], lines[one]
        case 3:
            lines[one] = b" " * rng.choice((1, 2, 40)) + lines[one]
    return b"".join(lines)


def _word(rng: random.Random, data: bytes, _: list[bytes]) -> bytes:
    """Puts something in the place of a value."""
    found = list(_VALUE.finditer(data[: 1 << 16]))
    if not found:
        return data + _spelt(rng)
    match = rng.choice(found)
    return data[: match.start()] + _spelt(rng) + data[match.end() :]


def _insert(rng: random.Random, data: bytes, _: list[bytes]) -> bytes:
    start, _end = _place(rng, data)
    return data[:start] + _spelt(rng) + data[start:]


def _spelt(rng: random.Random) -> bytes:
    return rng.choice(WORDS).encode("utf-8", "surrogatepass")


def _encoded(rng: random.Random, data: bytes, _: list[bytes]) -> bytes:
    match rng.randrange(6):
        case 0:
            return data.replace(b"\n", b"\r\n")
        case 1:
            return data.replace(b"\n", b"\r")
        case 2:
            return b"\xef\xbb\xbf" + data
        case 3:
            return data.decode("utf-8", "replace").encode("utf-16")
        case 4:
            return gzip.compress(data, 1)
    packed = bytearray(gzip.compress(data, 1))
    packed[rng.randrange(len(packed))] ^= 0xFF
    return bytes(packed)


DEEPEST = 64
"""Levels of a tree that a mutation goes down, at most."""


def _tree(rng: random.Random, data: bytes, _: list[bytes]) -> bytes:
    """Changes a value of a JSON or YAML text where it stands in the tree."""
    try:
        tree = json.loads(data) if data[:1] in b"[{" else yaml.load(data, LOADER)  # noqa: S506 (a safe one)
    except (ValueError, RecursionError, yaml.YAMLError):
        return _word(rng, data, [])
    node, inside = tree, []
    while isinstance(node, dict | list) and node and len(inside) < DEEPEST:  # an anchor may hold itself
        key = rng.choice(list(node)) if isinstance(node, dict) else rng.randrange(len(node))
        inside.append((node, key))
        node = node[key]
    if not inside:
        return data
    owner, key = rng.choice(inside)
    junk = (
        None,
        True,
        -1,
        0,
        10**30,
        1e308,
        float("nan"),
        "",
        "x\x1b[2J\u202e",
        [],
        {},
        [[]],
        {"value": {}},
        "\ud800",
        [1] * 50,
    )
    match rng.randrange(4):
        case 0 | 1:
            owner[key] = rng.choice(junk)
        case 2:
            del owner[key]
        case 3 if isinstance(owner, dict):
            owner[rng.choice(("value", "source", "range", "status", "\u202e", "a.b", str(key) + "x", "kind"))] = rng.choice(
                junk
            )
    try:
        return json.dumps(tree, default=str).encode()
    except (ValueError, TypeError, RecursionError):
        return data


MUTATIONS = (_bits, _cut, _delete, _repeat, _splice, _lines, _lines, _word, _word, _word, _insert, _encoded, _tree)


def readers() -> dict[str, Reader]:
    """Every reader of files that people hand over, by name."""
    conf = (SEEDS / "conf" / "slurm.conf").read_text()
    known = Known(nodes_count=191, node_gpus_count=8, node_cores_count=112, now_unix_s=1_800_000_000)

    def assoc(path: Path) -> object:
        beside = path.with_name("slurm.conf")
        if not beside.exists():
            beside.write_text(conf)
        return read_slurm_conf(beside, assoc=path)

    found = {
        "machines": Reader(".yaml", machine_from, _shipped("machines")),
        "sites": Reader(".yaml", read_site, _shipped("sites")),
        "workloads": Reader(".yaml", read_workload, _shipped("workloads")),
        "policies": Reader(".yaml", read_policy, _shipped("policies")),
        "budgets": Reader(".yaml", read_budget, _shipped("budgets")),
        "models": Reader(".yaml", read_model, _shipped("models")),
        "scenarios": Reader(".yaml", read_scenario, _texts(SEEDS / "scenarios", "*")),
        "hub": Reader(".json", read_config, _texts(SEEDS / "hub", "*")),
        "conf": Reader(".conf", read_slurm_conf, _texts(SEEDS / "conf", "*.conf")),
        "assoc": Reader(".txt", assoc, _texts(SEEDS / "assoc", "*")),
        "observed": Reader(".csv", read_observed, _texts(SEEDS / "observed", "*")),
    }
    for kind in ("swf", "sacct", "sacct-json", "helios", "acme", "philly", "replay"):
        found[kind] = Reader(".txt", partial(_trace, read_trace, kind, known), _texts(SEEDS / kind, "*"))
    found["any-trace"] = Reader(".txt", partial(_trace, read_trace, "", known), [s for k in TRACES for s in found[k].seeds])
    found["trace-parquet"] = Reader(".parquet", partial(_trace, read_trace, "terp", known), [_trace_parquet()])
    for folder, model in TABLES.items():
        found[f"v-{model}"] = Reader(".csv", partial(_graded, model), _rows(ROOT / "validation" / folder / "table.csv"))
    found["v-kernels"] = Reader(".jsonl", partial(_graded, "kernels"), _texts(SEEDS / "kernels", "*"))
    found["v-costs"] = Reader(".yaml", partial(_graded, "costs"), _purchases())
    found["v-power"] = Reader(".parquet", partial(_graded, "power"), [_power_parquet()])
    return found


def folder_readers(place: Path) -> dict[str, Reader]:
    """What reads folders that Terp wrote, each with one file of it damaged: a run, a sweep and a plan, which are made here.

    place   a folder of one's own, in which they are made and damaged
    """
    run, swept, planned = (place / name for name in ("run", "sweep", "plan"))
    terp.simulate.year("gefion", days=1).save(run)
    terp.sweep.run("gefion", over={"seed": [1, 2]}, days=1, out=swept, workers=1)
    terp.plan.purchase("netherlands", simulation=False).save(planned)

    def report(folder: Path) -> object:
        result = terp.load(folder)
        return as_html(result), eu_report(result)

    found = {}
    for folder, read in ((run, report), (swept, terp.load), (planned, terp.load)):
        for file in sorted(path for path in folder.iterdir() if path.suffix in (".json", ".parquet", ".yaml")):
            whole = file.read_bytes()
            found[f"{folder.name}/{file.name}"] = Reader(file.suffix, partial(_damaged, read, file, whole), [whole])
    return found


def _damaged(read: Callable[[Path], object], file: Path, whole: bytes, path: Path) -> object:
    """Reads a folder with a damaged file in the place of one of its own."""
    file.write_bytes(path.read_bytes())
    try:
        return read(file.parent)
    finally:
        file.write_bytes(whole)


TRACES = ("swf", "sacct", "sacct-json", "helios", "acme", "philly", "replay")
TABLES = {"top500": "hpl", "collectives": "collectives", "training": "training", "fleets": "fleets"}
"""Folder of validation -> the model that is graded on its table."""
SLOW = ("v-fleets", "v-training", "v-costs", "v-hpl", "machines", "budgets", "workloads")
"""Readers that do more than read: they build, price or simulate, and get a smaller share of the inputs."""


def _trace(read: Callable[..., object], kind: str, known: object, path: Path) -> object:
    return read(path, kind, known=known)


def _graded(model: str, path: Path) -> object:
    return GRADERS[model](path, "h100-sxm") if model == "kernels" else GRADERS[model](path)


def _shipped(folder: str) -> list[bytes]:
    return _texts(ROOT / folder, "*.yaml")


def _texts(folder: Path, pattern: str) -> list[bytes]:
    """The files of a folder, long ones cut to whole lines."""
    texts = [path.read_bytes() for path in sorted(folder.glob(pattern)) if path.is_file()]
    assert texts, f"no seeds in {folder}"
    return [text if len(text) <= MOST_SEED_BYTES else text[: text.rfind(b"\n", 0, MOST_SEED_BYTES) + 1] for text in texts]


def _rows(table: Path) -> list[bytes]:
    """A table as many small ones, each with its head and a few rows: grading all of them takes long."""
    head, *rows = table.read_bytes().splitlines(keepends=True)
    return [head + b"".join(rows[start : start + 3]) for start in range(0, min(len(rows), 45), 3)]


def _purchases() -> list[bytes]:
    """Purchases that ship, three at a time: pricing all takes long."""
    text = (ROOT / "validation" / "costs" / "cases.yaml").read_text("utf-8")
    entries = re.split(r"\n(?=[a-z0-9-]+:\n)", text)[1:]
    return ["\n".join(entries[start : start + 2]).encode() for start in range(0, min(len(entries), 12), 2)]


def _trace_parquet() -> bytes:
    """Our own file of a small trace."""
    with tempfile.TemporaryDirectory() as folder:
        write_trace(read_trace(next(iter(sorted((SEEDS / "swf").iterdir()))), "swf"), Path(folder) / "t.parquet")
        return (Path(folder) / "t.parquet").read_bytes()


def _power_parquet() -> bytes:
    """Readings of one node over some minutes."""
    count = 60
    table = pa.table(
        {
            "benchmark": ["bert"] * count, "n_nodes": [1] * count, "run": ["r"] * count, "start_unix_ms": [10**12] * count,
            "node": [0] * count, "t_s": [2.0 * index for index in range(count)],
            "power_ac_w": [6000.0 + 10 * (index % 7) for index in range(count)],
        }
    )  # fmt: skip
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink)
    return bytes(sink.getvalue())


class TooLong(BaseException):
    """An input took more than it may."""


def _stop(*_: object) -> None:
    raise TooLong


@dataclass
class Count:
    """What came of the inputs of a reader: how many were read, refused, and failed; each reason, with the input kept."""

    read: int = 0
    refused: int = 0
    failures: int = 0
    failed: dict[str, str] = field(default_factory=dict)
    slowest_s: float = 0.0
    spent_s: float = 0.0

    @property
    def per_s(self) -> float:
        """Inputs a second so far."""
        return _done(self) / self.spent_s if self.spent_s else 0.0


def outcome(reader: Reader, path: Path) -> tuple[str, str]:
    """Whether it was "read", "refused" or "failed", and why it failed."""
    signal.signal(signal.SIGVTALRM, _stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, MOST_S)
    try:
        reader.call(path)
    except TerpError as error:
        lines = str(error).split("\n")
        bad = next((line for line in lines if printable(line) != line or not line.strip()), None)
        return ("refused", "") if bad is None else ("failed", f"a line that does not print: {bad[:100]!r}")
    except TooLong:
        return "failed", f"more than {MOST_S:g} s of CPU"
    except BaseException as error:  # noqa: BLE001 - that is what is looked for
        last = traceback.extract_tb(error.__traceback__)[-1]
        return "failed", f"{type(error).__name__}: {str(error)[:100]!r} at {Path(last.filename).name}:{last.lineno}"
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    return "read", ""


def inputs(reader: Reader, rng: random.Random) -> Iterator[bytes]:
    """The seeds as they are, and then mutations of them without end."""
    yield from reader.seeds
    while True:
        yield mutated(rng, rng.choice(reader.seeds), reader.seeds)


def fuzz(names: list[str], seconds: float, count: int, seed: int) -> dict[str, Count]:
    """Hands inputs to readers, a slice of time each in turn, until the time or the count is over.

    names   of readers; none for all, those of folders too
    """
    warnings.simplefilter("error", RuntimeWarning)
    all_readers = _asked(names, Path(tempfile.mkdtemp(prefix="terp-fuzz-folders-")))
    names = names or list(all_readers)
    counts = {name: Count() for name in names}
    streams = {name: inputs(all_readers[name], random.Random(f"{seed}|{name}")) for name in names}  # noqa: S311
    for name in names:  # what is read once, such as the catalogue, is no cost of an input
        with tempfile.TemporaryDirectory() as warm:
            path = Path(warm) / f"seed{all_readers[name].suffix}"
            path.write_bytes(all_readers[name].seeds[0])
            outcome(all_readers[name], path)
    limit = _address_space() + MOST_BYTES
    resource.setrlimit(resource.RLIMIT_AS, (limit, resource.RLIM_INFINITY))
    ends = time.monotonic() + seconds
    in_memory = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108 (a folder of a name of its own is made in it)
    with tempfile.TemporaryDirectory(prefix="terp-fuzz-", dir=in_memory) as folder:
        while time.monotonic() < ends:
            for name in names:  # more time for readers that get more done in it
                share_s = 0.03 + 0.5 * min(counts[name].per_s / 1000, 1.0)
                _slice(name, all_readers[name], streams[name], Path(folder), counts[name], share_s, count)
                if time.monotonic() > ends:
                    break
            if all(_done(entry) >= count for entry in counts.values()):
                break
    return counts


def _asked(names: list[str], place: Path) -> dict[str, Reader]:
    """The readers that are wanted; folders take a while to make, and are made in `place` only if one is."""
    found = readers()
    return found if names and set(names) <= set(found) else found | folder_readers(place)


def _slice(
    name: str, reader: Reader, stream: Iterator[bytes], folder: Path, entry: Count, seconds: float, count: int
) -> None:
    """Some inputs of one reader; what fails is kept."""
    path, ends = folder / f"input{reader.suffix}", time.process_time() + seconds
    while time.process_time() < ends and _done(entry) < count:
        data = next(stream)
        path.write_bytes(data)
        began = time.process_time()
        what, why = outcome(reader, path)
        took_s = time.process_time() - began
        entry.slowest_s, entry.spent_s = max(entry.slowest_s, took_s), entry.spent_s + took_s
        if what == "failed":
            kept = KEPT / f"{name.replace('/', '~')}-{hashlib.sha256(why.encode()).hexdigest()[:8]}{reader.suffix}"
            if why not in entry.failed:
                KEPT.mkdir(exist_ok=True)
                kept.write_bytes(data)
            entry.failures += 1
            entry.failed[why] = str(kept)
        entry.read += what == "read"
        entry.refused += what == "refused"


def _done(entry: Count) -> int:
    return entry.read + entry.refused + entry.failures


def _address_space() -> int:
    """Bytes of address space that the process has now."""
    return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()


def _again(path: Path) -> int:
    """Reads one input that failed, with its traceback if it fails again."""
    name = path.name.rsplit("-", 1)[0].replace("~", "/")
    warnings.simplefilter("error", RuntimeWarning)
    try:
        with tempfile.TemporaryDirectory() as place:
            print(repr(_asked([name], Path(place))[name].call(path))[:300])
    except TerpError as error:
        print(repr(str(error)))
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--count", type=int, default=10**9, help="inputs of a reader and worker, at most")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--reader", action="append")
    parser.add_argument("--again", type=Path)
    asked = parser.parse_args()
    if asked.again:
        return _again(asked.again)
    names = asked.reader or []
    print(
        f"seed {asked.seed}, {', '.join(names) or 'all readers'}, {asked.workers} workers, {asked.seconds:g} s", flush=True
    )
    with ProcessPoolExecutor(asked.workers) as pool:
        work = [pool.submit(fuzz, names, asked.seconds, asked.count, asked.seed + worker) for worker in range(asked.workers)]
        results = [future.result() for future in work]
    return _told(list(results[0]), results)


def _told(names: list[str], results: list[dict[str, Count]]) -> int:
    """Prints a line a reader and one a failure; the exit code."""
    failed = {}
    print(f"{'reader':16} {'inputs':>9} {'read':>9} {'failures':>9} {'slowest':>8}")
    for name in names:
        entries = [result[name] for result in results]
        reasons = {why: kept for entry in entries for why, kept in entry.failed.items()}
        failed |= {f"{name}: {why}": kept for why, kept in reasons.items()}
        read = sum(entry.read for entry in entries)
        done = sum(map(_done, entries))
        print(f"{name:16} {done:9,} {read:9,} {len(reasons):9} {max(entry.slowest_s for entry in entries):6.2f} s")
    print(f"{sum(_done(entry) for result in results for entry in result.values()):,} inputs, {len(failed)} kinds of failure")
    for why, kept in failed.items():
        print(f"  {why}\n    python scripts/fuzz.py --again {kept}")
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())
