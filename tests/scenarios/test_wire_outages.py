"""Over the wire: what a customer sees while the account system or the payment service is down."""

from pathlib import Path
from typing import Any

from agent_core.breaker import BreakerState
from agent_core.errors import ActionFailed
from agent_core.escalations import EscalationReason
from agent_core.ports import UnitOfWork
from agent_core.proposals import Outcome
from playground import people
from tests.scenarios.wire import Wire, wired

GLOBEX = people.GLOBEX_ROOM.channel_id
OWNER = people.GLOBEX_OWNER.user_id


def state_of(wire: Wire, name: str) -> BreakerState:
    return next(view.state for view in wire.service.breakers() if view.name == name)


async def _no_answer(*_: Any, **__: Any) -> Any:
    raise ActionFailed("The account system cannot be reached.")


async def test_while_accounts_cannot_be_looked_up_people_take_over(tmp_path: Path) -> None:
    async with wired(tmp_path) as wire:
        accounts: Any = wire.service.accounts
        for name in ("state", "search", "quote"):
            setattr(accounts, name, _no_answer)
        for _ in range(4):
            thread = wire.slack_thread(OWNER, GLOBEX, "list our invoices")
            await thread.until_says("")
        await wire.settled()
        assert state_of(wire, "accounts") is BreakerState.OPEN
        thread = wire.slack_thread(OWNER, GLOBEX, "list our invoices")
        await thread.until_says("I cannot look into your account at the moment")
        await thread.until_says("passed this on to the support team as Case")
        cases = await wire.service.store.run(lambda tx: list(tx.escalations.waiting()))
        assert EscalationReason.TOOL_FAILURE in {case.reason for case in cases}


async def test_with_payments_down_a_yes_is_not_begun_and_nothing_stays_in_doubt(
    tmp_path: Path,
) -> None:
    async with wired(tmp_path) as wire:
        payments: Any = wire.service.accounts
        payments.payments._payments._url = "http://127.0.0.1:9"
        threads = [
            wire.slack_thread(OWNER, GLOBEX, f"add {seats} seats please") for seats in range(2, 6)
        ]
        for thread in threads:
            card = await thread.card("proposal.confirm")
            await thread.click(OWNER, card, "proposal.confirm")
            await wire.until_worked_off()
        assert state_of(wire, "payments") is BreakerState.OPEN
        await threads[-1].until_says("passed this on to the support team as Case")
        entries = await wire.service.store.run(_outcomes)
        assert entries and set(entries) == {Outcome.FAILED}


def _outcomes(tx: UnitOfWork) -> list[Outcome | None]:
    from agent_core.people import AccountId

    return [entry.outcome for entry in tx.ledger.of_account(AccountId("globex"))]
