"""Two policies of one's own, and what they do to a day of Gefion beside EASY backfill.  See docs/howto/own-policy.md.

python examples/own_policy.py
"""

from collections.abc import Iterator, Sequence

import numpy as np

import terp
from terp.extend import ClusterView, PolicyJobs, WaitingJob


@terp.extend.policy("smallest-first")
def smallest_first(waiting: Sequence[WaitingJob], cluster: ClusterView, now: int) -> Iterator[WaitingJob]:
    """Whatever fits, the smallest jobs first; but one that has waited for a day goes first and keeps all others back."""

    def order(job: WaitingJob) -> tuple[bool, int]:
        return now - job.submit_s < 86_400, job.nodes_count * job.gpus_count

    for job in sorted(waiting, key=order):
        with_it = cluster.with_started(job)
        if with_it is not None:
            yield job
            cluster = with_it
        elif now - job.submit_s >= 86_400:
            return


@terp.extend.policy("short-first", by="order")
def short_first(jobs: PolicyJobs) -> np.ndarray:
    """The jobs that ask for the least time first; the compiled core adds EASY backfill."""
    return jobs.requested_s


def main() -> None:
    """Prints the mean wait of a day under each policy."""
    gefion = terp.machine("gefion")
    for policy in ("easy", "short-first", "smallest-first"):
        run = terp.simulate.year(gefion, days=1, seed=1, policy=policy)
        print(f"{policy:15} {run.summary.mean_wait_s:8.0f} s mean wait")


if __name__ == "__main__":
    main()
