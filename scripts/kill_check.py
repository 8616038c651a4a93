"""Kills verbs at random moments, again and again, and looks at what stands there: nothing lost, nothing left behind.

    python scripts/kill_check.py simulate 300     or sweep, plan, report: so many kills
    python scripts/kill_check.py sweeps 20        or plans: two of them at once on one folder, so many times

After each kill the folder holds the earlier result or the new one, whole, or nothing if there was none yet; a file of the
user's in it is as it was; and after the next whole run, which comes after every tenth kill, nothing hidden lies beside it or in
it.  Of two sweeps both end well with the rows of one alone; of two plans both do, or one says that the other is at work.
Exits 1 at the first that does not hold.  Each is a process of its own, forked from a warm one, so that a kill takes a second and
not five.
"""

import os
import random
import signal
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))
from support.small_plans import SMALL  # noqa: E402
from support.warm_process import Call, WarmProcess  # noqa: E402

import terp  # noqa: E402
from terp.errors import TerpError  # noqa: E402

SWEEP = ("sweep", "gefion", "--days", "1", "--workers", "1", "--over")
VERBS = {
    "simulate": ["simulate", "gefion", "--days", "1", "-o", "out"],
    "sweep": [*SWEEP, "seed=1..2", "-o", "out"],
    "plan": ["plan", "small.yaml", "--no-simulation", "--scenarios", "50", "-o", "out"],
    "report": ["report", "run", "-o", "run/report.html"],
}
TWICE = {"sweeps": "sweep", "plans": "plan"}


class Verb:
    """A verb in a folder, whose output goes to files beside it."""

    def __init__(self, warm, words, folder):
        self.said = Path(tempfile.mkstemp(prefix="terp-said-")[1])
        with self.said.open("wb") as err, Path(os.devnull).open("r+b") as nothing:
            files = [nothing.fileno(), nothing.fileno(), err.fileno()]
            self.call = Call(warm.socket, words, str(folder), dict(os.environ), files)

    def wait(self):
        """Its exit code, and what it said on standard error."""
        code = self.call.code()
        said = self.said.read_text("utf-8", "replace")
        self.said.unlink()
        return code, said


def stands(verb, folder):
    """Whether a whole result stands there; None where nothing does."""
    if verb == "report":
        page = folder / "run" / "report.html"
        return page.read_text("utf-8").rstrip().endswith("</html>") if page.exists() else None
    out = folder / "out"
    if not out.exists() or not [
        path for path in out.iterdir() if path.name != "notes.txt" and not path.name.startswith(".")
    ]:
        return None
    try:
        terp.load(out)
    except TerpError as error:
        if verb == "sweep" and "holds no scenario" in str(error):
            return True  # it has begun, and nothing is done yet
        print(error)
        return False
    return True


def left(verb, folder):
    """What is hidden beside a result or in it."""
    inside = folder / ("run" if verb == "report" else "out")
    return [path.name for place in (folder, inside) for path in place.iterdir() if path.name.startswith(".")]


def begun(warm, verb, folder):
    """A folder with a whole result and a file of the user's; how long that took [s]."""
    (folder / "small.yaml").write_text(SMALL)
    if verb == "report":
        assert Verb(warm, [*VERBS["simulate"][:-1], "run"], folder).wait()[0] == 0
    began = time.monotonic()
    code, said = Verb(warm, VERBS[verb], folder).wait()
    assert code == 0, said
    (folder / ("run" if verb == "report" else "out") / "notes.txt").write_text("mine")
    return time.monotonic() - began


def check(warm, verb, kills_count, folder, draw):
    """Kills a verb; what did not hold, empty if all did."""
    whole_s, killed, swept = begun(warm, verb, folder), 0, 0
    notes = folder / ("run" if verb == "report" else "out") / "notes.txt"
    while killed < kills_count:
        words = [*VERBS[verb]]
        if verb == "sweep":  # with something to do
            words[words.index("--over") + 1] = f"seed=1..{3 + killed}"
        process = Verb(warm, words, folder)
        late = draw.random() < 0.5  # most of what is written is written at the end
        time.sleep(whole_s * (draw.uniform(0.7, 1.0) if late else draw.uniform(0.0, 0.7)))
        process.call.send(signal.SIGKILL)
        killed += process.wait()[0] == -signal.SIGKILL
        now = stands(verb, folder)
        if not now or notes.read_text() != "mine":
            return f"after {killed} kills: {'lost' if now is None else 'not whole'}, left {left(verb, folder)}"
        if killed % 10 == 0:
            began = time.monotonic()
            code, said = Verb(warm, words, folder).wait()
            if verb != "sweep":
                whole_s = time.monotonic() - began  # as fast as the machine is now
            swept += 1
            print(f"  {killed} kills of {verb}", flush=True)
            if code or left(verb, folder):
                return f"after {killed} kills and a whole run: {code} {said[-300:]} {left(verb, folder)}"
    print(f"{verb}: {killed} kills, {swept} whole runs between: nothing lost, nothing left behind")
    return ""


def twice(warm, verb, times_count, folder):
    """Two at once on a folder that is not there yet; what did not hold, empty if all did."""
    (folder / "small.yaml").write_text(SMALL)
    assert Verb(warm, [*VERBS[verb][:-1], "alone"], folder).wait()[0] == 0
    refused = 0
    for number in range(times_count):
        words = [*VERBS[verb][:-1], f"out-{number}"]
        ended = [process.wait() for process in [Verb(warm, words, folder) for _ in range(2)]]
        late = [said for code, said in ended if code == 2 and "is being written by process" in said]
        refused += len(late)
        hidden = [path.name for path in folder.iterdir() if path.name.startswith(".")]
        if sorted(code for code, _ in ended) != [0, 0] and not (verb == "plan" and len(late) == 1):
            return f"time {number}: {ended}"
        if hidden or not same(verb, folder / "alone", folder / f"out-{number}"):
            return f"time {number}: left {hidden}, or not the same as alone"
    print(f"two of {verb} at once: {times_count} times, {refused} told that the other is at work: the same as alone")
    return ""


def same(verb, alone, two):
    """Whether a result is the one of a verb alone, but for how long that took."""
    one, other = terp.load(alone), terp.load(two)
    if verb == "plan":
        return one == other
    return one.rows.arrow.drop_columns(["wall_s"]).equals(other.rows.arrow.drop_columns(["wall_s"]))


if __name__ == "__main__":
    if len(sys.argv) != 3 or sys.argv[1] not in {*VERBS, *TWICE} or not sys.argv[2].isdigit():
        sys.exit(__doc__)
    asked, count = sys.argv[1], int(sys.argv[2])
    from_which = WarmProcess()
    with tempfile.TemporaryDirectory(prefix="terp-kills-") as place:
        if asked in TWICE:
            wrong = twice(from_which, TWICE[asked], count, Path(place))
        else:
            wrong = check(from_which, asked, count, Path(place), random.Random(1))  # noqa: S311
    from_which.end()
    sys.exit(wrong or 0)
