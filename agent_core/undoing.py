"""Takes an effect back: looked at, judged and proposed like any other action."""

from dataclasses import replace
from datetime import timedelta
from typing import Final

from agent_core import cards
from agent_core.boundary import Boundary, commit
from agent_core.conversation import Audience, ConversationStatus
from agent_core.errors import ToolError
from agent_core.escalations import EscalationReason, Priority
from agent_core.live_turn import LiveTurn, asked_text
from agent_core.plan_ends import redraw_stopped
from agent_core.policy import Decision
from agent_core.proposals import LedgerEntry, ProposalId
from agent_core.proposing import consider, put
from agent_core.receipts import undone_by, until_text
from agent_core.services import Services
from agent_core.tool_runner import ToolRunner, checked
from agent_core.tooling import Effected, Preview, Tool, ToolContext
from agent_core.turn_state import Kind, UndoWish
from agent_core.wishes import Considered, Wish, judge, lacks_standing, new_proposal

SEEN_BY_OTHERS: Final = "People of other companies can read along here now."


class Undoing:
    """Carries out the wishes of one driver's turns to take something back."""

    def __init__(self, services: Services, runner: ToolRunner) -> None:
        self._services = services
        self._runner = runner

    async def take_back(self, live: LiveTurn, wish: UndoWish) -> None:
        """Leaves an UNDONE entry in the journal: a card, a run, or a refusal that was told."""
        entry = await self._services.transact(lambda tx: tx.ledger.get(wish.key))
        tool = self._compensation(entry)
        if entry is None or tool is None:
            await self._refuse(live, wish, entry, "Nothing takes this back any more.")
            return
        try:
            preview = await self._preview(live, entry, tool)
        except ToolError as error:
            await self._refuse(live, wish, entry, str(error))
            return

        def decide(boundary: Boundary) -> None:
            considered = _decide(boundary, wish, entry, tool, preview)
            boundary.note(Kind.UNDONE, _body(wish, considered))

        await commit(self._services, live, decide, claims=False, always=True)

    def _compensation(self, entry: LedgerEntry | None) -> Tool | None:
        done = self._services.catalog.get(entry.tool) if entry is not None else None
        if done is None or done.compensation is None:
            return None
        return self._services.catalog.get(done.compensation.tool)

    async def _preview(self, live: LiveTurn, entry: LedgerEntry, tool: Tool) -> Preview:
        done = self._services.catalog.get(entry.tool)
        assert done is not None and done.compensation is not None
        effected = Effected(
            key=str(entry.key), arguments=entry.arguments, content=entry.content or {}
        )
        arguments = checked(tool, done.compensation.arguments(effected))
        context = ToolContext(
            account_id=entry.account_id,
            requester=live.requester,
            audience=live.conversation.audience,
            now=self._services.clock.now(),
        )
        return await self._runner.preview(tool, context, arguments)

    async def _refuse(
        self, live: LiveTurn, wish: UndoWish, entry: LedgerEntry | None, why: str
    ) -> None:
        def write(boundary: Boundary) -> None:
            if entry is not None and _is_seen_by_others(boundary, entry):
                refused = _refused(boundary, wish, None, SEEN_BY_OTHERS)
            else:
                refused = _refused(boundary, wish, entry, why)
            boundary.note(Kind.UNDONE, _body(wish, refused))

        await commit(self._services, live, write, claims=False, always=True)


def _body(wish: UndoWish, considered: Considered) -> dict[str, object]:
    return {
        "key": str(wish.key),
        "content": dict(considered.content),
        "told": considered.told,
        "run": str(considered.run) if considered.run else None,
    }


