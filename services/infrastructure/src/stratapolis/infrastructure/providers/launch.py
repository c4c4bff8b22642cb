"""Become a service's process; run as a script, without any import path of ours.

usage: launch.py PLAN, a JSON object; the environment is the service's already.

The lock is inherited by the program: as long as it runs, a second launch finds it taken and ends with 75. Unlike the city's own processes
it must outlive who starts it: there is no parent-death signal, and the layer that comes back finds it by the file `pid`.
"""

import ctypes
import fcntl
import json
import os
import resource
import sys
from typing import Any

TAKEN = 75
PR_SET_NO_NEW_PRIVS = 38
LIMITS = {
    "memory_bytes": resource.RLIMIT_DATA,
    "file_bytes": resource.RLIMIT_FSIZE,
    "open_files": resource.RLIMIT_NOFILE,
    "processes": resource.RLIMIT_NPROC,
    "stack_bytes": resource.RLIMIT_STACK,
    "core_bytes": resource.RLIMIT_CORE,
}


def limit(limits: dict[str, int]) -> None:
    """Set both the soft and the hard limit; never above a hard limit that is there already."""
    for name, value in limits.items():
        kind = LIMITS[name]
        hard = resource.getrlimit(kind)[1]
        most = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(kind, (most, most))


def main(plan: dict[str, Any]) -> None:
    """Lock, session, limits, user, then the program."""
    lock = os.open(plan["lock"], os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        sys.exit(TAKEN)
    os.set_inheritable(lock, True)  # noqa: FBT003 - a positional parameter of the library's
    os.setsid()
    with open(plan["pid"] + ".new", "w") as file:  # noqa: PTH123 - pathlib would double this script's start
        file.write(str(os.getpid()))
    os.replace(plan["pid"] + ".new", plan["pid"])  # noqa: PTH105
    os.nice(plan["nice"])
    os.umask(0o077)
    os.chdir(plan["cwd"])
    limit(plan["limits"])
    if plan["uid"] is not None:
        os.setgroups([])
        os.setgid(plan["uid"])
        os.setuid(plan["uid"])
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    try:
        os.execve(plan["argv"][0], plan["argv"], dict(os.environ))  # noqa: S606 - becoming another program is its whole purpose
    except OSError as error:
        sys.exit(f"{plan['argv'][0]} cannot be run: {error.strerror}")


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
