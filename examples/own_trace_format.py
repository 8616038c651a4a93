"""A format of traces of one's own: a CSV file with a line a job, times in microseconds and machines of a few GPUs.

Run it, or let the terminal load it:  TERP_PLUGINS=examples/own_trace_format.py terp simulate gefion --trace jobs.csv
"""

import csv
import tempfile
from collections.abc import Iterator
from pathlib import Path

import terp.extend
from terp.connect import read_trace

HEAD = "time_us,job,user,machines,gpus_per_machine,run_us,limit_us,outcome"
OUTCOMES = {"FINISH": "completed", "FAIL": "failed", "KILL": "cancelled"}
JOBS = f"""{HEAD}
1700000000000000,17,ann,2,8,3600000000,7200000000,FINISH
1700000060000000,18,bob,1,4,600000000,3600000000,FAIL
1700000120000000,19,ann,0,8,1800000000,,KILL
1700000180000000,20,eve,one,8,60000000,,FINISH
"""


@terp.extend.trace_format("borg-like", sees=lambda head: head.startswith(HEAD.encode()))
def borg_like(path: Path, reading: terp.extend.Reading) -> Iterator[terp.extend.JobColumns]:
    """The jobs of a file in one block; a line whose machines are no number is left out, and counted."""
    with path.open(newline="", encoding="utf-8") as stream:
        lines = list(enumerate(csv.DictReader(stream), 2))
    good = [(number, line) for number, line in lines if line["machines"].isdigit()]
    reading.leave_out("machines are no number", [number for number, line in lines if not line["machines"].isdigit()])
    yield {
        "line": [number for number, _ in good],
        "job_id": [int(line["job"]) for _, line in good],
        "submit_s": [int(line["time_us"]) / 1e6 for _, line in good],
        "run_s": [int(line["run_us"]) / 1e6 for _, line in good],
        "limit_s": [int(line["limit_us"]) / 1e6 if line["limit_us"] else None for _, line in good],
        "nodes": [int(line["machines"]) for _, line in good],
        "gpus": [int(line["gpus_per_machine"]) for _, line in good],
        "user": [line["user"] for _, line in good],
        "state": [OUTCOMES[line["outcome"]] for _, line in good],
    }


def main() -> None:
    """Reads four jobs, of which one is left out."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "jobs.csv"
        path.write_text(JOBS, encoding="utf-8")
        trace = read_trace(path)
    for index in range(len(trace)):
        print(
            trace.users[trace.user[index]], trace.nodes[index], "nodes", trace.gpus[index], "GPUs", trace.run_s[index], "s"
        )
    for what, rows in trace.notes.items():
        print(rows, what)


if __name__ == "__main__":
    main()
