"""Kills verbs at random moments, again and again, and looks at what stands there: nothing lost, nothing left behind.

    python scripts/kill_check.py simulate 300     or sweep, plan, report: so many kills, each of a fresh process

After each kill the folder holds the earlier result or the new one, whole, or nothing if there was none yet; a file of the
user's in it is as it was; and after the next whole run nothing hidden lies beside it or in it.  Exits 1 at the first that
does not hold.  Takes a minute or two for ten kills of `simulate`, and
much longer on a busy machine.
"""

import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import terp
from terp.errors import TerpError

VERBS = {
    "simulate": ["simulate", "gefion", "--days", "1", "-o", "out"],
    "sweep": ["sweep", "gefion", "--over", "seed=1..4", "--days", "1", "--workers", "1", "-o", "out"],
    "plan": ["plan", "netherlands", "--no-simulation", "--scenarios", "50", "-o", "out"],
    "report": ["report", "run", "-o", "run/report.html"],
}


def started(words, folder):
    ran = [sys.executable, "-m", "terp", *words]
    return subprocess.Popen(ran, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)  # noqa: S603


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


def check(verb, kills_count, folder, draw):
    if verb == "report":
        assert started(["simulate", "gefion", "--days", "1", "-o", "run"], folder).wait() == 0
    began = time.monotonic()
    assert started(VERBS[verb], folder).wait() == 0
    whole_s, had, killed, swept = time.monotonic() - began, True, 0, 0
    notes = folder / ("run" if verb == "report" else "out") / "notes.txt"
    notes.write_text("mine")
    while killed < kills_count:
        words = [*VERBS[verb]]
        if verb == "sweep":  # with something to do
            words[3] = f"seed=1..{4 + 2 * killed}"
        process = started(words, folder)
        late = draw.random() < 0.7  # most of what is written is written at the end
        time.sleep(whole_s * (draw.uniform(0.8, 1.05) if late else draw.uniform(0.0, 0.8)))
        process.send_signal(signal.SIGKILL)
        killed += process.wait() == -signal.SIGKILL
        process.stderr.close()
        now = stands(verb, folder)
        if now is False or (had and now is None) or notes.read_text() != "mine":
            return f"after {killed} kills: {'lost' if now is None else 'not whole'}, left {left(verb, folder)}"
        if killed % 10 == 0:
            last = started(words, folder)
            error = last.communicate()[1]
            swept += 1
            if last.returncode or left(verb, folder):
                return (
                    f"after {killed} kills and a whole run: {last.returncode} {error.decode()[-300:]} {left(verb, folder)}"
                )
    print(f"{verb}: {killed} kills, {swept} whole runs between: nothing lost, nothing left behind")
    return ""


if __name__ == "__main__":
    if len(sys.argv) != 3 or sys.argv[1] not in VERBS or not sys.argv[2].isdigit():
        sys.exit(__doc__)
    with tempfile.TemporaryDirectory(prefix="terp-kills-") as place:
        wrong = check(sys.argv[1], int(sys.argv[2]), Path(place), random.Random(1))  # noqa: S311
    sys.exit(wrong or 0)
