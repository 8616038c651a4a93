"""Keys of Slurm that change nothing in a simulation, and why; docs/formats/slurm-conf.md lists them all.

The keys are those of slurm.conf(5), with older names that still stand in the files of centres.  A key that is
neither here nor read is told as unknown, and as misspelt where it is near a known one.  Reasons are data: the
table of the documentation, the notes of a reading and the tests are all made of these.
"""

from __future__ import annotations

from typing import Final

_ADDRESSES: Final = "says where programs and files are and who speaks to whom"
"""Of keys that place the daemons and their files."""
_NODES_SELVES: Final = "says how jobs are run and cleaned up on their nodes"
"""Of keys that matter on the nodes, once a job has started."""
_RECORDS: Final = "says what is written down of jobs that ran"
"""Of accounting: jobs are written down by the simulation itself."""
_LIMITS: Final = "is judged or filled in when a job comes; those of a trace were let in"
"""Of what slurmctld refuses or fills in at submission."""
_POWER: Final = "nodes are not switched off by the scheduler here"
"""Of power saving, which takes idle nodes down and up again."""
_PATIENCE: Final = "says how long the daemons wait for each other, which here never fail"
"""Of timeouts between daemons."""

GLOBAL: Final[dict[str, tuple[str, ...]]] = {
    _ADDRESSES: (
        "SlurmctldHost", "ControlMachine", "ControlAddr", "BackupController", "BackupAddr", "SlurmUser", "SlurmdUser",
        "AuthType", "AuthInfo", "AuthAltTypes", "AuthAltParameters", "CredType", "CryptoType", "JobCredentialPrivateKey",
        "JobCredentialPublicCertificate", "SlurmctldPort", "SlurmdPort", "SlurmctldPidFile", "SlurmdPidFile",
        "SlurmdSpoolDir", "StateSaveLocation", "SlurmctldLogFile", "SlurmdLogFile", "SlurmctldDebug", "SlurmdDebug",
        "SlurmctldSyslogDebug", "SlurmdSyslogDebug", "SlurmSchedLogFile", "SlurmSchedLogLevel", "DebugFlags",
        "LogTimeFormat", "PluginDir", "PlugStackConfig", "SlurmctldAddr", "SlurmctldParameters", "SlurmdParameters",
        "SlurmctldPlugstack", "SlurmctldPrimaryOnProg", "SlurmctldPrimaryOffProg", "CommunicationParameters",
        "TreeWidth", "RoutePlugin", "SrunPortRange", "MailProg", "MailDomain", "PrivateData", "HashPlugin", "TLSType",
        "TLSParameters", "CertmgrType", "CertmgrParameters", "CertgenType", "CertgenParameters", "DataParserParameters",
        "CliFilterPlugins", "CliFilterParameters", "FederationParameters", "MCSPlugin", "MCSParameters", "GroupUpdateForce",
        "GroupUpdateTime", "EnableConfigless", "UrlParserType", "NamespaceType", "MetricsType", "HttpParserType",
    ),
    _NODES_SELVES: (
        "MpiDefault", "MpiParams", "ProctrackType", "TaskPlugin", "TaskPluginParam", "SwitchType", "SwitchParameters",
        "Prolog", "Epilog", "PrologSlurmctld", "EpilogSlurmctld", "PrologFlags", "PrologEpilogTimeout", "EpilogMsgTime",
        "TaskProlog", "TaskEpilog", "SrunProlog", "SrunEpilog", "ResvProlog", "ResvEpilog", "PrEpPlugins",
        "PrEpParameters", "LaunchParameters", "LaunchType", "KillOnBadExit", "WaitTime", "TmpFS", "UsePAM", "CoreSpecPlugin",
        "CpuFreqDef", "CpuFreqGovernors", "GpuFreqDef", "AllowSpecResourcesUsage", "JobContainerType", "BcastParameters",
        "BcastExclude", "X11Parameters", "InteractiveStepOptions", "PropagatePrioProcess", "PropagateResourceLimits",
        "PropagateResourceLimitsExcept", "VSizeFactor", "UnkillableStepProgram", "NodeFeaturesPlugins", "RebootProgram",
        "GetEnvTimeout", "ScronParameters", "JobFileAppend", "BurstBufferType", "GresTypes",
    ),
    _RECORDS: (
        "AccountingStorageType", "AccountingStorageHost", "AccountingStorageBackupHost", "AccountingStorageExternalHost",
        "AccountingStoragePort", "AccountingStoragePass", "AccountingStorageUser", "AccountingStorageLoc",
        "AccountingStorageTRES", "AccountingStorageParameters", "AccountingStoreFlags", "AccountingStoreJobComment",
        "JobAcctGatherType", "JobAcctGatherFrequency", "JobAcctGatherParams", "JobCompType", "JobCompLoc", "JobCompHost",
        "JobCompPort", "JobCompUser", "JobCompPass", "JobCompParams", "AcctGatherEnergyType", "AcctGatherFilesystemType",
        "AcctGatherInterconnectType", "AcctGatherInfinibandType", "AcctGatherProfileType", "AcctGatherNodeFreq",
        "ExtSensorsType", "ExtSensorsFreq", "TrackWCKey", "MaxDBDMsgs", "MinJobAge", "FirstJobId", "MaxJobId",
    ),
    _LIMITS: (
        "EnforcePartLimits", "MaxJobCount", "MaxArraySize", "MaxStepCount", "MaxTasksPerNode", "MaxNodeCount",
        "MaxBatchRequeue", "DefMemPerCPU", "DefMemPerNode", "DefMemPerGPU", "DefCpuPerGPU", "MaxMemPerCPU",
        "MaxMemPerNode", "MaxCPUsPerNode", "JobDefaults", "JobSubmitPlugins", "DisableRootJobs", "DependencyParameters",
    ),
    _POWER: (
        "SuspendProgram", "SuspendTime", "SuspendRate", "SuspendTimeout", "SuspendExcNodes", "SuspendExcParts",
        "SuspendExcStates", "ResumeProgram", "ResumeFailProgram", "ResumeRate", "ResumeTimeout", "PowerPlugin",
        "PowerParameters",
    ),
    _PATIENCE: (
        "SlurmctldTimeout", "SlurmdTimeout", "InactiveLimit", "MessageTimeout", "BatchStartTimeout", "TCPTimeout",
        "EioTimeout", "UnkillableStepTimeout", "HealthCheckInterval", "HealthCheckNodeState", "HealthCheckProgram",
        "ReturnToService", "ReconfigFlags", "RequeueExit", "RequeueExitHold",
    ),
    "how long jobs go on at their limit is not known from it": ("KillWait", "OverTimeLimit", "ResvOverRun"),
    "nothing starts later for jobs that are ending; `complete` of a policy is the time their nodes need": ("CompleteWait",),
    "slices of time are not modelled: jobs do not take turns on a node": ("SchedulerTimeSlice",),
    "usage decays and is never set to nothing": ("PriorityUsageResetPeriod",),
    "associations have no priorities of their own here": ("PriorityWeightAssoc",),
    "the size of a job is judged by its nodes alone": ("PriorityWeightTRES",),
    "shares work undamped, as in fair tree": ("FairShareDampeningFactor",),
    "says what a site's own plugin does": (
        "PriorityParameters", "PrioritySiteFactorPlugin", "PrioritySiteFactorParameters", "PreemptParameters",
    ),
    "front ends are not modelled: jobs run on nodes": ("FrontendName",),
}  # fmt: skip
"""Why a key of its own line is ignored -> the keys."""

