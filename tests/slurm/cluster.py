"""A real Slurm on one machine: one node, two stand-in GPUs, three partitions.

A job of the partition `urgent` preempts jobs of the others: Slurm cancels those of `cpu` and
requeues those of `gpu`.

Needs root and Debian's packages (`python tests/slurm/cluster.py` installs them). All state is in
one folder, except for links in /etc/slurm while the cluster is up: job steps do not inherit
SLURM_CONF.
"""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

PACKAGES = {
    "slurmctld": "slurmctld",
    "slurmd": "slurmd",
    "sbatch": "slurm-client",
    "munged": "munge",
    "slurmdbd": "slurmdbd",
    "mariadbd": "mariadb-server-core",
    "mariadb": "mariadb-client-core",
}
PLUGIN = ("slurm-wlm-mysql-plugin", "slurm-wlm/accounting_storage_mysql.so")
DAEMONS = ("slurmd", "slurmctld", "slurmdbd", "mariadbd", "munged")
LINKS = Path("/etc/slurm")
PREFIX = "slurm"  # of the folder's name
NODE, GPUS = "lab0", 2
PORTS = {"slurmctld": 16817, "slurmd": 16818, "slurmdbd": 16819, "mariadbd": 16820}

SLURM = """ClusterName=lab
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={slurmctld}
SlurmdPort={slurmd}
CommunicationParameters=NoInAddrAny,NoCtldInAddrAny
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
CryptoType=crypto/munge
AuthInfo=socket={folder}/munge.socket,cred_expire=5
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
PropagateResourceLimits=NONE
ReturnToService=2
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SlurmdParameters=config_overrides
DefMemPerCPU=512
GresTypes=gpu
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
JobAcctGatherParams=OverMemoryKill,UsePss
KillWait=3
SchedulerType=sched/backfill
SchedulerParameters=batch_sched_delay=0,sched_interval=5,bf_interval=5,sched_min_interval=0
MinJobAge=3600
{accounting}
NodeName={node} NodeHostname={host} NodeAddr=127.0.0.1 CPUs=8 Boards=1 SocketsPerBoard=1 \
CoresPerSocket=8 ThreadsPerCore=1 RealMemory={memory} Gres=gpu:h200:{gpus} State=UNKNOWN
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
PartitionName=DEFAULT Nodes={node} MaxTime=INFINITE DefaultTime=60 PriorityTier=1 State=UP
PartitionName=cpu Default=YES PreemptMode=CANCEL
PartitionName=gpu PreemptMode=REQUEUE
PartitionName=urgent PriorityTier=2 PreemptMode=OFF
"""
ACCOUNTING = """AccountingStorageType=accounting_storage/slurmdbd
AccountingStorageHost=127.0.0.1
AccountingStoragePort={slurmdbd}
AccountingStoragePass={folder}/munge.socket
AccountingStorageTRES=gres/gpu
AccountingStoreFlags=job_comment"""
SLURMDBD = """AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket,cred_expire=5
DbdHost={host}
DbdAddr=127.0.0.1
DbdPort={slurmdbd}
SlurmUser=root
PidFile={folder}/slurmdbd.pid
LogFile={folder}/slurmdbd.log
StorageType=accounting_storage/mysql
StorageHost=127.0.0.1
StoragePort={mariadbd}
StorageUser=slurm
StoragePass=slurm
StorageLoc=slurm_acct_db
CommunicationParameters=NoInAddrAny
"""
GRANT = """create database if not exists slurm_acct_db;
create user if not exists 'slurm'@'127.0.0.1' identified by 'slurm';
grant all on slurm_acct_db.* to 'slurm'@'127.0.0.1';"""


def explain_missing() -> str | None:
    """Reason why no cluster can be started on this machine, or None."""
    if not sys.platform.startswith("linux"):
        return "Slurm needs Linux"
    if os.geteuid() != 0:
        return "starting Slurm needs root"
    missing = [program for program in PACKAGES if not shutil.which(program)]
    if missing:
        return f"{', '.join(missing)} not found: 'make slurm' installs them (Debian)"
    sweep_links()
    if (LINKS / "slurm.conf").exists():
        return f"{LINKS}/slurm.conf exists: this machine belongs to another Slurm"
    return None


