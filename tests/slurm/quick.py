"""`snakemake`, or another program that runs it, which queries the states of jobs every second.

The plugin waits 10 s longer after each query in which no job ended; no option changes that.
"""

import sys

from snakemake.cli import main
from snakemake_interface_executor_plugins.executors.remote import RemoteExecutor

pause = RemoteExecutor.next_seconds_between_status_checks
RemoteExecutor.next_seconds_between_status_checks = property(
    pause.fget, lambda self, seconds: pause.fset(self, min(seconds, 1))
)
if sys.argv[1] == "genometracks":
    from genometracks.cli import main as run

    sys.argv[:] = sys.argv[1:]
    sys.exit(run(sys.argv[1:]))
sys.argv[0] = "snakemake"
main()
