"""A mixed load: reads, confirmed actions, plans, approvals, cases with people, talk of others."""

import asyncio
import contextlib
import random
from collections.abc import Awaitable, Callable
from itertools import count

from playground import people
from tests.chaos.talks import GIVES_UP_SECONDS, Talk
from tests.chaos.town import Town

GLOBEX, NORTHWIND = people.GLOBEX_ROOM.channel_id, people.NORTHWIND_ROOM.channel_id
SUPPORT = people.SUPPORT_ROOM.channel_id
GRETA, PAUL = people.GLOBEX_OWNER.user_id, people.GLOBEX_MEMBER.user_id
OLIVE, MILO = people.NORTHWIND_OWNER.user_id, people.NORTHWIND_MEMBER.user_id
BEN, SAM = people.NORTHWIND_BILLING.user_id, people.COLLEAGUE.user_id
RITA, LENA = people.SUPPORT_RITA.user_id, people.LEAD.user_id
TEAMS_SAM = people.TEAMS_COLLEAGUE.teams_id
OR = " | "  # between words of which one is enough
NOT_DONE = "Not done: "  # somebody else changed the account meanwhile: an answer too
CONFIRM, APPROVE = "proposal.confirm", "proposal.approve"


class Load:
    """Starts talks of every kind, `at_once` at a time, until it is told to stop."""

    def __init__(self, town: Town, seed: int, *, at_once: int = 10) -> None:
        self.town = town
        self.talks: list[Talk] = []
        self.seats: list[int] = []  # asked for, for Globex: no number twice
        self.refunds: list[int] = []  # minor units, of Globex: no amount twice
        self.teams: list[tuple[str, str]] = []  # said to the agent in Teams, wanted words
        self._random = random.Random(seed)
        self._numbers = count(1)
        self._at_once = at_once
        self._mine: dict[asyncio.Task[None] | None, Talk] = {}  # the last that each began
        self._stopping = False
        self._rita_is_busy = asyncio.Lock()
        self._kinds: dict[str, Callable[[], Awaitable[None]]] = {
            "read": self._read,
            "action": self._seats,
            "contact": self._contact,
            "plan": self._plan,
            "approval": self._refund,
            "case": self._case,
            "talk": self._talk_of_others,
        }

    async def run(self) -> None:
        """Until `stop` was called and everything that had begun has come to its end."""
        lanes = [self._one_after_another() for _ in range(self._at_once)]
        await asyncio.gather(self._in_teams(), *lanes)

    def stop(self) -> None:
        self._stopping = True

    async def each_once(self) -> None:
        """One talk of each kind, all at the same time."""
        await asyncio.gather(*(self._safely(self._kinds[kind]) for kind in self._kinds))

    async def come_back(self) -> None:
        """Whoever had stopped waiting looks again, and goes on from what stands in the thread."""
        late = [talk for talk in self.talks if talk.problem and talk.goes_on and talk.can_go_on()]
        await self._late_in_teams()
        for talk in late:  # at the same time, each yes would change what the others were shown
            await self._again(talk)

    async def _again(self, talk: Talk) -> None:
        assert talk.goes_on is not None
        with contextlib.suppress(TimeoutError):  # the judge says what is missing
            await talk.goes_on()

    async def _one_after_another(self) -> None:
        while not self._stopping:
            weights = (4, 3, 2, 2, 2, 2, 1)
            kind = self._random.choices(list(self._kinds), weights)[0]
            await self._safely(self._kinds[kind])
            await asyncio.sleep(self._random.uniform(0.1, 1.0))

    async def _safely(self, begin: Callable[[], Awaitable[None]]) -> None:
        try:
            await begin()
        except TimeoutError:
            self._mine[asyncio.current_task()].problem = "was not answered in time"

    def _begin(self, kind: str, user_id: str, room: str, text: str) -> Talk:
        copies = self._random.choice((1, 1, 1, 2, 5))  # redelivery storms
        message = self.town.slack.say(user_id, room, text, mention=True, copies=copies)
        talk = Talk(town=self.town, kind=kind, room=room, ts=message["ts"], asked=[message["ts"]])
        self.talks.append(talk)
        self._mine[asyncio.current_task()] = talk
        return talk

    # --- the kinds --------------------------------------------------------------------------

    async def _read(self) -> None:
        user, room, plan = self._random.choice(
            ((GRETA, GLOBEX, "Business"), (PAUL, GLOBEX, "Business"), (OLIVE, NORTHWIND, "Team"))
        )
        await self._begin("read", user, room, "what plan are we on?").sees(plan)

    async def _seats(self) -> None:
        number = 1 + len(self.seats)
        if len(self.seats) >= 30:  # 485 seats in all: the plan is for 500
            await self._read()
            return
        self.seats.append(number)
        talk = self._begin("action", GRETA, GLOBEX, f"add {number} seats please")
        noun = "seat" if number == 1 else "seats"
        await self._confirmed(talk, GRETA, f"Done: Added {number} {noun}")

    async def _contact(self) -> None:
        number = next(self._numbers)
        text = f"change the billing contact to Dana Fox, dana{number}@northwind.example"
        talk = self._begin("contact", BEN, NORTHWIND, text)
        await self._confirmed(talk, BEN, "Done: Changed the billing contact")

    async def _plan(self) -> None:
        number = next(self._numbers)
        text = (
            f"change the billing contact to Dana Fox, dana{number}@northwind.example "
            "and reset the access of milo@northwind.example"
        )
        talk = self._begin("plan", OLIVE, NORTHWIND, text)
        # The second change may have become a plan of its own, of one step.
        ends = ("2 changes: done", "2 changes: stopped", "Done: ", NOT_DONE)
        talk.wants = [OR.join(ends)]
        await self._goes_on(
            talk, lambda: talk.press_until(OLIVE, CONFIRM, lambda: any(map(talk.shows, ends)))
        )

    async def _refund(self) -> None:
        if len(self.refunds) >= 120:
            await self._read()
            return
        minor = 501 + len(self.refunds)
        self.refunds.append(minor)
        text = f"refund {minor / 100:.2f} dollars of invoice INV-1041"
        talk = self._begin("approval", GRETA, GLOBEX, text)
        talk.wants = [f"Done: {OR}{NOT_DONE}"]

        def ended() -> bool:
            return talk.shows("Done: ") or talk.shows(NOT_DONE)

        async def approve() -> None:
            words = ("Approval needed", f"{minor / 100:.2f}", f"'{APPROVE}'")
            async with asyncio.timeout(self.town.patience_seconds):
                # An approval that expired, as the account changed, is asked for anew.
                while (inside := await self._support_thread(*words, or_=ended)) is not None:
                    card = inside.bearing(APPROVE)
                    if card is not None:
                        await inside.press(LENA, card, APPROVE)
                    await asyncio.sleep(3.0)

        # A card may be shown anew, and is then confirmed anew.
        async def both() -> None:
            await asyncio.gather(talk.press_until(GRETA, CONFIRM, ended), approve())

        await self._goes_on(talk, both)

    async def _case(self) -> None:
        number = next(self._numbers)
        talk = self._begin("case", PAUL, GLOBEX, "I want to talk to someone")
        await self._goes_on(talk, lambda: self._with_rita(talk, number))

    async def _with_rita(self, talk: Talk, number: int) -> None:
        await talk.sees("Case ")
        case = next(str(m["text"]) for m in talk.ours() if "Case " in str(m["text"]))
        label = "Case " + case.partition("Case ")[2].split()[0].strip(".,:*")
        inside = await self._support_thread(label)
        assert inside is not None
        await inside.press_until(RITA, "case.claim", lambda: talk.shows("Rita Vance"))
        said = f"Hello Paul, what is up ({number})?"
        await self._reply(talk, inside, said)
        question = f"I was charged twice, number {number}"
        if question not in talk.relayed:
            talk.relayed.append(question)
            talk.say(PAUL, question)
        await inside.until(lambda: inside.shows(question))
        back = "handed this back to the AI agent"
        await inside.press_until(RITA, "case.hand_back", lambda: talk.shows(back))
        await talk.sees(said)

    async def _talk_of_others(self) -> None:
        number = next(self._numbers)
        message = self.town.slack.say(SAM, GLOBEX, f"lunch at {number}, anybody?")
        talk = Talk(town=self.town, kind="talk", room=GLOBEX, ts=message["ts"], wants=None)
        self.talks.append(talk)
        self.town.slack.say(PAUL, GLOBEX, "yes please", thread_ts=message["ts"])

    async def _confirmed(self, talk: Talk, user_id: str, done: str) -> None:
        talk.wants = [f"{done}{OR}{NOT_DONE}"]
        await self._goes_on(
            talk,
            lambda: talk.press_until(
                user_id, CONFIRM, lambda: talk.shows(done) or talk.shows(NOT_DONE)
            ),
        )

    async def _goes_on(self, talk: Talk, rest: Callable[[], Awaitable[None]]) -> None:
        """Now, and once more in the end for those who had stopped waiting."""
        talk.goes_on = rest
        await rest()

    async def _support_thread(
        self, *words: str, or_: Callable[[], bool] = lambda: False
    ) -> Talk | None:
        """The one whose first message holds the words; None: `or_` became true before."""
        messages = self.town.slack.state.channels[SUPPORT].messages

        def opened() -> str | None:
            for message in messages.values():
                is_first = message.get("thread_ts", message["ts"]) == message["ts"]
                if is_first and all(f"{word}" in str(message) for word in words):
                    return str(message["ts"])
            return None

        await self.town.until(lambda: opened() or or_(), self.town.patience_seconds)
        ts = opened()
        return Talk(town=self.town, kind="support", room=SUPPORT, ts=ts) if ts else None

    async def _reply(self, talk: Talk, inside: Talk, text: str) -> None:
        """Through the form; whoever gets none, or no answer, tries again."""
        views = self.town.slack.state.views
        async with self._rita_is_busy, asyncio.timeout(self.town.patience_seconds):
            while not talk.shows(text):
                if text in talk.promised:  # it was accepted: nobody writes it anew
                    await asyncio.sleep(0.1)
                    continue
                before = set(views)
                await inside.press(RITA, inside.messages()[0], "case.reply")
                try:
                    opened = await inside.until(lambda: set(views) - before, GIVES_UP_SECONDS)  # noqa: B023
                except TimeoutError:
                    continue
                view = views[opened.pop()].view
                block = next(b for b in view["blocks"] if b["type"] == "input")
                answers = {block["block_id"]: {block["element"]["action_id"]: text}}
                while view["id"] in views:
                    sent = await self.town.slack.submit(RITA, view["id"], answers)
                    if sent.action in ("closed", "clear"):
                        talk.promised.append(text)
                        break
                    await asyncio.sleep(0.5)

    async def _in_teams(self) -> None:
        room = self.town.teams.open_chat(TEAMS_SAM).id
        for number in count(1):
            if self._stopping:
                return
            words = f"dana{number}@initech.example"
            text = f"change the billing contact of Initech to Dana Fox, {words}"
            said = self.town.teams.post(TEAMS_SAM, room, text)
            self.teams.append((said.id, words))
            with contextlib.suppress(TimeoutError):
                await self._confirmed_in_teams(words)

    async def _late_in_teams(self) -> None:
        """The last one is still worth a press; a later request may have replaced the others."""
        if self.teams:
            with contextlib.suppress(TimeoutError):
                await self._confirmed_in_teams(self.teams[-1][1])

    async def _confirmed_in_teams(self, words: str) -> None:
        teams, pressed = self.town.teams, 0.0
        room = teams.open_chat(TEAMS_SAM).id
        loop = asyncio.get_running_loop()

        def ours() -> list[object]:
            bot = teams.state.bot_id
            found = teams.state.messages.values()
            return [m for m in found if m.room_id == room and m.author_id == bot]

        async with asyncio.timeout(self.town.patience_seconds):
            while not any("Done" in str(m.activity) and words in str(m.activity) for m in ours()):  # type: ignore[attr-defined]
                await asyncio.sleep(0.2)
                for card in reversed(ours()):
                    text = str(card.activity)  # type: ignore[attr-defined]
                    if CONFIRM in text and words in text and loop.time() - pressed > 10.0:
                        pressed = loop.time()
                        with contextlib.suppress(KeyError):  # redrawn, without the button
                            await teams.click(TEAMS_SAM, card.id, "Confirm")  # type: ignore[attr-defined]
                        break