PARAMETERS: Final[dict[str, tuple[str, ...]]] = {
    "a pass goes to its end, however long it takes": (
        "bf_continue", "bf_max_time", "bf_yield_interval", "bf_yield_sleep", "bf_yield_rpc_cnt", "max_rpc_cnt",
        "max_sched_time", "build_queue_timeout", "bf_node_space_size",
    ),
    "a pass looks at waiting jobs in order, however many are of one user or partition": (
        "bf_max_job_user", "bf_max_job_part", "bf_max_job_assoc", "bf_max_job_user_part", "partition_job_depth",
        "bf_max_job_array_resv",
    ),
    "a pass starts all that may start": ("bf_max_job_start", "sched_max_job_start"),
    "every waiting job that is looked at is planned, however young or low": ("bf_min_age_reserve", "bf_min_prio_reserve"),
    "jobs are looked at when they come": ("defer", "defer_batch", "batch_sched_delay", "sched_min_interval"),
    "licences are counted at a job's start and not planned ahead": ("bf_licenses",),
    "the groups in which running jobs are taken away double": ("bf_window_linear",),
    "a job has one partition": ("bf_one_resv_per_job",),
    "jobs that take idle or busy nodes are planned alike": ("bf_busy_nodes", "bf_running_job_reserve", "bf_topopt_enable"),
    "a job that a limit holds does not hold those behind it": ("assoc_limit_stop",),
    "jobs are stopped in the simulation's own order": (
        "preempt_reorder_count", "preempt_strict_order", "preempt_youngest_first", "preempt_send_user_signal",
        "reclaim_licenses",
    ),
    "jobs of several kinds of node are not modelled": (
        "bf_hetjob_immediate", "bf_hetjob_prio", "whole_hetjob", "whole_pack", "disable_hetjob_steps", "enable_hetjob_steps",
        "enable_het_steps",
    ),
    "nothing starts later for jobs that are ending": ("reduce_completing_frag",),
    "one placement holds for all jobs": ("pack_serial_at_end", "spec_cores_first", "Ignore_NUMA", "max_switch_wait"),
    "changes how jobs come in and are run, not when": (
        "allow_zero_lic", "bb_array_stage_cnt", "correspond_after_task_cnt", "delay_boot", "disable_job_shrink",
        "enable_user_top", "enable_job_state_cache", "extra_constraints", "ignore_prefer_validation",
        "ignore_constraint_validation", "max_array_tasks", "max_script_size", "max_submit_line_size",
        "no_backup_scheduling", "no_env_cache", "nohold_on_prolog_fail", "requeue_setup_env_fail", "salloc_wait_nodes",
        "sbatch_wait_nodes", "step_retry_count", "step_retry_time", "bf_allow_magnetic_resv", "time_min_as_soft_limit",
        "requeue_on_resume_failure", "user_resv_delete", "sched_interval_drain",
    ),
}  # fmt: skip
"""Why one of SchedulerParameters is ignored -> their names.

Those that are read stand in `scheduling`: default_queue_depth, sched_interval and the bf_* of `_backfill`.
"""

