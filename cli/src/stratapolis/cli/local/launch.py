"""Become another program that dies with its launcher; run as a script, without any import path of ours.

usage: launch.py LAUNCHER_PID USER|- PROGRAM ARGUMENT...

The kernel's parent-death signal is lost when a process changes its user, so the user is changed first; and it does not fire for a
launcher that died before it was asked for, so the parent is looked at once more afterwards.
"""

import ctypes
import os
import pwd
import signal
import sys

PR_SET_PDEATHSIG = 1


def become(user: str) -> None:
    """Give up root for good."""
    entry = pwd.getpwnam(user)
    os.setgroups([])
    os.setgid(entry.pw_gid)
    os.setuid(entry.pw_uid)


def main(launcher: int, user: str, argv: list[str]) -> None:
    """Own session, other user, parent-death signal, then the program."""
    os.setsid()
    if user != "-":
        become(user)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != launcher:
            sys.exit("the launcher is gone")
    os.execv(argv[0], argv)  # noqa: S606  # becoming another program is its whole purpose


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], sys.argv[3:])
