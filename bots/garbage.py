"""Keeps Python's garbage collector from looking again and again at what a start has made."""

import gc


def spare_the_start() -> None:
    """What exists now stays, and no collection looks at it any more. Once in a process, when it is
    ready to serve.

    Modules, classes and tables are some 285,000 objects. A full collection, every twenty seconds at
    ten turns a second, stood still for 0.2 to 0.3 s over them, and every turn with it.
    """
    gc.collect()
    gc.freeze()
