"""Carries out what the model calls: reads, the choice of an account, and wishes for actions."""

from dataclasses import replace

from agent_core import cards
from agent_core.alone import tell_alone
from agent_core.boundary import Boundary, commit
from agent_core.conversation import Audience
from agent_core.core_tools import CHOOSE_ACCOUNT_TOOL, ChosenAccount
from agent_core.errors import ToolError
from agent_core.live_turn import LiveTurn
from agent_core.masking import masked_json
from agent_core.people import AccountId, Capability
from agent_core.planning import Planning
from agent_core.policy import Decision, Question
from agent_core.ports import UnitOfWork
from agent_core.proposals import ProposalStatus
from agent_core.proposing import twice, weigh
from agent_core.provenance import is_from_outside
from agent_core.services import Services
from agent_core.tool_runner import ToolRunner, failure_content, parse_arguments
from agent_core.tooling import Json, Standing, Tool, ToolCall, ToolContext
from agent_core.turn_state import CallKind, Kind, state_of
from agent_core.twins import withdraw
from agent_core.wishes import Considered, Wish, lacks_standing

Candidates = list[tuple[AccountId, str]]


class Calls:
    """One driver's way of answering the model's calls; each ends in a RESULT entry."""

    def __init__(self, services: Services, runner: ToolRunner, planning: Planning) -> None:
        self._services = services
        self._runner = runner
        self._planning = planning

    # --- reads ------------------------------------------------------------------------------

    async def read(self, live: LiveTurn, call: ToolCall) -> None:
        """Runs a read outside any transaction; its result is pending until the next commit."""
        tool = self._services.tool(live.conversation.audience, call.name)
        if tool is None:
            self._no_such_tool(live, call)
            return
        if await self._stopped(live, call, tool):
            return
        refused = self._refused_by_policy(live, tool, call)
        if refused is not None:
            await self._refuse(live, call, refused)
            return
        try:
            arguments = parse_arguments(tool, call)
            result = await self._runner.read(tool, self._context(live), arguments)
        except ToolError as error:
            self._note(live, call, Considered(content=failure_content(error), failed=True))
            return
        self._note(live, call, Considered(content=result.content))
        if not result.for_person or live.conversation.audience is not Audience.SHARED:
            return

        def write(boundary: Boundary) -> None:
            mark = f"{boundary.live.turn.id}:{call.id}"
            tell_alone(boundary, mark, result.title, live.account_name, result.for_person)

        await commit(self._services, live, write, claims=False)

    def _no_such_tool(self, live: LiveTurn, call: ToolCall) -> None:
        names = ", ".join(tool.name for tool in self._services.tools(live.conversation.audience))
        content = {"status": "no_such_tool", "reason": f"There is only: {names}."}
        self._note(live, call, Considered(content=content, failed=True))

    def _refused_by_policy(self, live: LiveTurn, tool: Tool, call: ToolCall) -> str | None:
        """Why this person may not read this here; None if they may."""
        if tool.standing is Standing.ANYBODY:
            return None
        try:
            arguments = parse_arguments(tool, call).model_dump(mode="json")
        except ToolError:
            arguments = {}
        ruling = self._services.policy_source.current().decide(
            Question(
                tool=tool,
                arguments=arguments,
                requester=live.requester,
                audience=live.conversation.audience,
                account_id=live.conversation.account,
                now=self._services.clock.now(),
            )
        )
        # A read changes nothing, so there is nothing to confirm.
        allowed = ruling.decision in (Decision.ALLOW, Decision.CONFIRM)
        return None if allowed else ruling.reason

    async def _refuse(self, live: LiveTurn, call: ToolCall, reason: str) -> None:
        def write(boundary: Boundary) -> None:
            boundary.post(
                f"refusal:{boundary.live.turn.id}:{call.name}",
                cards.refusal_card(reason, conversation_id=boundary.conversation.id),
            )
            content = {"status": "refused", "reason": reason, "card": "shown"}
            self._note_in(boundary, call, Considered(content=content, told=True))

        await commit(self._services, live, write)

    # --- actions ----------------------------------------------------------------------------

    async def consider(self, live: LiveTurn, call: ToolCall) -> None:
        """Validates, authorises and previews, after what is drafted; then drafts it, or ends it."""
        tool = self._services.tool(live.conversation.audience, call.name)
        if tool is None:
            self._no_such_tool(live, call)
            return
        if await self._stopped(live, call, tool):
            return
        account = live.conversation.account
        if account is None:
            await self._refuse_unknown(live, call)
            return
        try:
            same = self._planning.drafted(live, tool, call)
            if same is not None and not same.refused:  # else it is judged again, and told why not
                self._note(live, call, twice(same.title))
                return
            drafts = [one for one in state_of(live.journal).drafts if not one.refused]
            seen = await self._planning.looked_at(live, drafts)
            steps = [one for one in seen if not one.impossible]
            before = [one.preview for one in steps]
            preview = await self._planning.preview(live, tool, call, before)
        except ToolError as error:
            refused = self._refused_by_policy(live, tool, call)
            if refused is not None:  # the account's state is not told to those without rights
                await self._refuse(live, call, refused)
                return
            self._note(live, call, Considered(content=failure_content(error), failed=True))
            return
        wish = Wish(
            tool=tool,
            preview=preview,
            account_id=account,
            account_name=live.account_name,
            from_outside=is_from_outside(live, call),
        )

        def decide(boundary: Boundary) -> None:
            self._note_in(boundary, call, weigh(boundary, wish, _beside(live, call), steps))

        await commit(self._services, live, decide, claims=False)

    async def _stopped(self, live: LiveTurn, call: ToolCall, tool: Tool) -> bool:
        """Ends calls of people without standing, and those that lack an account."""
        if tool.standing is Standing.ANYBODY:
            return False
        conversation, requester = live.conversation, live.requester
        several = requester.person is not None and len(requester.person.roles) > 1
        chooses = several or requester.can(Capability.STAFF)
        if (
            conversation.account is None
            and chooses
            and conversation.audience is not Audience.SHARED
        ):
            await self._ask_account(live, call)
            return True
        if conversation.account is None or lacks_standing(
            tool, requester, conversation.account, conversation.audience
        ):
            await self._refuse_unknown(live, call)
            return True
        return False

    async def _refuse_unknown(self, live: LiveTurn, call: ToolCall) -> None:
        reason, ask_access = _no_standing(live)

        def write(boundary: Boundary) -> None:
            boundary.post(
                f"refusal:{boundary.live.turn.id}:standing",
                cards.refusal_card(
                    reason, conversation_id=boundary.conversation.id, ask_access=ask_access
                ),
            )
            content = {"status": "refused", "reason": reason, "card": "shown"}
            self._note_in(boundary, call, Considered(content=content, told=True))

        await commit(self._services, live, write)

    # --- accounts ---------------------------------------------------------------------------

    async def _ask_account(self, live: LiveTurn, call: ToolCall) -> None:
        """A tool needs an account and none is chosen: their own to pick from, else by name."""
        candidates = await self._own_accounts(live)
        if not candidates:
            content = {
                "status": "account_needed",
                "reason": "Call choose_account with the account's name first, if the person named "
                "one; else ask them which account it is about.",
            }
            self._note(live, call, Considered(content=content))
            return
        await self._show_picker(live, call, candidates, "")

    async def _own_accounts(self, live: LiveTurn) -> Candidates:
        person = live.requester.person
        if person is None or live.requester.can(Capability.STAFF):
            return []
        return [
            (account, await self._services.account_name(account))
            for account in sorted(person.roles)
        ]

    async def choose_account(self, live: LiveTurn, call: ToolCall) -> None:
        """An exact id or one exact name settles it; everything else is the person's choice."""
        try:
            arguments = parse_arguments(CHOOSE_ACCOUNT_TOOL, call)
            assert isinstance(arguments, ChosenAccount)
            candidates = await self._candidates(live, arguments.query)
        except ToolError as error:
            self._note(live, call, Considered(content=failure_content(error), failed=True))
            return
        if candidates is None:
            await self._refuse_unknown(live, call)
            return
        exact = [one for one in candidates if _is_exactly(one, arguments.query)]
        if len(exact) == 1:
            await self._settle_account(live, call, exact[0])
        else:
            await self._show_picker(live, call, candidates, arguments.query)

    async def _candidates(self, live: LiveTurn, query: str) -> Candidates | None:
        """Accounts this person may mean; None for people who may mean none."""
        if live.requester.can(Capability.STAFF):
            return list(await self._services.directory.search(query))
        own = await self._own_accounts(live)
        if not own:
            return None
        wanted = query.casefold()
        return [one for one in own if wanted in f"{one[1]} {one[0]}".casefold()] or own

    async def _settle_account(
        self, live: LiveTurn, call: ToolCall, account: tuple[AccountId, str]
    ) -> None:
        account_id, name = account
        live.names[account_id] = name

        def write(boundary: Boundary) -> None:
            conversation = boundary.conversation
            if conversation.account_id not in (None, account_id):
                content = {"status": "refused", "reason": "This room is bound to its own account."}
                self._note_in(boundary, call, Considered(content=content))
                return
            if conversation.account_id is None and conversation.subject != account_id:
                _cancel_others(boundary.tx, boundary, account_id)
                boundary.save_conversation(replace(conversation, subject=account_id))
            content = {"status": "chosen", "account": str(account_id), "name": name}
            self._note_in(boundary, call, Considered(content=content))

        await commit(self._services, live, write)

    async def _show_picker(
        self, live: LiveTurn, call: ToolCall, candidates: Candidates, query: str
    ) -> None:
        def write(boundary: Boundary) -> None:
            boundary.post(
                f"picker:{boundary.live.turn.id}",
                cards.account_picker(boundary.conversation.id, candidates, query),
            )
            content = {"status": "account_needed", "card": "shown: the person picks the account"}
            self._note_in(boundary, call, Considered(content=content, told=True))

        await commit(self._services, live, write)

    # --- entries ----------------------------------------------------------------------------

    def _context(self, live: LiveTurn) -> ToolContext:
        return ToolContext(
            account_id=live.conversation.account or AccountId(""),
            requester=live.requester,
            audience=live.conversation.audience,
            now=self._services.clock.now(),
        )

    def _note(self, live: LiveTurn, call: ToolCall, considered: Considered) -> None:
        live.note(Kind.RESULT, _result(call, considered), self._services.clock.now())

    def _note_in(self, boundary: Boundary, call: ToolCall, considered: Considered) -> None:
        boundary.note(Kind.RESULT, _result(call, considered))


