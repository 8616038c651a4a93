"""A small Slurm on loopback in a folder of its own, without systemd: munged, MariaDB, slurmdbd, slurmctld, a slurmd a node."""

from __future__ import annotations

import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Self

HERE = Path(__file__).resolve().parent
NEEDED = ("slurmctld", "slurmd", "slurmstepd", "slurmdbd", "sbatch", "sacct", "munged", "mariadbd", "faketime")
SBIN = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/sbin"))
GPUS = 8
EPOCH = "2027-01-04 00:00:00"  # where a fast clock begins: a Monday, no change of clocks near

# what the cluster needs to stay in its folder and to pass for DGX; taken out of a given slurm.conf and written anew
OWN = """
SlurmctldHost=localhost(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
CredType=cred/munge
AuthInfo=socket=$WORKDIR/munge/munge.socket
AuthAltTypes=auth/jwt
AuthAltParameters=jwt_key=$WORKDIR/state/jwt_hs256.key
SlurmctldPort=$CTLD
SlurmdPort=$SLURMD
SlurmctldPidFile=$WORKDIR/run/slurmctld.pid
SlurmdPidFile=$WORKDIR/run/slurmd.%n.pid
SlurmdSpoolDir=$WORKDIR/spool/%n
StateSaveLocation=$WORKDIR/state
SlurmctldLogFile=$WORKDIR/log/slurmctld.log
SlurmdLogFile=$WORKDIR/log/slurmd.%n.log
SlurmctldDebug=info
SlurmdDebug=error
SlurmdParameters=config_overrides
MpiDefault=none
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
GresTypes=gpu
AccountingStorageType=accounting_storage/slurmdbd
AccountingStorageHost=localhost
AccountingStoragePort=$DBD
AccountingStoragePass=$WORKDIR/munge/munge.socket
AccountingStorageTRES=gres/gpu
JobAcctGatherType=jobacct_gather/none
JobCompType=jobcomp/filetxt
JobCompLoc=$WORKDIR/log/jobcomp.txt
"""
SLURMDBD = """
AuthType=auth/munge
AuthInfo=socket=$WORKDIR/munge/munge.socket
AuthAltTypes=auth/jwt
AuthAltParameters=jwt_key=$WORKDIR/state/jwt_hs256.key
DbdHost=localhost
DbdAddr=127.0.0.1
DbdPort=$DBD
SlurmUser=root
StorageType=accounting_storage/mysql
StorageHost=127.0.0.1
StoragePort=$SQL
StorageUser=slurm
StoragePass=$PASSWORD
StorageLoc=slurm_acct_db
LogFile=$WORKDIR/log/slurmdbd.log
PidFile=$WORKDIR/run/slurmdbd.pid
DebugLevel=info
"""


class Trouble(Exception):
    """The cluster could not do what was asked; the message says what and where to look."""


def missing() -> list[str]:
    """What stands in the way of a cluster here: programs that are not there, and not being root."""
    lacks = [name for name in NEEDED if program(name) is None]
    return lacks + ([] if os.geteuid() == 0 else ["root"])


def program(name: str) -> str | None:
    """Path of a program; Debian's own builds of Slurm are called NAME-wlm, and NAME may be an emulator's."""
    return shutil.which(f"{name}-wlm", path=SBIN) or shutil.which(name, path=SBIN)


def free_ports(count: int) -> int:
    """First of `count` free ports in a row, below the range that outgoing connections are given.

    Drawn, so that two clusters that start at once do not choose the same.
    """
    firsts = list(range(10000, 32768 - count, 100))
    secrets.SystemRandom().shuffle(firsts)
    for first in firsts:
        with ExitStack() as held:
            try:
                for port in range(first, first + count):
                    held.enter_context(socket.socket()).bind(("127.0.0.1", port))
            except OSError:
                continue
            return first
    raise Trouble(f"no {count} free ports in a row below 32768")


