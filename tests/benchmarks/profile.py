"""Where the time of a turn goes: samples of the process, written to docs/profiles/turn.md."""

import asyncio
import re
import subprocess
import sys
import sysconfig
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.benchmarks.processes import child

RESULT: Final = Path("docs") / "profiles" / "turn.md"
TURNS: Final = 400
PER_SECOND: Final = 250
_SHOWN: Final = 25
# A sample belongs to the first part that one of its frames names.
PARTS: Final[dict[str, str]] = {
    "the model's client (openai, httpx, aiohttp)": r"OpenAIModel\.reply",
    "our transactions (SQLAlchemy, SQLite)": r"SqlStore\._run",
    "the engine: taking work off its queues": r"queue_worker_thread|queue_thread",
    "the prompt": r"^prompt \(",
    "the rest of the turn and its delivery": r"Driver\.run|Delivery\.|Intake\.|our_house",
    "the engine: starting and ending an entry": r"_execute_workflow|Workflow|dbos/",
}
REST: Final = "the event loop and its threads"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """A stack, outermost first, and how often it was seen."""

    frames: tuple[str, ...]
    times: int


def samples_of(lines: Iterable[str]) -> list[Sample]:
    """The profiler's raw lines, without the import of modules at the start."""
    found = []
    for line in lines:
        stack, _, times = line.rstrip().rpartition(" ")
        frames = tuple(stack.split(";"))
        if stack and "importlib" not in stack:
            found.append(Sample(frames=frames, times=int(times)))
    return found


def shares(
    samples: list[Sample], key: Callable[[Sample], Iterable[str]]
) -> list[tuple[str, float]]:
    """Percent of all samples for each key, largest first."""
    counted: Counter[str] = Counter()
    for sample in samples:
        for name in set(key(sample)):
            counted[name] += sample.times
    total = sum(sample.times for sample in samples)
    return [(name, 100 * times / total) for name, times in counted.most_common()]


def part_of(sample: Sample) -> list[str]:
    fitting = (
        part
        for part, pattern in PARTS.items()
        if any(re.search(pattern, frame) for frame in sample.frames)
    )
    return [next(fitting, REST)]


def functions_of(sample: Sample) -> list[str]:
    """Every function on the stack, without its line."""
    return [re.sub(r":\d+\)$", ")", frame) for frame in sample.frames]


def page(samples: list[Sample]) -> str:
    parts = shares(samples, part_of)
    functions = [
        (name, share) for name, share in shares(samples, functions_of) if _is_worth_naming(name)
    ]
    return "\n".join(
        [
            "# Where a turn's time goes",
            "",
            "Made by `.venv-bench/bin/python -m tests.benchmarks.profile`: samples of the threads "
            f"that hold the interpreter's lock, {PER_SECOND} a second, over {TURNS} turns of four "
            "model calls and three reads, intake and delivery included, on DBOS and SQLite.",
            "",
            *_table("part", parts),
            "",
            "The functions under which most of it is spent (each includes what it calls):",
            "",
            *_table("function", functions[:_SHOWN]),
            "",
        ]
    )


def _is_worth_naming(function: str) -> bool:
    return re.search(r"runpy|threading\.py|asyncio/|<module>|concurrent/", function) is None


def _table(what: str, rows: list[tuple[str, float]]) -> list[str]:
    lines = [f"| {what} | share |", "|---|---|"]
    return [*lines, *(f"| {name.replace('|', ' ')} | {share:.1f} % |" for name, share in rows)]


async def record() -> list[Sample]:
    """Needs py-spy beside this interpreter, and a system that lets it look at its own child."""
    spy = Path(sysconfig.get_path("scripts")) / "py-spy"
    with tempfile.TemporaryDirectory() as folder:
        raw = Path(folder) / "raw.txt"
        async with child("tests.benchmarks.model_server") as model:
            looked_at = [sys.executable, "-W", "ignore", "-m", "tests.benchmarks.profiled_turns"]
            recording = await asyncio.create_subprocess_exec(
                *[str(spy), "record", "--gil", "--rate", str(PER_SECOND), "--format", "raw"],
                *["--output", str(raw), "--", *looked_at, model.hello["url"], str(TURNS)],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            if await recording.wait() != 0:
                raise RuntimeError(f"py-spy ended with {recording.returncode}")
        return samples_of(raw.read_text(encoding="utf-8").splitlines())


if __name__ == "__main__":
    RESULT.parent.mkdir(exist_ok=True)
    text = page(asyncio.run(record()))
    RESULT.write_text(text, encoding="utf-8")
    print(text)
