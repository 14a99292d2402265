"""`python -m bots.demo.child MODULE [+ MODULE ARGUMENTS…]`: runs modules that end with the demo.

Each runs as if started with `python -m`, in this very process, so that its id is the worker's: all
but the last without arguments, the last with the rest. The demo holds the other end of standard
input. Where that end closes, also because the demo was killed, the process ends: asked to at first,
then by force.
"""

import os
import runpy
import signal
import sys
import threading
import time
from typing import Final

NEXT: Final = "+"
GRACE_SECONDS: Final = 5.0


def end_with_the_parent() -> None:
    """Waits for the end of standard input in a thread, then ends this process."""
    while os.read(0, 1024):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(GRACE_SECONDS)
    os._exit(1)


def run_modules(words: list[str]) -> None:
    """Runs `A + B x y` as `A` and then `B x y`."""
    while NEXT in words:
        module, _, *words = words
        sys.argv = [module]
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    module, *arguments = words
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


def main() -> None:
    """The process's entry."""
    threading.Thread(target=end_with_the_parent, name="parent", daemon=True).start()
    run_modules(sys.argv[1:])


if __name__ == "__main__":
    main()
