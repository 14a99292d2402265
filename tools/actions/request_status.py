"""What became of earlier requests, as the ledger has it: done, refused, failed, unknown, open."""

from collections.abc import Awaitable, Callable, Sequence

from pydantic import Field as Described

from agent_core.blocks import Field
from agent_core.people import AccountId
from agent_core.proposals import LedgerEntry, Outcome
from agent_core.tooling import Json, Tool, ToolContext, ToolResult
from agent_core.wording import short_reference
from tools.actions.building import RUN_THE_ACCOUNT, Arguments, read

ReadLedger = Callable[[AccountId], Awaitable[Sequence[LedgerEntry]]]
SHOWN = 10
_WORDS = {
    Outcome.SUCCEEDED: "done",
    Outcome.REFUSED: "refused, nothing was done",
    Outcome.FAILED: "failed, nothing was done",
    Outcome.UNKNOWN: "not known yet: a person is looking into it",
    None: "under way",
}


class RequestStatusArguments(Arguments):
    """Which request."""

    reference: str | None = Described(
        max_length=100,
        description="The reference on the receipt. Null for the latest requests of this account.",
    )


def tool(ledger: ReadLedger) -> Tool:
    """`request_status`: effect read."""

    async def handler(context: ToolContext, wish: RequestStatusArguments) -> ToolResult:
        wanted = (wish.reference or "").strip().strip("#").casefold()
        entries = [
            each
            for each in await ledger(context.account_id)
            if each.account_id == context.account_id and wanted in each.key.casefold()
        ]
        entries = sorted(entries, key=lambda each: each.intended_at, reverse=True)[:SHOWN]
        return ToolResult(
            content={"requests": [_content(each) for each in entries]},
            title="Earlier requests" if entries else "No such request in this account",
            fields=tuple(
                Field(label=_title(each), value=f"{_WORDS[each.outcome]}, {_when(each)}")
                for each in entries
            ),
        )

    return read(
        name="request_status",
        description="Say what became of earlier requests of this account, newest first.",
        arguments=RequestStatusArguments,
        handler=handler,
        examples=("did my refund go through?", "what happened to the seats I asked for?"),
        private={"Email": RUN_THE_ACCOUNT, "Billing email": RUN_THE_ACCOUNT},
    )


def _content(entry: LedgerEntry) -> Json:
    return {
        "reference": short_reference(entry.key),
        "what": _title(entry),
        "outcome": _WORDS[entry.outcome],
        "asked_at": entry.intended_at.isoformat(timespec="minutes"),
        "reason": entry.reason,
        "details": {each.label: each.value for each in entry.fields},
    }


def _title(entry: LedgerEntry) -> str:
    return entry.title or entry.tool.replace("_", " ").capitalize()


def _when(entry: LedgerEntry) -> str:
    return f"{entry.intended_at:%d %B %Y, %H:%M} UTC"
