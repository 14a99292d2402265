"""Runs one change over HTTP and stops dead at a point; its parent kills it there.

Arguments: accounts URL, payments URL, command as JSON, point. Prints the point's name once there.
`accepted`: the payment service has answered, and nothing was written after.
`recorded`: the outcome is committed, and nobody was told.
"""

import asyncio
import sys

import aiohttp
from pydantic import TypeAdapter

from playground import people
from tests.contracts.accounts_suite import NOW
from tools.accounts.commands import Command
from tools.accounts.gateway import Payment, PaymentRequest
from tools.accounts.payments import Payments
from tools.accounts.seed import NORTHWIND
from tools.accounts.sql_gateway import SqlAccounts


async def _stop_at(point: str) -> None:
    sys.stdout.write(f"{point}\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


class _Dying(Payments):
    """Stops once the payment service has accepted."""

    async def charge(self, request: PaymentRequest) -> Payment:
        payment = await super().charge(request)
        await _stop_at("accepted")
        return payment

    async def refund(self, request: PaymentRequest) -> Payment:
        payment = await super().refund(request)
        await _stop_at("accepted")
        return payment


async def main() -> None:
    accounts_url, payments_url, command, point = sys.argv[1:]
    async with aiohttp.ClientSession() as session:
        client = _Dying if point == "accepted" else Payments
        accounts = SqlAccounts(accounts_url, client(payments_url, people.PAYMENTS_API_KEY, session))
        await accounts.prepare()
        await accounts.apply(
            NORTHWIND,
            TypeAdapter(Command).validate_json(command),
            key="key-1",
            expected_version=1,
            now=NOW,
        )
        await _stop_at("recorded")


asyncio.run(main())
