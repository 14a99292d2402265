"""The core's way in and out around memory adapters, without a turn: what intake decides, shows."""

from dataclasses import dataclass, field
from datetime import timedelta

from agent_core.access import Access
from agent_core.clock import ManualClock
from agent_core.conversation import Audience, Conversation, RoomBinding, RoomMode
from agent_core.deadlines import Deadlines
from agent_core.decisions import Decisions
from agent_core.delivery import Delivery
from agent_core.delivery_pace import Pace
from agent_core.engine.memory_engine import MemoryEngine
from agent_core.ids import SequenceIds
from agent_core.intake import Intake, UnboundRooms
from agent_core.limits import Limits
from agent_core.message_intake import MessageIntake
from agent_core.messages import (
    ButtonPressed,
    FormSubmitted,
    InboundMessage,
    MessageRef,
    Participant,
    Platform,
    PlatformIdentity,
    ReplyAddress,
    RoomRef,
    ThreadRef,
)
from agent_core.outgoing import CROWD, OutgoingRow
from agent_core.overload import Overload
from agent_core.people import AccountId, Capability, Person, PersonId, Role
from agent_core.ports import Answer, EngineKind, UnitOfWork
from agent_core.press_intake import PressIntake
from agent_core.room_intake import RoomIntake
from agent_core.store.memory_store import MemoryStore
from escalation.brief import Briefing, Reminders
from escalation.commands import Commands
from escalation.crowd import Crowd
from escalation.desk import BRIEF, Desk, SupportRoom
from tests.fakes.platform import MemoryPlatform

GLOBEX = AccountId("globex")
CUSTOMER_ROOM = RoomRef(platform=Platform.SLACK, tenant_id="T0ACME", room_id="C0GLOBEX")
SUPPORT_ROOM = RoomRef(platform=Platform.SLACK, tenant_id="T0ACME", room_id="C0SUPPORT")


def someone(user_id: str, tenant: str = "T0GLOBEX") -> Participant:
    identity = PlatformIdentity(platform=Platform.SLACK, tenant_id=tenant, user_id=user_id)
    return Participant(identity=identity, name=user_id.title())


OWNER = someone("olga")
MEMBER = someone("mia")
STRANGER = someone("sam", "T0OTHER")
COLLEAGUE = someone("carl", "T0ACME")
ADA = someone("ada", "T0ACME")
BEN = someone("ben", "T0ACME")


class NoAccounts:
    """An AccountDirectory that knows one account."""

    async def summary(self, account_id: AccountId) -> tuple[tuple[str, str], ...]:
        return (("Account", f"Globex ({account_id})"), ("Plan", "Business"))

    async def search(self, query: str, limit: int = 20) -> list[tuple[AccountId, str]]:
        return [(GLOBEX, "Globex")]