def _result(call: ToolCall, considered: Considered) -> Json:
    return {
        "call": call.id,
        "content": masked_json(considered.content),
        "failed": considered.failed,
        "told": considered.told,
        "run": str(considered.run) if considered.run else None,
        "draft": considered.draft,
        "account": considered.account,
    }


def _beside(live: LiveTurn, call: ToolCall) -> list[str]:
    """The other actions that this turn was asked for and that nobody has seen yet."""
    state = state_of(live.journal)
    waiting = [
        str(one.call.name)
        for one in state.open_calls
        if one.kind is CallKind.ACTION and one.call.id != call.id
    ]
    return [*(draft.title for draft in state.drafts), *waiting]


def _is_exactly(account: tuple[AccountId, str], query: str) -> bool:
    wanted = " ".join(query.split()).casefold()
    return wanted in (str(account[0]).casefold(), " ".join(account[1].split()).casefold())


def _cancel_others(tx: UnitOfWork, boundary: Boundary, account_id: AccountId) -> None:
    """A card of the account that was meant before must not be confirmed by mistake."""
    for proposal in tx.proposals.open_in(boundary.conversation.id):
        if (
            proposal.account_id == account_id
            or proposal.status is not ProposalStatus.AWAITING_CONFIRMATION
        ):
            continue
        withdraw(boundary, proposal)


def _no_standing(live: LiveTurn) -> tuple[str, bool]:
    """Why nothing of an account is shown or changed here, and whether access can be asked for."""
    name, bound = live.requester.name, live.conversation.account is not None
    shared = live.conversation.audience is Audience.SHARED
    if bound and shared and live.requester.can(Capability.STAFF):
        return (
            f"{name}, colleagues look at a customer's account and change it in a direct chat with "
            "me or in an internal channel, not in a channel that is shared with customers.",
            False,
        )
    if bound or live.conversation.audience is Audience.PRIVATE:
        return (
            f"{name}, nobody has given you a role in this account yet, so I can neither show its "
            "data nor change it. General questions are welcome.",
            True,
        )
    return "This channel is not linked to an account, so I can answer general questions only.", True
