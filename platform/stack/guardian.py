"""Ends the processes of a stack whose supervisor was killed without a chance to do it.

A process of its own, in its own session. Its standard input is a pipe from the supervisor:
`watch <group> <signal>` and `forget <group>` lines come in, and the end of the pipe means that the
supervisor is gone. Works on every Unix, unlike a parent-death signal, and costs one small process.
Standard library only: it runs as a plain script, isolated.
"""

import os
import signal
import subprocess
import sys
import threading
import time

GRACE = 8.0  # seconds between the friendly signal and SIGKILL


class Lifeline:
    """The supervisor's end: tells the guardian which process groups are ours."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._groups: dict[int, int] = {}
        self._lock = threading.Lock()

    def watch(self, group: int, friendly: signal.Signals) -> None:
        with self._lock:
            self._groups[group] = int(friendly)
            self._send(f"watch {group} {int(friendly)}\n")

    def forget(self, group: int) -> None:
        with self._lock:
            if self._groups.pop(group, None) is not None:
                self._send(f"forget {group}\n")

    def _send(self, line: str) -> None:
        if self._process is None or self._process.poll() is not None:
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-S", os.path.abspath(__file__)],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
            line = "".join(f"watch {g} {number}\n" for g, number in self._groups.items())
        assert self._process.stdin is not None  # noqa: S101 (asked for above)
        self._process.stdin.write(line.encode())
        self._process.stdin.flush()


# One per process. Whoever starts a part registers it, so tests and benchmarks are covered too.
lifeline = Lifeline()


def alive(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except OSError:
        return False
    return True


def main() -> None:
    groups: dict[int, int] = {}
    for line in sys.stdin:
        verb, *numbers = line.split()
        if verb == "watch":
            groups[int(numbers[0])] = int(numbers[1])
        elif verb == "forget":
            groups.pop(int(numbers[0]), None)
    send(groups)
    end = time.monotonic() + GRACE
    while any(map(alive, groups)) and time.monotonic() < end:
        time.sleep(0.1)
    send(dict.fromkeys(groups, int(signal.SIGKILL)))


def send(groups: dict[int, int]) -> None:
    for group, number in groups.items():
        try:
            os.killpg(group, number)
        except OSError:
            continue


if __name__ == "__main__":
    main()