PARAMETER_BOUNDS: Final[dict[str, tuple[int, int]]] = {
    "bf_max_time": (1, 3600), "bf_yield_interval": (1, 10_000_000), "bf_yield_sleep": (1, 10_000_000),
    "bf_max_job_user": (0, 1_000_000), "bf_max_job_part": (0, 1_000_000), "bf_max_job_assoc": (0, 1_000_000),
    "bf_max_job_user_part": (0, 1_000_000), "bf_max_job_start": (0, 10_000), "bf_max_job_array_resv": (0, 1000),
    "bf_min_age_reserve": (0, 2_592_000), "bf_node_space_size": (2, 2_000_000), "max_rpc_cnt": (0, 1000),
    "partition_job_depth": (0, 10**9), "sched_max_job_start": (0, 10**9), "batch_sched_delay": (0, 10**9),
    "sched_min_interval": (0, 10**9), "bf_window_linear": (1, 10**9), "max_switch_wait": (0, 10**9),
}  # fmt: skip
"""What slurm.conf(5) allows for numbers that are ignored: one out of bounds is refused all the same.

Name of a parameter -> lowest and highest number, in the parameter's own unit: seconds, microseconds or jobs.
"""

NODE: Final[dict[str, tuple[str, ...]]] = {
    _ADDRESSES: (
        "NodeHostname", "NodeAddr", "BcastAddr", "Port", "Reason", "CpuBind", "Topology", "CertToken", "InstanceType",
        "InstanceId", "Extra", "Comment",
    ),
    "cores are not kept for GPUs": ("RestrictedCoresPerGPU",),
    "nodes are taken by number, not by weight": ("Weight",),
    "disks of nodes are not shared out": ("TmpDisk",),
}  # fmt: skip
"""Why a key of a NodeName line is ignored -> the keys."""

PARTITION: Final[dict[str, tuple[str, ...]]] = {
    "groups of Unix users are not known": ("AllowGroups", "DenyGroups", "AllowUsers", "DenyUsers"),
    "jobs are not told by where they came from": (
        "AllocNodes", "RootOnly", "Hidden", "DisableRootJobs", "Alternate", "Topology",
    ),
    _LIMITS: (
        "MaxNodes", "MinNodes", "DefMemPerCPU", "DefMemPerNode", "DefMemPerGPU", "DefCpuPerGPU", "MaxMemPerCPU",
        "MaxMemPerNode", "MaxCPUsPerNode", "MaxCPUsPerSocket", "JobDefaults", "ReqResv",
    ),
    "limits belong to accounts and to the QOS of a job, not to a partition": ("QOS",),
    "partitions stop no jobs of another": ("PreemptMode", "GraceTime"),
    "one placement holds for all partitions": ("LLN", "SelectTypeParameters"),
    "jobs share nodes whoever they belong to": ("ExclusiveUser", "ExclusiveTopo"),
    "how long jobs go on at their limit is not known from it": ("OverTimeLimit",),
    "nodes are not switched off by the scheduler here": (
        "SuspendTime", "SuspendTimeout", "ResumeTimeout", "PowerDownOnIdle",
    ),
    "says how tasks are bound within a node": ("CpuBind",),
}  # fmt: skip
"""Why a key of a PartitionName line is ignored -> the keys.

Slurm's QOS of a partition limits all jobs there; here only accounts and the job's own QOS do.
"""


def reasons(table: dict[str, tuple[str, ...]]) -> dict[str, str]:
    """Small key -> why it is ignored.

    table   why -> keys, as above
    """
    return {key.lower(): why for why, keys in table.items() for key in keys}