def _decide(
    boundary: Boundary, asked: UndoWish, entry: LedgerEntry, tool: Tool, preview: Preview
) -> Considered:
    status, conversation = boundary.conversation.status, boundary.conversation
    if _is_seen_by_others(boundary, entry):
        return _refused(boundary, asked, None, SEEN_BY_OTHERS)
    if status in (ConversationStatus.WAITING_FOR_SUPPORT, ConversationStatus.WITH_SUPPORT):
        return _refused(boundary, asked, entry, "The support team has this conversation now.")
    if asked.automatic and conversation.epoch != boundary.live.turn.epoch:
        return _left_to_them(boundary, entry)
    if undone_by(boundary.tx, entry.key) is not None:
        return _refused(boundary, asked, entry, "It was undone already.")
    if not asked.automatic and _is_too_late(boundary, entry):
        return _refused(boundary, asked, entry, f"This {until_text(entry)}.")
    if lacks_standing(tool, boundary.requester, entry.account_id, conversation.audience):
        why = f"{boundary.requester.name} has no role in this account."
        return _refused(boundary, asked, entry, why)
    original = boundary.tx.proposals.get(entry.key)
    wish = Wish(
        tool=tool,
        preview=preview,
        account_id=entry.account_id,
        account_name=original.account_name if original else str(entry.account_id),
        undoes=entry.key,
    )
    return _by_itself(boundary, asked, entry, wish) if asked.automatic else consider(boundary, wish)


def _left_to_them(boundary: Boundary, entry: LedgerEntry) -> Considered:
    """Somebody stopped the agent meanwhile: it begins nothing by itself, and they may."""
    original = boundary.tx.proposals.get(entry.key)
    if original is not None:
        redraw_stopped(boundary, original)
    content = {"status": "stopped", "reason": "Somebody stopped the agent.", "card": "shown"}
    return Considered(content=content, told=True)


def _is_seen_by_others(boundary: Boundary, entry: LedgerEntry) -> bool:
    """The room was opened to other companies since: nothing of this account is shown there."""
    conversation = boundary.conversation
    shared = conversation.audience is Audience.SHARED
    return shared and conversation.account_id != entry.account_id


def _is_too_late(boundary: Boundary, entry: LedgerEntry) -> bool:
    """Pressed in time, and the press waited for much longer than work takes."""
    grace = timedelta(seconds=boundary.services.limits.decided_seconds)
    return entry.undo_until is not None and entry.undo_until + grace < boundary.at


def _by_itself(boundary: Boundary, asked: UndoWish, entry: LedgerEntry, wish: Wish) -> Considered:
    """By policy, as a later step of the plan failed: the plan's yes is the yes to this too."""
    ruling = judge(boundary, wish, boundary.requester)
    if ruling.decision not in (Decision.ALLOW, Decision.CONFIRM):
        return _refused(boundary, asked, entry, ruling.reason or "Policy wants a person for this.")
    ruling = replace(ruling, decision=Decision.ALLOW, confirm=False)
    twins = list(boundary.tx.proposals.twins(wish.account_id, wish.fingerprint))
    proposal = new_proposal(boundary, wish, ruling, twins, boundary.requester)
    return put(boundary, replace(proposal, confirmed_at=boundary.at))


def _refused(
    boundary: Boundary, asked: UndoWish, entry: LedgerEntry | None, why: str
) -> Considered:
    """Says why; what policy wanted undone and could not be becomes a person's."""
    title = entry.title if entry is not None else "the change"
    with_agent = boundary.conversation.status is ConversationStatus.WITH_AGENT
    boundary.post(
        f"not-undone:{asked.key}:{boundary.live.turn.id}",
        cards.refusal_card(
            why,
            title=f"Undo: {title}",
            conversation_id=boundary.conversation.id,
            ask_support=with_agent and not asked.automatic,
        ),
    )
    if asked.automatic and with_agent:
        _hand_over(boundary, asked.key, title, why)
    original = boundary.tx.proposals.get(asked.key) if asked.automatic else None
    if entry is not None and original is not None:
        redraw_stopped(boundary, original)
    return Considered(content={"status": "refused", "reason": why, "card": "shown"}, told=True)


def _hand_over(boundary: Boundary, key: ProposalId, title: str, why: str) -> None:
    boundary.services.desk.open(
        boundary.tx,
        boundary.conversation,
        reason=EscalationReason.TOOL_FAILURE,
        priority=Priority.HIGH,
        asked=asked_text(boundary.live),
        asked_by=boundary.requester,
        suggestion=(
            f"A later step of a plan failed, and policy wants “{title}” (key {key}) undone. That "
            f"was not possible: {why} It stands. Decide with the customer what becomes of it."
        ),
        at=boundary.at,
    )
