"""
Start child processes that do not outlive us.
"""

import ctypes
import os
import signal
import sys
from collections.abc import Callable

PR_SET_PDEATHSIG = 1


def dies_with_parent(death_signal: signal.Signals) -> Callable[[], None] | None:
    """
    Make a `preexec_fn` that has the kernel send *death_signal* to the child when we die, even by SIGKILL.

    The kernel watches the *thread* that starts the child, so children are started from the main
    thread. It forgets the wish when the user changes; `subprocess` calls this after that.
    None on systems without it: there the next start copes with what an earlier one left.
    """
    if not sys.platform.startswith("linux"):
        return None
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    parent = os.getpid()
    number = int(death_signal)

    def ask_kernel() -> None:
        prctl(PR_SET_PDEATHSIG, number, 0, 0, 0)
        if os.getppid() != parent:  # we died between the fork and the line above
            os._exit(1)

    return ask_kernel


def bare_environment() -> dict[str, str]:
    """
    Give PostgreSQL's programs an environment with no secret of ours and nothing that redirects them.
    """
    return {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}
