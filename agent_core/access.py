"""Somebody without a role asks for one: an owner of the account gives it, or support is called."""

from dataclasses import replace
from datetime import datetime

from agent_core import notices, presses
from agent_core.audit_notes import note_person
from agent_core.blocks import Button, Buttons, ButtonStyle, Mention, Note, Text
from agent_core.conversation import Conversation, ConversationId
from agent_core.escalations import EscalationReason
from agent_core.messages import (
    Author,
    ButtonPressed,
    OutboundMessage,
    OutgoingId,
    PlatformIdentity,
)
from agent_core.outgoing import OutgoingRow
from agent_core.people import AccountId, Person, PersonId, Requester, Role
from agent_core.ports import Answer, Ids, Outbox, SupportDesk, UnitOfWork

OWNERS = frozenset({Role.OWNER})
GONE = "This request is no longer open."
ASKED = "The account's owner has been asked, in this thread."
ANSWERED = (
    "An owner of the account has answered this already, in this thread. If you need more, press "
    "“Talk to support”."
)


class Access:
    """Asking for access, and giving it. Only an owner of the account gives, and only membership."""

    def __init__(self, *, outbox: Outbox, desk: SupportDesk, ids: Ids) -> None:
        self._outbox = outbox
        self._desk = desk
        self._ids = ids

    def ask(self, tx: UnitOfWork, event: ButtonPressed, who: Requester, now: datetime) -> Answer:
        """The question goes to the owners in the thread; where none is known, to support."""
        conversation = self._conversation(tx, event, event.value)
        if conversation is None:
            return Answer(notice=GONE)
        account = conversation.account_id
        if who.role_in(account) is not None:
            return Answer(notice="You have access already. Please ask again for what you need.")
        owners = self._owners(tx, account, who) if account else ()
        if not owners:
            return self._ask_support(tx, conversation, who, now)
        if tx.outgoing.get(_question_row(conversation, who.identity)) is not None:
            decided = _is_answered(tx, conversation, who.identity)
            return Answer(notice=ANSWERED if decided else ASKED)
        self._outbox.queue(
            tx,
            OutgoingRow(
                id=_question_row(conversation, who.identity),
                destination=conversation.destination,
                message=_question(conversation, who, owners),
                created_at=now,
                conversation_id=conversation.id,
            ),
        )
        return Answer(notice=ASKED)

    def answer(self, tx: UnitOfWork, event: ButtonPressed, who: Requester, now: datetime) -> Answer:
        """An owner says yes or no. Anybody else is told who can."""
        conversation_id, _, address = event.value.partition("|")
        conversation = self._conversation(tx, event, conversation_id)
        if conversation is None or conversation.account_id is None:
            return Answer(notice=GONE)
        account = conversation.account_id
        if who.role_in(account) is not Role.OWNER:
            return Answer(notice="Only an owner of the account can decide this.")
        try:
            identity = PlatformIdentity.parse(address)
        except ValueError:
            return Answer(notice=GONE)
        if tx.outgoing.get(_question_row(conversation, identity)) is None:
            return Answer(notice=GONE)  # nobody is let in who did not ask
        if _is_answered(tx, conversation, identity):
            return Answer(notice="This was decided already.")
        asked_for = tx.people.find(identity)
        if event.action == presses.DENY_ACCESS:
            sentence = f"{who.name} gave no access."
        elif asked_for is not None and account in asked_for.roles:
            sentence = f"{asked_for.name} is {asked_for.roles[account]} of this account already."
        else:
            name = event.inputs.get("name") or self._name_of(tx, conversation, identity)
            member = self._with_membership(asked_for, identity, name, account)
            tx.people.put(member)
            note_person(tx, asked_for, member, now, by=who)
            sentence = f"{who.name} made {name} a member of this account."
        question = _question_row(conversation, identity)
        self._post(tx, conversation, _answer_row(question), sentence, now, updates=question)
        # A changed message calls nobody's attention: whoever asked is told by one of its own.
        self._post(tx, conversation, OutgoingId(f"{question}:told"), sentence, now)
        return Answer(card=notices.notice(sentence))

    # --- inner ------------------------------------------------------------------------------

    def _ask_support(
        self, tx: UnitOfWork, conversation: Conversation, who: Requester, now: datetime
    ) -> Answer:
        account = conversation.account_id or "ACCOUNT"
        case = self._desk.open(
            tx,
            conversation,
            reason=EscalationReason.ACCESS,
            asked=f"{who.name} asks for access"
            + (f" to {conversation.account_id}." if conversation.account_id else "."),
            asked_by=who,
            suggestion="Find out who this is, and check with the account's owner. Then: "
            f"handrail people set {who.identity} --account {account} --role member",
            at=now,
        )
        return Answer(notice=f"No owner can be asked here. Support has it as {case.label}.")

    def _post(
        self,
        tx: UnitOfWork,
        conversation: Conversation,
        row_id: OutgoingId,
        sentence: str,
        now: datetime,
        updates: OutgoingId | None = None,
    ) -> None:
        row = OutgoingRow(
            id=row_id,
            destination=conversation.destination,
            message=notices.notice(sentence),
            created_at=now,
            conversation_id=conversation.id,
            updates=updates,
        )
        self._outbox.queue(tx, row)

    def _with_membership(
        self, person: Person | None, identity: PlatformIdentity, name: str, account: AccountId
    ) -> Person:
        known = person or Person(
            id=PersonId(self._ids.new("person")), name=name, identities=(identity,)
        )
        return replace(known, roles={**known.roles, account: Role.MEMBER})

    def _name_of(
        self, tx: UnitOfWork, conversation: Conversation, identity: PlatformIdentity
    ) -> str:
        """The name under which they wrote here last."""
        for entry in reversed(tx.transcript.last(conversation.id, 50)):
            if entry.identity == identity:
                return entry.name
        return identity.user_id

    def _owners(
        self, tx: UnitOfWork, account: AccountId, who: Requester
    ) -> tuple[tuple[str, str], ...]:
        """Owners who can be called in the asker's own platform."""
        return tuple(
            (str(identity), person.name)
            for person in tx.people.with_role(account, OWNERS)
            for identity in person.identities
            if identity.platform is who.identity.platform
        )

    def _conversation(
        self, tx: UnitOfWork, event: ButtonPressed, conversation_id: str
    ) -> Conversation | None:
        conversation = tx.conversations.get(ConversationId(conversation_id))
        if conversation is None or conversation.room != event.card.room:
            return None
        return conversation


