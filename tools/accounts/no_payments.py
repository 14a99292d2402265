"""Stands where no payment service is set up: money does not move, and everybody is told why."""

from agent_core.errors import ActionFailed
from tools.accounts.gateway import Payment, PaymentRequest


class NoPayments:
    """A PaymentService that moves nothing. Nothing that needs no money is held up by it."""

    async def charge(self, request: PaymentRequest) -> Payment:
        raise ActionFailed("No payment service is set up here, so no money was moved.")

    async def refund(self, request: PaymentRequest) -> Payment:
        raise ActionFailed("No payment service is set up here, so no money was moved.")

    async def look_up(self, key: str) -> Payment | None:
        return None
