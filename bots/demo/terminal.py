"""The demo in a terminal: what it says, the browser it opens, and how it is stopped."""

import asyncio
import contextlib
import json
import shlex
import signal
import sys
import webbrowser
from pathlib import Path
from typing import Final

from bots.demo.environment import example_configuration
from bots.demo.example import play
from bots.demo.options import DemoFailed, DemoOptions
from bots.demo.supervisor import Demo, running

_READY: Final = "Ready. Ctrl-C stops everything."
_STOPS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_HOW_TO_ASK_A_MODEL: Final = "set OPENAI_API_KEY or OPENAI_BASE_URL to ask a language model"


async def run_until_stopped(options: DemoOptions) -> None:
    """Returns after a signal. Raises DemoFailed or ConfigurationError where it cannot go on."""
    loop = asyncio.get_running_loop()
    work = asyncio.create_task(_run(options))
    stopping = False

    def stop() -> None:
        nonlocal stopping
        if not stopping:  # a second Ctrl-C must not break off the cleaning up
            stopping = True
            work.cancel()

    for number in _STOPS:
        loop.add_signal_handler(number, stop)
    try:
        with contextlib.suppress(asyncio.CancelledError):
            await work
    finally:
        for number in _STOPS:
            loop.remove_signal_handler(number)


async def _run(options: DemoOptions) -> None:
    async with running(options) as demo:
        _introduce(demo)
        if options.open_browser:
            await asyncio.to_thread(_open_browser, demo.stand_ins.page)
        furnishing = asyncio.create_task(_furnish(demo))
        try:
            raise DemoFailed(await demo.failed)
        finally:
            furnishing.cancel()
            await asyncio.gather(furnishing, return_exceptions=True)


async def _furnish(demo: Demo) -> None:
    """Once the service answers: the drawer's contents and the finished example."""
    await demo.until_ready()
    _say(json.dumps({"ready": True}) if demo.options.as_json else _READY)
    inspection = demo.shown.inspection
    if demo.options.example and inspection and not await inspection.has_history():
        try:
            await play(demo.stand_ins.slack_api)
        except DemoFailed as problem:
            _say(f"The example is not complete: {problem}", error=True)


def _introduce(demo: Demo) -> None:
    options, page = demo.options, demo.stand_ins.page
    if options.as_json:
        told = {
            "page": page,
            "slack_api": demo.stand_ins.slack_api,
            "teams": demo.stand_ins.teams,
            "payments": demo.stand_ins.payments,
            "service": demo.worker.address,
            "data": str(demo.data),
        }
        _say(json.dumps(told))
        return
    if options.port and f":{options.port}/" not in page:
        _say(f"Port {options.port} is taken; the next free one is used.")
    status = demo.shown.status()["model"]
    hint = "" if status["is_language_model"] else f" ({_HOW_TO_ASK_A_MODEL})"
    kept = "kept" if options.data else "removed at the end"
    _say(f"Page   {page}")
    _say(f"Model  {status['label']}{hint}")
    _say(f"Data   {demo.data} ({kept}); logs are in {demo.data / 'logs'}")
    rules = example_configuration()
    settings = {"HANDRAIL_DATA": str(demo.data), "HANDRAIL_CONFIG": str(rules)}
    given = " ".join(f"{name}={shlex.quote(value)}" for name, value in settings.items())
    command = shlex.quote(str(Path(sys.executable).with_name("handrail")))
    _say(f"Rules  {rules / 'policy.yaml'} (a change is taken up within a second or two)")
    _say(f"Ask    {given} {command} pauses (or policy explain, audit show; in another terminal)")


def _open_browser(page: str) -> None:
    try:
        browser = webbrowser.get()
    except webbrowser.Error:
        return
    # A browser that draws in this very terminal would take it over.
    if type(browser) is not webbrowser.GenericBrowser:
        browser.open(page)


def _say(text: str, *, error: bool = False) -> None:
    stream = sys.stderr if error else sys.stdout
    stream.write(f"{text}\n")
    stream.flush()
