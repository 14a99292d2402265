"""Starts everything that the demo needs, keeps it together, and ends all of it."""

import asyncio
import contextlib
import json
import shutil
import socket
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from aiohttp import web

from agent_core.errors import ConfigurationError
from bots.demo import environment, inspect_server
from bots.demo.children import Child
from bots.demo.environment import StandIns
from bots.demo.options import DemoFailed, DemoOptions
from bots.demo.shown import Shown
from bots.demo.worker import Worker
from bots.settings import ModelSettings, Settings, read

_LISTENING: Final = "listening on "
_MODEL: Final = "OPENAI_"
# Slack's own are 0, 60 and 300 s: nobody would wait so long for what was said during a restart.
_RETRY_DELAYS: Final = ("0", "2", "5", "15")


@dataclass(frozen=True, slots=True, kw_only=True)
class Demo:
    """The running demo. `failed` gets the reason, in words, once it cannot go on."""

    options: DemoOptions
    data: Path
    stand_ins: StandIns
    settings: Settings
    worker: Worker
    shown: Shown
    failed: asyncio.Future[str]

    async def until_ready(self) -> None:
        """Returns once the service answers and its databases can be looked at."""
        await self.worker.until_running()
        await self.shown.open_databases(self.settings)


@asynccontextmanager
async def running(options: DemoOptions) -> AsyncIterator[Demo]:
    """The whole demo; the page answers from here on, the service a moment later.

    Raises DemoFailed or ConfigurationError. Leaves no process behind, and no data unless told so.
    """
    model = _model()
    shown = Shown(model, options.support)
    failed: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    async with AsyncExitStack() as stack:
        data = stack.enter_context(_folder(options.data))
        inspect_url = await stack.enter_async_context(_serving(inspect_server.application(shown)))
        stack.push_async_callback(shown.close)
        service_port, payments_port = _free_ports(2)
        payments = ("playground.payments_api", "--port", str(payments_port))
        commands = {
            "payment provider": (*payments, "--database", str(data / "payments.db")),
            "playground": (
                *("playground", "--port", str(options.port), "--support", options.support.value),
                *("--slack-request-url", f"http://127.0.0.1:{service_port}/slack/events"),
                *("--teams-messaging-endpoint", f"http://127.0.0.1:{service_port}/api/messages"),
                *("--slack-retry-delays", *_RETRY_DELAYS),
                *("--inspect-url", inspect_url),
                *("--payments-url", f"http://127.0.0.1:{payments_port}"),
            ),
        }
        first_lines = await asyncio.gather(
            *(_stand_in(stack, name, words, data, failed) for name, words in commands.items())
        )
        stand_ins = _addresses(*first_lines)
        own = environment.of_service(data, stand_ins, options.support, model)
        shown.worker = worker = Worker(data, {**environment.for_children(), **own}, service_port)
        stack.push_async_callback(worker.stop)
        await worker.start(lambda reason: _tell(failed, reason))
        yield Demo(
            options=options,
            data=data,
            stand_ins=stand_ins,
            settings=Settings.load(own),
            worker=worker,
            shown=shown,
            failed=failed,
        )


def _model() -> ModelSettings | None:
    """Whoever has set up a model gets it. Raises ConfigurationError where it is set up wrongly."""
    settings, mistakes, _ = read()
    wrong = [each.sentence for each in mistakes if each.variable.startswith(_MODEL)]
    if wrong:
        raise ConfigurationError(wrong)
    return settings.model


@contextmanager
def _folder(kept: Path | None) -> Iterator[Path]:
    data = Path(tempfile.mkdtemp(prefix="handrail-demo-")) if kept is None else kept.absolute()
    try:
        (data / "logs").mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise DemoFailed(f"The folder {data} cannot be written: {problem.strerror}.") from None
    try:
        yield data
    finally:
        if kept is None:
            shutil.rmtree(data, ignore_errors=True)


@asynccontextmanager
async def _serving(app: web.Application) -> AsyncIterator[str]:
    """On any free loopback port; yields the address."""
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


def _free_ports(count: int) -> list[int]:
    """Different ports that nobody listens on. They are known before the processes start."""
    with contextlib.ExitStack() as held:
        probes = [held.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]


async def _stand_in(
    stack: AsyncExitStack,
    name: str,
    words: tuple[str, ...],
    data: Path,
    failed: asyncio.Future[str],
) -> str:
    """Starts one and returns its first line. It holds what people wrote: its end is the demo's."""
    environ = environment.for_children()
    child = await Child.start(name, words, environ=environ, folder=data)
    stack.push_async_callback(child.stop)

    async def watch() -> None:
        code = await child.ended()
        _tell(failed, f"The {name} ended with code {code}. {child.tail()}")

    stack.callback(asyncio.create_task(watch()).cancel)
    return await child.first_line()


def _tell(failed: asyncio.Future[str], reason: str) -> None:
    if not failed.done():
        failed.set_result(reason)


def _addresses(payments: str, playground: str) -> StandIns:
    told = json.loads(playground)
    return StandIns(
        page=told["page"],
        slack_api=told["slack_api"].rstrip("/"),
        teams=told["teams"].rstrip("/"),
        payments=payments.removeprefix(_LISTENING).rstrip("/"),
    )
