"""A process that has imported the service once and forks it on demand: a start costs no imports.

`python -m tests.chaos.zygote`: an order is one line of JSON on standard input (see `fleet.py`); the
answers are {"pid": …} for a fork and {"ended": pid, "code": …} whenever a child ends.
"""

import json
import os
import selectors
import signal
import sys
import threading
from typing import Any, NoReturn

import bots.bootstrap  # noqa: F401 - what a service needs, before the first fork
from bots.cli import app
from tests.chaos.broken import break_on_purpose


def _become(order: dict[str, Any]) -> NoReturn:
    """The forked child: a service process like any other."""
    code = 1
    try:
        os.setsid()
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.environ.clear()
        os.environ.update(order["environ"])
        log = os.open(order["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(log, 1)
        os.dup2(log, 2)
        os.chdir(order["folder"])
        break_on_purpose(order["broken"])
        app(order["words"])
        code = 0
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _tell(**answer: Any) -> None:
    sys.stdout.write(f"{json.dumps(answer)}\n")
    sys.stdout.flush()


def _bury(children: set[int]) -> None:
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return
        children.discard(pid)
        _tell(ended=pid, code=os.waitstatus_to_exitcode(status))


def main() -> None:
    """Until standard input ends; what still runs then is killed."""
    assert threading.active_count() == 1, "a process with threads must not be forked"
    woken, wakes = os.pipe2(os.O_NONBLOCK)
    signal.set_wakeup_fd(wakes)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    waiting = selectors.DefaultSelector()
    waiting.register(sys.stdin, selectors.EVENT_READ)
    waiting.register(woken, selectors.EVENT_READ)
    children: set[int] = set()
    try:
        _serve(waiting, woken, children)
    finally:  # also where nobody hears the answers any more
        for pid in children:
            _kill(pid)


def _serve(waiting: selectors.DefaultSelector, woken: int, children: set[int]) -> None:
    while True:
        for key, _ in waiting.select():
            if key.fd == woken:
                os.read(woken, 4096)
                _bury(children)
                continue
            line = sys.stdin.buffer.raw.readline()  # type: ignore[union-attr]
            if not line:
                return
            pid = os.fork()
            if pid == 0:
                _become(json.loads(line))
            children.add(pid)
            _tell(pid=pid)


def _kill(pid: int) -> None:
    try:
        os.killpg(pid, signal.SIGKILL)
    except OSError:
        return


if __name__ == "__main__":
    main()
