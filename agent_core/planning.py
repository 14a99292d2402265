"""Looks at what was drafted in its order, each step as if those before it were done; shows it."""

from collections.abc import Sequence
from typing import Final

from agent_core.boundary import Boundary, commit
from agent_core.errors import ActionRefused, ToolError
from agent_core.live_turn import LiveTurn
from agent_core.people import AccountId
from agent_core.proposals import canonical
from agent_core.proposing import Presented, present
from agent_core.provenance import is_from_outside
from agent_core.services import Services
from agent_core.tool_runner import ToolRunner, parse_arguments
from agent_core.tooling import Preview, Tool, ToolCall, ToolContext
from agent_core.turn_state import Draft, Kind, state_of
from agent_core.wishes import Wish, lacks_standing

OTHER_ACCOUNT: Final = (
    "Another account was chosen meanwhile, so this is not done. Please ask again for the one that "
    "you mean."
)


class Planning:
    """Previews and shows the drafts of one driver's turns."""

    def __init__(self, services: Services, runner: ToolRunner) -> None:
        self._services = services
        self._runner = runner

    async def preview(
        self, live: LiveTurn, tool: Tool, call: ToolCall, before: Sequence[Preview] = ()
    ) -> Preview:
        """What this call would do once `before` is done. Raises ToolError."""
        account = live.conversation.account
        context = ToolContext(
            account_id=account or AccountId(""),
            requester=live.requester,
            audience=live.conversation.audience,
            now=self._services.clock.now(),
            earlier=tuple(each.leaves for each in before),
        )
        return await self._runner.preview(tool, context, parse_arguments(tool, call))

    async def looked_at(self, live: LiveTurn, drafts: Sequence[Draft]) -> list[Wish]:
        """Every draft as a wish, with the figures of this moment."""
        wishes: list[Wish] = []
        before: list[Preview] = []
        for draft in drafts:
            tool = self._services.tool(live.conversation.audience, draft.call.name)
            account = live.conversation.account
            if tool is None or account is None:
                continue  # neither is withdrawn within a turn
            preview, why = Preview(arguments={}, title=draft.title, changes=(), version=0), ""
            try:
                if not _is_of(draft, account):
                    raise ActionRefused(OTHER_ACCOUNT)
                if lacks_standing(tool, live.requester, account, live.conversation.audience):
                    # Taken away since it was drafted: the account is not looked at again.
                    raise ActionRefused("You have no role in this account any more.")
                preview = await self.preview(live, tool, draft.call, before)
                before += [] if draft.refused else [preview]
            except ToolError as error:
                why = str(error)
            wishes.append(
                Wish(
                    tool=tool,
                    preview=preview,
                    account_id=account,
                    account_name=live.account_name,
                    impossible=why,
                    from_outside=is_from_outside(live, draft.call),
                )
            )
        return wishes

    def drafted(self, live: LiveTurn, tool: Tool, call: ToolCall) -> Draft | None:
        """The draft that is this very wish already. Raises ArgumentsRejected."""
        wanted = _identity(tool, call)
        for draft in state_of(live.journal).drafts:
            if draft.call.name != call.name or not _is_of(draft, live.conversation.account):
                continue
            if _identity(tool, draft.call) == wanted:
                return draft
        return None

    async def present(self, live: LiveTurn, drafts: Sequence[Draft]) -> None:
        """Shows the drafts, unless the person wrote on meanwhile: then the model thinks again."""
        wishes = await self.looked_at(live, drafts)
        may_discard = state_of(live.journal).discards < self._services.limits.discards

        def write(boundary: Boundary) -> None:
            if boundary.joined:
                boundary.note(Kind.DISCARDED, {})
                return
            shown: Presented = present(boundary, wishes)
            body = {"told": shown.told, "run": [str(one) for one in shown.run]}
            boundary.note(Kind.PRESENTED, body)

        await commit(self._services, live, write, claims=may_discard)


def _is_of(draft: Draft, account: AccountId | None) -> bool:
    return draft.account in ("", account)


def _identity(tool: Tool, call: ToolCall) -> str:
    return canonical(tool.identity(parse_arguments(tool, call).model_dump(mode="json")))
