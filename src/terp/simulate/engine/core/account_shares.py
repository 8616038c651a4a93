"""Fair share of the core: what each account used, its factor by a fair tree of one level, and priorities.

An account's usage is kept as of a time of its own, with the GPUs that its jobs hold since; it grows by these and decays by
half in every half-life, worked out in closed form when it is asked for.  The factor is the account's rank from below, by
shares over usage, over the number of accounts; accounts of one level share the better rank.

s  the state, a CoreState;  jobs  CoreJobs;  rules  CoreRules;  now  [s]

The controller has the whole tree (controller/fair_share.py); here each account hangs under the root.
"""

import math

import numpy as np

from terp.simulate.engine.shared.kernel_options import inlined


@inlined
def charge_account(s, rules, account, now):
    """Bring an account's usage to now: it grows by what its jobs hold, and decays.

    Usage is in GPU seconds: u' = u f + g (1 - f) / r with r = ln 2 / half-life, f = exp(-r dt) and g the GPUs that it holds.
    It must be called before these change.  A half-life of 0: usage never decays.
    """
    gone = now - s.usage_time[account]
    if gone > 0:
        s.usage_time[account] = now
        if rules.half_life_s > 0:
            rate = math.log(2.0) / rules.half_life_s
            kept = math.exp(-rate * gone)
            s.usage[account] = s.usage[account] * kept + s.usage_gpus[account] * (1.0 - kept) / rate
        else:
            s.usage[account] += s.usage_gpus[account] * gone


@inlined
def find_fair_share(s, rules, now):
    """Fair tree with one level: accounts by shares over usage; the factor is the rank from below over their number.

    Level is shares over usage: 0 without shares, infinite without usage.  `CoreState.fair` gets factors from 1 / accounts to
    1.
    Accounts are sorted by insertion, in the order of last time, which is nearly right.
    """
    count = rules.shares.size
    for account in range(count):
        charge_account(s, rules, account, now)
        used, shares = s.usage[account], rules.shares[account]
        s.level[account] = 0.0 if shares <= 0 else np.inf if used <= 0 else shares / used
    for place in range(1, count):
        account, at = s.ranking[place], place
        while at > 0 and s.level[s.ranking[at - 1]] < s.level[account]:
            s.ranking[at] = s.ranking[at - 1]
            at -= 1
        s.ranking[at] = account
    ahead = 0
    for place in range(count):
        if place > 0 and s.level[s.ranking[place]] != s.level[s.ranking[place - 1]]:
            ahead = place
        s.fair[s.ranking[place]] = (count - ahead) / count


@inlined
def priority_of(s, jobs, rules, job, now):
    """A job's priority: its age, the fair share of its account, and what of it does not change.

    In points.  Age grows up to the weight at `max_age_s` and no further; the account's factor is that of the last reckoning.
    """
    age = min(1.0, (now - jobs.submit_s[job]) / rules.max_age_s)
    return rules.age_weight * age + rules.fair_weight * s.fair[jobs.account[job]] + jobs.standing[job]
