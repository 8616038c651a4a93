"""The configuration of a real Slurm -> a policy and a cluster of Terp; `slurm_conf.read_slurm_conf` is the
door.

`conf_lines` reads keys and values with their places, `conf_values` their times, numbers and words.  Then a
module a subject: `conf_nodes` and `partitions`, `scheduling` and `preempt_keys`, `sacctmgr_lines` and
`accounts`.  Every key ends as modelled, ignored with a reason (`ignored_keys`) or refused; none is passed over
in silence.
"""