class Cluster:
    """A Slurm in a folder, as a context manager: up on entry, all it started ended by pid on exit.

    `env` is the environment in which the commands of Slurm see it, `clock` its speed.
    """

    def __init__(self, work: Path, nodes: int, speed: float, conf: Path | None, assoc: Path | None) -> None:
        self.work, self.nodes, self.speed = work, nodes, speed
        self.conf = conf or HERE / ("plain.conf" if speed == 1 else "fast.conf")
        self.assoc = assoc
        self.started: list[subprocess.Popen[bytes]] = []
        self.slurmds: dict[str, subprocess.Popen[bytes]] = {}
        self.clock: subprocess.Popen[bytes] | None = None
        self.env = {
            **os.environ,
            "PATH": SBIN,
            "TZ": "UTC",
            "SLURM_CONF": str(work / "etc/slurm.conf"),
        }
        self.plain_env = dict(self.env)

    def __enter__(self) -> Self:
        try:
            self._folders()
            self._start_clock()
            self._munge()
            self._database()
            self._controllers()
            self._nodes()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # a second Ctrl-C shall not leave half of it behind
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        for each in reversed(self.started):
            if each.poll() is None:
                each.terminate()
        until(lambda: all(each.poll() is not None for each in self.started), 15)
        for each in self.started:
            if each.poll() is None:
                each.kill()
                each.wait()
        for pid in self._leftovers():
            kill(pid, signal.SIGKILL)
        if self.clock:
            self.clock.stdin.close()
            self.clock.wait()
            for kind in ("sem.faketime_sem", "faketime_shm"):  # it does not remove them itself
                Path(f"/dev/shm/{kind}_{self.clock.pid}").unlink(missing_ok=True)

    # the steps of bringing up

    def _folders(self) -> None:
        if self.work.exists() and any(self.work.iterdir()):
            raise Trouble(f"{self.work} is not empty")
        for name in (
            "munge",
            "db",
            "etc",
            "log",
            "state",
            "run",
            "bin",
            "gpus",
            *(f"spool/{name}" for name in self._names()),
        ):
            (self.work / name).mkdir(parents=True)
        for name in ("slurmctld", "slurmd", "slurmstepd"):
            (self.work / "bin" / name).symlink_to(program(name))  # they go by the name they are called by
        for gpu in range(GPUS):
            os.mknod(self.work / "gpus" / f"nvidia{gpu}", 0o666 | 0o020000, os.makedev(1, 3))
        ports = free_ports(self.nodes + 4)
        values = dict(zip(("SQL", "DBD", "CTLD", "SLURMD"), range(ports, ports + 4), strict=True))
        self.values = {"WORKDIR": self.work, "PASSWORD": secrets.token_hex(16), **values}
        self._write("munge/munge.key", secrets.token_bytes(1024))
        self._write("state/jwt_hs256.key", secrets.token_bytes(32))
        self._write("etc/slurm.conf", self._slurm_conf(ports + 4).encode())
        self._write("etc/slurmdbd.conf", self._filled(SLURMDBD).encode())
        gres = f"NodeName={self._range()} Name=gpu Type=h100 File=$WORKDIR/gpus/nvidia[0-{GPUS - 1}]\n"
        self._write("etc/gres.conf", self._filled(gres).encode())

    def _start_clock(self) -> None:
        """Holds the shared memory of a fast clock; whoever has its environment lives on that clock."""
        if self.speed == 1:
            return
        spec = f"@{EPOCH} x{self.speed:g}"
        self.clock = subprocess.Popen(
            ["faketime", "-m", "-f", spec, "sh", "-c", "env -0 >clock; echo; read _"], cwd=self.work,
            env={**self.env, "FAKETIME_DONT_RESET": "1"}, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True,
        )  # fmt: skip
        self.clock.stdout.readline()
        pairs = (self.work / "clock").read_text().split("\0")
        self.env = dict(pair.split("=", 1) for pair in pairs if "=" in pair)

    def _munge(self) -> None:
        """Told to accept a socket that none but root reaches."""
        at = self.work / "munge"
        files = [f"--{name}={at}/munged.{name.split('-')[0]}" for name in ("pid-file", "log-file", "seed-file")]
        self._daemon(
            "munged",
            "--foreground",
            "--force",
            f"--key-file={at}/munge.key",
            f"--socket={at}/munge.socket",
            *files,
            "--num-threads=10",
        )
        self._await((at / "munge.socket").exists, "munged")

    def _database(self) -> None:
        """On the plain clock always: it keeps no times of its own."""
        at, options = self.work / "db", ["--no-defaults", "--user=root", f"--datadir={self.work}/db/data"]
        made = subprocess.run(
            ["mariadb-install-db", *options, "--auth-root-authentication-method=socket", "--skip-test-db"],
            env=self.plain_env, capture_output=True, text=True,
        )  # fmt: skip
        if made.returncode:
            raise Trouble(f"mariadb-install-db: {made.stdout}{made.stderr}")
        here = [
            f"--socket={at}/sql.socket",
            f"--pid-file={at}/sql.pid",
            f"--port={self.values['SQL']}",
            "--bind-address=127.0.0.1",
        ]
        tuned = ["--innodb-buffer-pool-size=256M", "--innodb-lock-wait-timeout=900", "--skip-name-resolve"]
        self._daemon("mariadbd", *options, *here, *tuned, env=self.plain_env)
        user = f"'slurm'@'127.0.0.1' identified by '{self.values['PASSWORD']}'"
        sql = f"create database slurm_acct_db; create user {user}; grant all on slurm_acct_db.* to 'slurm'@'127.0.0.1'"
        client = ["mariadb", "--no-defaults", f"--socket={at}/sql.socket", "--user=root", "--execute"]
        self._await(lambda: self._works(*client, "select 1", env=self.plain_env), "mariadbd")
        self.tool(*client, sql, env=self.plain_env)

    def _controllers(self) -> None:
        self._daemon("slurmdbd", "-D")
        self._await(lambda: self._works("sacctmgr", "-n", "show", "cluster"), "slurmdbd")
        name = re.search(r"^ClusterName=(\S+)", Path(self.env["SLURM_CONF"]).read_text(), re.MULTILINE)[1]
        self.tool("sacctmgr", "-i", "add", "cluster", name)
        for words in associations(self.assoc) if self.assoc else []:
            self.tool("sacctmgr", "-i", *words)
        self._daemon(self.work / "bin/slurmctld", "-D", "-c")
        self._await(lambda: self._works("scontrol", "ping"), "slurmctld")

    def _nodes(self) -> None:
        """Starts every slurmd, again where one died young, until all are idle; then one job to warm up.

        The first job of a fresh cluster may lose its record in the accounting.
        """
        for name in self._names():
            self._slurmd(name)
        self._await(self._all_idle, "all nodes idle", 120)
        self.tool("srun", "-N1", "-t1", "true")
        self._await(lambda: self.tool("squeue", "-h") == "", "the job that warms up")

    def _slurmd(self, name: str) -> None:
        self.slurmds[name] = self._daemon(self.work / "bin/slurmd", "-D", "-N", name, "-d", self.work / "bin/slurmstepd")

    def _all_idle(self) -> bool:
        for name, each in list(self.slurmds.items()):
            if each.poll() is not None:
                self._slurmd(name)
        time.sleep(0.3)
        return self.tool("sinfo", "-h", "-N", "-o", "%t").split() == ["idle"] * self.nodes

    # words they share

    def tool(self, *words: object, env: dict[str, str] | None = None) -> str:
        """What a command prints; Trouble if it fails."""
        done = subprocess.run([str(word) for word in words], env=env or self.env, capture_output=True, text=True)
        if done.returncode:
            raise Trouble(f"{' '.join(map(str, words))}: {done.stderr.strip() or done.stdout.strip()}")
        return done.stdout

    def conf_text(self) -> str:
        """The slurm.conf in use, its folder as $WORKDIR."""
        return Path(self.env["SLURM_CONF"]).read_text().replace(str(self.work), "$WORKDIR")

    def _daemon(self, *words: object, env: dict[str, str] | None = None) -> subprocess.Popen[bytes]:
        with (self.work / "log" / f"{Path(str(words[0])).name}.out").open("ab") as said:
            each = subprocess.Popen(
                ["setpriv", "--pdeathsig", "TERM", *map(str, words)],  # they go even if this program is killed
                env=env or self.env, stdin=subprocess.DEVNULL, stdout=said, stderr=said, start_new_session=True, cwd=self.work,
            )  # fmt: skip
        self.started.append(each)
        return each

    def _works(self, *words: str, env: dict[str, str] | None = None) -> bool:
        return subprocess.run(words, env=env or self.env, capture_output=True).returncode == 0

    def _await(self, true, what: str, longest_s: float = 60) -> None:
        if not until(lambda: true() or self._ended(), longest_s) or not true():
            logs = "\n".join(
                tail(path) for path in sorted((self.work / "log").glob("*")) if not path.name.startswith("slurmd.")
            )
            raise Trouble(f"{what}: not there (waited up to {longest_s:g} s)\n{logs}")

    def _ended(self) -> bool:
        """Whether a daemon is gone that should not be."""
        return any(each.poll() is not None for each in self.started if Path(each.args[3]).name != "slurmd")

    def _names(self) -> list[str]:
        return [f"dgx{number:03d}" for number in range(1, self.nodes + 1)]

    def _range(self) -> str:
        return f"dgx[001-{self.nodes:03d}]"

    def _filled(self, text: str) -> str:
        return re.sub(r"\$(\w+)", lambda found: str(self.values[found[1]]), text).lstrip()

    def _slurm_conf(self, port: int) -> str:
        """The given slurm.conf with our own settings, nodes and ports in the place of its."""
        own = {line.split("=")[0].lower() for line in OWN.split()}
        lines = [line for line in self.conf.read_text().splitlines() if line.split("=")[0].strip().lower() not in own]
        text = re.sub(r"dgx\[001-\d+\]", self._range(), "\n".join(lines))
        text = re.sub(r" (NodeHostname|NodeAddr|Port)=\S+", "", text)
        place = f" NodeHostname=localhost NodeAddr=127.0.0.1 Port=[{port}-{port + self.nodes - 1}]"
        text = re.sub(r"^(NodeName=\S+)", rf"\g<1>{place}", text, flags=re.MULTILINE)
        return self._filled(OWN) + self._filled(text) + "\n"

    def _write(self, name: str, data: bytes) -> None:
        path = self.work / name
        path.write_bytes(data)
        path.chmod(0o600)

    def _leftovers(self) -> list[int]:
        """Processes of ours that no longer have us as parent: steps of jobs, and what the jobs run."""
        mark = f"SLURM_CONF={self.env['SLURM_CONF']}".encode()
        found = []
        for path in Path("/proc").glob("[0-9]*/environ"):
            try:
                if mark in path.read_bytes().split(b"\0") and int(path.parent.name) != os.getpid():
                    found.append(int(path.parent.name))
            except OSError:
                continue  # gone meanwhile
        return found


