"""What a start has made is not looked at again by the garbage collector."""

import subprocess
import sys

SCRIPT = """
import gc
import bots.cli  # and with it all that a service is built of
from bots.garbage import spare_the_start
before = len(gc.get_objects())
spare_the_start()
class Loop: pass
one = Loop(); one.self = one
del one
print(before, len(gc.get_objects()), gc.collect())
"""


def test_collections_look_at_what_came_after_the_start_alone() -> None:
    ran = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True, timeout=60
    )
    before, after, collected = map(int, ran.stdout.split())
    assert after < before / 100
    assert collected > 0