def sweep_links() -> None:
    """Remove the links of a test cluster whose session was killed."""
    links = [link for link in LINKS.glob("*.conf") if link.is_symlink()]
    for folder in {link.readlink().parent for link in links}:
        old = Cluster(folder, accounting=True)
        if folder.name.startswith(PREFIX) and not any(map(old.find, DAEMONS)):
            old.links = [link for link in links if link.readlink().parent == folder]
            old.__exit__()


def install() -> None:
    """Install the missing packages without starting their daemons."""
    missing = [package for program, package in PACKAGES.items() if not shutil.which(program)]
    if not list(Path("/usr/lib").glob(f"*/{PLUGIN[1]}")):
        missing.append(PLUGIN[0])
    if not missing or os.geteuid() != 0 or not shutil.which("apt-get"):
        return
    policy = Path("/usr/sbin/policy-rc.d")
    own = not policy.exists()
    if own:
        policy.write_text("#!/bin/sh\nexit 101\n")
        policy.chmod(0o755)
    try:
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        words = ["apt-get", "install", "-qq", "--no-install-recommends", *missing]
        if subprocess.run(words, env=environment, stdout=subprocess.DEVNULL).returncode:
            subprocess.run(["apt-get", "update", "-qq"], check=True)
            subprocess.run(words, env=environment, stdout=subprocess.DEVNULL, check=True)
    finally:
        if own:
            policy.unlink()