@dataclass
class House:
    """Everything from `receive` to the posts, with a manual clock."""

    clock: ManualClock = field(default_factory=ManualClock)
    store: MemoryStore = field(default_factory=MemoryStore)
    slack: MemoryPlatform = field(default_factory=lambda: MemoryPlatform(Platform.SLACK))
    woken: list[str] = field(default_factory=list)
    undelivered: list[str] = field(default_factory=list)
    messages: int = 0
    limits: Limits = field(default_factory=Limits)

    def __post_init__(self) -> None:
        self.engine = MemoryEngine(self.clock)
        ids = SequenceIds()
        self.delivery = Delivery(
            store=self.store,
            engine=self.engine,
            adapters={Platform.SLACK: self.slack},
            clock=self.clock,
            holder="test",
            pace=Pace({}),
            undeliverable=self._undeliverable,
        )
        room = SupportRoom(room=SUPPORT_ROOM, delivery={})
        self.desk = Desk(
            outbox=self.delivery, engine=self.engine, room=room, ids=ids, clock=self.clock
        )
        self.decisions = Decisions(outbox=self.delivery, engine=self.engine, desk=self.desk)
        self.commands = Commands(
            desk=self.desk, outbox=self.delivery, decisions=self.decisions, clock=self.clock
        )
        crowd = Crowd(seconds=lambda: self.clock.now().timestamp())
        self.briefing = Briefing(
            store=self.store,
            desk=self.desk,
            accounts=NoAccounts(),
            clock=self.clock,
            crowd=crowd,
        )
        self.reminders = Reminders(store=self.store, desk=self.desk, clock=self.clock, crowd=crowd)
        self.deadlines = Deadlines(store=self.store, decisions=self.decisions, clock=self.clock)
        self.intake = Intake(
            store=self.store,
            commands=self.commands,
            accounts=NoAccounts(),
            words=MessageIntake(
                outbox=self.delivery,
                engine=self.engine,
                desk=self.desk,
                commands=self.commands,
                decisions=self.decisions,
                ids=ids,
                overload=Overload(self.limits, seconds=lambda: self.clock.now().timestamp()),
            ),
            presses=PressIntake(
                engine=self.engine,
                desk=self.desk,
                commands=self.commands,
                decisions=self.decisions,
                access=Access(outbox=self.delivery, desk=self.desk, ids=ids),
            ),
            room_changes=RoomIntake(),
            unbound=UnboundRooms(audiences={Platform.SLACK: Audience.SHARED}),
            actions=("refund_invoice", "add_seats"),
            clock=self.clock,
        )

    async def open(self) -> "House":
        """Links the rooms, names the people, starts the engine."""
        await self.engine.start(
            {
                EngineKind.TURN: self._turn,
                EngineKind.DELIVER: self.delivery.handle,
                EngineKind.TIMER: self._timer,
            }
        )
        await self.store.run(_furnish)
        return self

    async def settle(self) -> None:
        """Until nothing runs, is due, or is being sent."""
        for _ in range(3):
            await self.engine.idle()
            await self.delivery.idle()

    async def close(self) -> None:
        await self.engine.drain(1)
        await self.delivery.stop(1)

    async def later(self, **step: float) -> None:
        self.clock.advance(timedelta(**step))
        await self.settle()

    # --- what people do ---------------------------------------------------------------------

    def message(
        self,
        by: Participant,
        text: str,
        *,
        thread: str = "",
        mention: bool = False,
        room: RoomRef = CUSTOMER_ROOM,
        direct: bool = False,
    ) -> InboundMessage:
        self.messages += 1
        message_id = f"{self.messages:04d}"
        ref = ThreadRef(room=room, thread_id=thread or message_id)
        return InboundMessage(
            message=MessageRef(room=room, message_id=message_id),
            thread=ref,
            author=by,
            text=text,
            mentions_agent=mention,
            direct=direct,
            sent_at=self.clock.now(),
            reply_to=ReplyAddress(room=room, thread_id=ref.thread_id),
        )

    async def says(self, by: Participant, text: str, **more: object) -> str:
        """Somebody writes; returns the thread."""
        event = self.message(by, text, **more)  # type: ignore[arg-type]
        await self.intake.receive(event)
        await self.settle()
        return event.thread.thread_id

    async def presses(
        self,
        by: Participant,
        action: str,
        value: str,
        room: RoomRef = SUPPORT_ROOM,
        thread: str = "t",
    ) -> Answer:
        self.messages += 1
        event = ButtonPressed(
            press_id=f"press-{self.messages}",
            card=MessageRef(room=room, message_id="card"),
            thread=ThreadRef(room=room, thread_id=thread),
            by=by,
            action=action,
            value=value,
            pressed_at=self.clock.now(),
            reply_to=ReplyAddress(room=room, thread_id=thread),
        )
        answer = await self.intake.receive(event)
        await self.settle()
        return answer

    async def submits(self, by: Participant, form: str, value: str, **inputs: str) -> Answer:
        self.messages += 1
        event = FormSubmitted(
            submission_id=f"form-{self.messages}",
            by=by,
            form=form,
            value=value,
            inputs=inputs,
            submitted_at=self.clock.now(),
        )
        answer = await self.intake.receive(event)
        await self.settle()
        return answer

    async def conversation(self, thread: str) -> Conversation:
        ref = ThreadRef(room=CUSTOMER_ROOM, thread_id=thread)
        found = await self.store.run(lambda tx: tx.conversations.of_thread(ref))
        assert found is not None
        return found

    async def _turn(self, key: str, _ref: str) -> None:
        self.woken.append(key)

    async def _timer(self, key: str, ref: str) -> None:
        if ref.startswith(BRIEF):
            await self.briefing.brief(key)
        elif ref.startswith(CROWD):
            await self.briefing.tell_of_crowd()
        elif ref.startswith("expire:"):
            await self.deadlines.expire(key)
        else:
            await self.reminders.remind(key, ref.rsplit(":", 1)[-1])

    def _undeliverable(self, _tx: UnitOfWork, row: OutgoingRow, reason: str) -> None:
        self.undelivered.append(f"{row.id}: {reason}")


def _furnish(tx: UnitOfWork) -> None:
    tx.rooms.put(
        RoomBinding(
            room=CUSTOMER_ROOM,
            audience=Audience.SHARED,
            account_id=GLOBEX,
            mode=RoomMode.MENTION,
            name="#globex",
        )
    )
    tx.rooms.put(
        RoomBinding(
            room=SUPPORT_ROOM,
            audience=Audience.INTERNAL,
            account_id=None,
            mode=RoomMode.MENTION,
            is_support=True,
        )
    )
    for who, role in ((OWNER, Role.OWNER), (MEMBER, Role.MEMBER)):
        tx.people.put(_person(who, roles={GLOBEX: role}))
    tx.people.put(_person(ADA, capabilities=frozenset({Capability.SUPPORT, Capability.APPROVER})))
    tx.people.put(_person(BEN, capabilities=frozenset({Capability.SUPPORT})))


def _person(who: Participant, **more: object) -> Person:
    return Person(
        id=PersonId(f"person-{who.identity.user_id}"),
        name=who.name,
        identities=(who.identity,),
        **more,  # type: ignore[arg-type]
    )