def _question_row(conversation: Conversation, identity: PlatformIdentity) -> OutgoingId:
    return OutgoingId(f"access:{conversation.id}:{identity}")


def _answer_row(question: OutgoingId) -> OutgoingId:
    return OutgoingId(f"{question}:answer")


def _is_answered(tx: UnitOfWork, conversation: Conversation, identity: PlatformIdentity) -> bool:
    return tx.outgoing.get(_answer_row(_question_row(conversation, identity))) is not None


def _question(
    conversation: Conversation, who: Requester, owners: tuple[tuple[str, str], ...]
) -> OutboundMessage:
    sentence = f"{who.name} asks for access to this account."
    value = f"{conversation.id}|{who.identity}"
    return OutboundMessage(
        blocks=(
            Mention(people=owners, text="please decide:"),
            Text(markdown=sentence),
            Note(text=f"{who.name} writes as {who.identity}. A member sees the account's facts."),
            Buttons(
                buttons=(
                    Button(
                        action=presses.GIVE_ACCESS,
                        label="Make them a member",
                        value=value,
                        style=ButtonStyle.PRIMARY,
                    ),
                    Button(action=presses.DENY_ACCESS, label="No", value=value),
                )
            ),
        ),
        fallback=f"{', '.join(name for _, name in owners)}, please decide: {sentence}",
        author=Author.CODE,
    )
