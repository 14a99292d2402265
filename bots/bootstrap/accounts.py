"""The account system, and the connection that it pays over."""

import aiohttp

from agent_core.breaker import Breaker, log_change
from bots.bootstrap.databases import make_folder
from bots.settings import Settings
from tools.accounts.guarded import GuardedPayments
from tools.accounts.no_payments import NoPayments
from tools.accounts.payments import Payments
from tools.accounts.sql_gateway import SqlAccounts


class PaidAccounts(SqlAccounts):
    """The embedded account system together with the connection that it pays over."""

    def __init__(self, url: str, payments_url: str | None, payments_key: str) -> None:
        self._session = aiohttp.ClientSession()
        self.payments: GuardedPayments | NoPayments = NoPayments()
        self.breakers = [Breaker("accounts", on_change=log_change)]
        if payments_url is not None:
            breaker = Breaker("payments", on_change=log_change)
            payments = Payments(payments_url, payments_key, self._session)
            self.payments = GuardedPayments(payments, breaker)
            self.breakers.append(breaker)
        super().__init__(url, self.payments)

    async def close(self) -> None:
        await super().close()
        await self._session.close()


def open_accounts(settings: Settings) -> PaidAccounts:
    """The account system, inside a running loop. The caller awaits `prepare()` and `close()`."""
    url = settings.accounts_url.get_secret_value()
    make_folder(url)
    key = settings.payments_key.get_secret_value() if settings.payments_key else ""
    return PaidAccounts(url, settings.payments_url, key)
