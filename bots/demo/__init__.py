"""`handrail demo`: the service, with stand-ins for everything outside of it, on this machine."""

from bots.demo.options import DEFAULT_PORT, DemoOptions, Support

__all__ = ["DEFAULT_PORT", "DemoOptions", "Support", "run"]


async def run(options: DemoOptions) -> None:
    """Runs until SIGINT or SIGTERM; leaves no process behind.

    Raises DemoFailed, in words, where something does not start or does not stay.
    """
    from bots.demo.terminal import run_until_stopped

    await run_until_stopped(options)