def until(condition: Callable[[], object], what: str, *, seconds: float = 60) -> None:
    """Wait until a condition holds; TimeoutError, which names it, after `seconds`."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(f"{what}: not within {seconds:.0f} s")
        time.sleep(0.1)


class Cluster:
    """The daemons of a cluster; a context manager.

    Parameters
    ----------
    folder : Path
        For all state; exists, with a path short enough for sockets.
    accounting : bool
        Whether sacct works.
    """

    def __init__(self, folder: Path, *, accounting: bool) -> None:
        self.folder, self.accounting = folder, accounting
        self.links: list[Path] = []

    def __enter__(self) -> "Cluster":
        try:
            self._configure()
            self._start_munge()
            if self.accounting:
                self._start_accounting()
            self.start_controller()
            self._start("slurmd")
            until(lambda: self._state() in ("idle", "mixed"), "the node comes up")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_) -> None:
        if self.find("slurmctld"):
            self.ask("scancel", "--user=root")
            time.sleep(1)
        for daemon in DAEMONS:
            self.stop(daemon)
        for link in self.links:
            link.unlink(missing_ok=True)

    def ask(self, *words: str) -> str:
        """Output of a Slurm command."""
        done = subprocess.run(words, capture_output=True, text=True, timeout=60)
        return done.stdout.strip()

    def start_controller(self) -> None:
        """Start slurmctld and wait until it answers."""
        self._start("slurmctld")
        until(lambda: "UP" in self.ask("scontrol", "ping"), "slurmctld answers")

    def stop(self, daemon: str) -> None:
        """Terminate a daemon; kill it if it does not end."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            pid = self.find(daemon)
            if pid is None:
                return
            os.kill(pid, number)
            try:
                until(lambda: self.find(daemon) is None, f"{daemon} ends", seconds=15)
            except TimeoutError:
                continue

    def set_node(self, state: str) -> None:
        """Drain or resume the node."""
        reason = ["reason=test"] if state == "drain" else []
        self.ask("scontrol", "update", f"nodename={NODE}", f"state={state}", *reason)

    def _state(self) -> str:
        return self.ask("sinfo", "-h", "-N", "-n", NODE, "-p", "cpu", "-o", "%T")

    def _configure(self) -> None:
        self.folder.chmod(0o755)  # munge requires that all users can reach its socket
        for name in ("state", "spool", "dev"):
            (self.folder / name).mkdir(parents=True)
        devices = [self.folder / "dev" / f"gpu{i}" for i in range(GPUS)]
        for device in devices:  # like /dev/null
            os.mknod(device, 0o666 | 0o020000, os.makedev(1, 3))
        (self.folder / "munge.key").write_bytes(os.urandom(128))
        (self.folder / "munge.key").chmod(0o600)
        with open("/proc/meminfo") as file:
            memory = int(file.readline().split()[1]) // 1024
        host = os.uname().nodename.split(".")[0]
        known = {"folder": self.folder, "host": host, "node": NODE, "gpus": GPUS, **PORTS}
        kept = "AccountingStorageType=accounting_storage/none"
        storage = ACCOUNTING.format(**known) if self.accounting else kept
        gres = f"NodeName={NODE} Name=gpu Type=h200 File={devices[0].parent}/gpu[0-1]\n"
        files = {
            "slurm.conf": SLURM.format(**known, memory=memory, accounting=storage),
            "gres.conf": f"AutoDetect=off\n{gres}",
            "cgroup.conf": "CgroupAutomount=no\n",
        }
        LINKS.mkdir(exist_ok=True)
        for name, text in files.items():
            (self.folder / name).write_text(text)
            (LINKS / name).symlink_to(self.folder / name)
            self.links.append(LINKS / name)
        dbd = self.folder / "slurmdbd.conf"
        dbd.write_text(SLURMDBD.format(**known))
        dbd.chmod(0o600)

    def _start_munge(self) -> None:
        at = {"key-file": "key", "socket": "socket", "pid-file": "pid", "log-file": "log"}
        names = {**at, "seed-file": "seed"}
        words = [f"--{option}={self.folder}/munge.{end}" for option, end in names.items()]
        subprocess.run(["munged", *words], check=True)
        (self.folder / "munged.pid").symlink_to(self.folder / "munge.pid")

    def _start_accounting(self) -> None:
        data, socket = self.folder / "mysql", self.folder / "mysql.socket"
        base = ["--no-defaults", "--user=root", f"--datadir={data}"]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        made = ["mariadb-install-db", *base, "--skip-test-db"]
        subprocess.run([*made, "--auth-root-authentication-method=normal"], check=True, **quiet)
        server = ["mariadbd", *base, f"--port={PORTS['mariadbd']}", f"--socket={socket}"]
        server += ["--bind-address=127.0.0.1", f"--pid-file={self.folder}/mariadbd.pid"]
        server += ["--skip-name-resolve", "--innodb-flush-log-at-trx-commit=0"]
        subprocess.Popen(server, start_new_session=True, **quiet)
        client = ["mariadb", "--no-defaults", "-uroot", "-S", str(socket), "-e"]
        ready = [*client, "select 1"]
        until(lambda: not subprocess.run(ready, **quiet).returncode, "mariadbd answers")
        subprocess.run([*client, GRANT], check=True)
        self._start("slurmdbd")
        listed = ["sacctmgr", "-n", "show", "cluster"]
        until(lambda: not subprocess.run(listed, **quiet).returncode, "slurmdbd answers")
        for words in ("cluster lab", "account lab Description=lab", "user root Account=lab"):
            self.ask("sacctmgr", "-i", "add", *words.split())

    def _start(self, daemon: str) -> None:
        environment = {**os.environ, "SLURM_CONF": str(self.folder / "slurm.conf")}
        subprocess.run([daemon], env=environment, check=True, stderr=subprocess.DEVNULL)

    def find(self, daemon: str) -> int | None:
        """Process id of a daemon of this cluster, or None if it does not run."""
        try:
            pid = int((self.folder / f"{daemon}.pid").read_text())
            state = Path(f"/proc/{pid}/stat").read_text()
            alive = state.split(")")[1].split()[0] != "Z"
            return pid if alive and f"({daemon})" in state else None
        except (OSError, ValueError, IndexError):
            return None


if __name__ == "__main__":
    install()
    print(explain_missing() or "all packages of Slurm are installed")