def associations(path: Path) -> list[list[str]]:
    """Commands of sacctmgr for a file of accounts under root and QOS: `account medicine fairshare=40`, `qos high priority=100`."""
    lines = [line.split() for line in path.read_text("utf-8").splitlines() if line.strip() and not line.startswith("#")]
    wrong = [" ".join(words) for words in lines if len(words) < 2 or words[0] not in ("account", "qos")]
    if wrong:
        raise Trouble(f"{path}: neither account nor qos: {'; '.join(wrong)}")
    commands = []
    names = [words[1] for words in lines if words[0] == "qos"]
    for kind, name, *settings in lines:
        if kind == "account":
            commands += [["add", "account", name, *settings], ["add", "user", "root", f"account={name}"]]
        elif name == "normal":  # every database has it
            commands.append(["modify", "qos", name, "set", *settings])
        else:
            commands.append(["add", "qos", name, *settings])
    return commands + ([["modify", "user", "root", "set", f"qos+={','.join(names)}"]] if names else [])


def until(true, longest_s: float) -> bool:
    """Whether it became true in time."""
    end = time.monotonic() + longest_s
    while not true():
        if time.monotonic() > end:
            return False
        time.sleep(0.1)
    return True


def kill(pid: int, number: int) -> None:
    """Ends a process that may be gone already."""
    with suppress(ProcessLookupError):
        os.kill(pid, number)


def tail(path: Path) -> str:
    """The last lines of a log."""
    return f"{path.name}: " + "\n  ".join(path.read_text("utf-8", "replace").splitlines()[-5:]) if path.is_file() else ""


def say(text: str) -> None:
    """To who watches; what the command prints stays its own."""
    print(text, file=sys.stderr, flush=True)
