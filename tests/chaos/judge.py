"""Counts from the outside, at the end, what was lost, done twice, said twice or left alone."""

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from agent_core.delivery import MARK_OF_A_SECOND_TRY
from agent_core.messages import MessageRef, Platform, RoomRef
from agent_core.store.rows import message_key
from agent_core.store.sql_store import make_engine
from playground import people
from tests.chaos.load import OR, SUPPORT, Load
from tests.chaos.talks import Talk
from tests.chaos.town import Town

OPEN = (
    "SELECT (SELECT count(*) FROM hr_inbox WHERE status <> 'done')"
    " + (SELECT count(*) FROM hr_turns WHERE status = 'running')"
    " + (SELECT count(*) FROM hr_outgoing WHERE status IN ('ready', 'started'))"
)


@dataclass(slots=True, kw_only=True)
class Verdict:
    """What went wrong, one sentence each. All empty: nothing did."""

    lost: list[str] = field(default_factory=list)
    double_actions: list[str] = field(default_factory=list)
    double_posts: list[str] = field(default_factory=list)
    left_alone: list[str] = field(default_factory=list)
    unexplained: list[str] = field(default_factory=list)
    figures: dict[str, int] = field(default_factory=dict)

    def counts(self) -> dict[str, int]:
        return {
            "lost messages": len(self.lost),
            "double actions": len(self.double_actions),
            "double posts": len(self.double_posts),
            "left alone": len(self.left_alone),
            "unexplained unknown": len(self.unexplained),
        }

    def problems(self) -> list[str]:
        return [
            *self.lost,
            *self.double_actions,
            *self.double_posts,
            *self.left_alone,
            *self.unexplained,
        ]


class Judge:
    """Reads the stand-ins' records and, for what was taken in, the database."""

    def __init__(self, town: Town) -> None:
        self._town = town
        self._sql = make_engine(town.database_url)

    def rows(self, statement: str) -> list[Any]:
        with self._sql.connect() as connection:
            return list(connection.execute(sa.text(statement)).all())

    def is_idle(self) -> bool:
        """Nothing waits, runs or is on its way."""
        return int(self.rows(OPEN)[0][0]) == 0

    def close(self) -> None:
        self._sql.dispose()

    def judge(self, load: Load) -> Verdict:
        verdict = Verdict()
        with_people = self._threads_with_people()
        taken = {str(row[0]) for row in self.rows("SELECT message FROM hr_transcript") if row[0]}
        for talk in load.talks:
            self._judge_talk(talk, taken, with_people, verdict)
            self._judge_words_of_people(talk, verdict)
        verdict.left_alone += self._unseen()
        self._judge_teams(load, taken, verdict)
        if not self.is_idle():
            verdict.left_alone.append("something is still open in the end")
        verdict.double_posts += _twice_in_slack(self._town)
        verdict.double_actions += [*self._twice_paid(load), *self._refunds(load)]
        verdict.unexplained += self._unexplained()
        effects = self._town.payments.book.find(None)
        verdict.figures = {
            "conversations": len(load.talks) + len(load.teams),
            "payments": sum(not e["idempotency_key"].startswith("seed:") for e in effects),
            "posts": sum(len(c.messages) for c in self._town.slack.state.channels.values()),
            "with a person": sum(_key(t.room, t.ts) in with_people for t in load.talks),
            "attempts": int(self.rows("SELECT coalesce(sum(attempts - 1), 0) FROM hr_turns")[0][0]),
            "unknown": int(
                self.rows("SELECT count(*) FROM hr_ledger WHERE outcome = 'unknown'")[0][0]
            ),
        }
        return verdict

    def _judge_talk(
        self, talk: Talk, taken: set[str], with_people: set[str], verdict: Verdict
    ) -> None:
        if talk.wants is None:
            if talk.ours():
                verdict.double_posts.append(f"{talk.kind} {talk.ts}: the agent was not spoken to")
            return
        for ts in talk.asked:
            if _key(talk.room, ts) not in taken:
                verdict.lost.append(f"{talk.kind} {talk.ts}: message {ts} was never taken in")
        missing = [words for words in talk.wants if not any(map(talk.shows, words.split(OR)))]
        answered = talk.ours() and not missing
        if not answered and _key(talk.room, talk.ts) not in with_people:
            said = " / ".join(str(m.get("text"))[:60] for m in talk.ours())
            verdict.left_alone.append(f"{talk.kind} {talk.ts} lacks {missing}; said: {said}")
        if talk.shows("changes: running"):
            verdict.left_alone.append(f"{talk.kind} {talk.ts} stands there as running")
        if talk.kind == "read" and sum(talk.wants[0] in str(m) for m in talk.ours()) > 1:
            verdict.double_posts.append(f"{talk.kind} {talk.ts} was answered twice")

    def _judge_words_of_people(self, talk: Talk, verdict: Verdict) -> None:
        """A case is no excuse here: once taken, words reach the other side, and once."""
        inside = self._town.slack.state.channels[SUPPORT].messages.values()
        for words in talk.relayed:
            if not any(words in str(message) for message in inside):
                verdict.lost.append(f"{talk.kind} {talk.ts}: support never got {words!r}")
        for words in talk.promised:
            shown = sum(words in str(message) for message in talk.ours())
            if shown == 0:
                verdict.lost.append(f"{talk.kind} {talk.ts}: the customer never got {words!r}")
            if shown > 1:
                verdict.double_posts.append(f"{talk.kind} {talk.ts} {shown} times: {words!r}")

    def _unseen(self) -> list[str]:
        """Cases whose card nobody saw, and posts that were given up without a case."""
        cases = self.rows(
            "SELECT number, reason FROM hr_escalations e WHERE NOT EXISTS"
            " (SELECT 1 FROM hr_outgoing o WHERE o.id = e.card AND o.status = 'sent')"
        )
        posts = self.rows(
            "SELECT id, problem FROM hr_outgoing o WHERE status = 'failed' AND updates IS NULL"
            " AND NOT EXISTS (SELECT 1 FROM hr_escalations e"
            " WHERE e.conversation_id = o.conversation_id AND e.card IS NOT NULL)"
        )
        return [
            *(f"case {row[0]} ({row[1]}): its card was never posted" for row in cases),
            *(f"{row[0]} was given up, and nobody was told: {row[1]}" for row in posts),
        ]

    def _judge_teams(self, load: Load, taken: set[str], verdict: Verdict) -> None:
        state = self._town.teams.state
        posts = [m for m in state.messages.values() if m.author_id == state.bot_id]
        for number, (message_id, words) in enumerate(load.teams, start=1):
            said = [m for m in posts if words in str(m.activity)]
            if number == len(load.teams):  # nothing has replaced it: it was pressed to its end
                said = [m for m in said if "Done: " in str(m.activity)]
            if not any(message_id in key for key in taken):
                verdict.lost.append(f"Teams message {message_id} was never taken in")
            # A chat that people have taken is answered by them: they must have got the words.
            inside = self._town.slack.state.channels[SUPPORT].messages.values()
            if not said and not any(words in str(message) for message in inside):
                verdict.left_alone.append(f"Teams: nothing was said of {words}")
        texts = Counter(
            json.dumps(m.activity.get("attachments") or m.activity.get("text"), sort_keys=True)
            for m in posts
            # Teams offers no look-up: a second try says that it is one.
            # One chat holds many requests, and "That is done." may be right in several.
            if MARK_OF_A_SECOND_TRY not in str(m.activity) and "@initech" in str(m.activity)
        )
        verdict.double_posts += [f"Teams twice: {t[:200]}" for t, n in texts.items() if n > 1]

    def _threads_with_people(self) -> set[str]:
        """Threads whose conversation had a case, with a card that was posted."""
        found = self.rows(
            "SELECT t.thread FROM hr_conversation_threads t"
            " JOIN hr_escalations e ON e.conversation_id = t.conversation_id"
            " JOIN hr_outgoing o ON o.id = e.card AND o.status = 'sent'"
        )
        return {str(row[0]).replace("#", "!") for row in found}

    def _twice_paid(self, load: Load) -> list[str]:
        """No number of seats and no amount is asked for twice, so none may be paid twice."""
        found = []
        effects = self._town.payments.book.find(None)
        for kind in ("charge", "refund"):
            sums = Counter(
                (e["account"], e["amount"])
                for e in effects
                if e["object"] == kind and not e["idempotency_key"].startswith("seed:")
            )
            found += [f"{kind} of {k[1]} for {k[0]}: {n} times" for k, n in sums.items() if n > 1]
        pairs = zip(load.seats, (t for t in load.talks if t.kind == "action"), strict=True)
        done = sum(number for number, talk in pairs if talk.shows("Done: Added"))
        uncertain = sum(
            json.loads(row[0])["seats"]
            for row in self.rows(
                "SELECT arguments FROM hr_ledger WHERE tool = 'add_seats' AND outcome = 'unknown'"
            )
        )  # people were told to look, and these may have happened
        grown = self._seats_of_globex() - 20
        if not done <= grown <= done + uncertain:
            found.append(f"receipts say {done} seats more ({uncertain} uncertain), not {grown}")
        return found

    def _refunds(self, load: Load) -> list[str]:
        """Each receipt stands for one refund, and each refund has a receipt or is uncertain."""
        found = []
        paid = Counter(
            e["amount"]
            for e in self._town.payments.book.find(None)
            if e["object"] == "refund" and not e["idempotency_key"].startswith("seed:")
        )
        uncertain = {
            json.loads(row[0])["amount_minor"]
            for row in self.rows(
                "SELECT arguments FROM hr_ledger"
                " WHERE tool = 'refund_invoice' AND outcome = 'unknown'"
            )
        }
        asked = [talk for talk in load.talks if talk.kind == "approval"]
        for minor, talk in zip(load.refunds, asked, strict=True):
            said = talk.shows("Done: ")
            if said and not paid[minor]:
                found.append(f"approval {talk.ts}: said to be done, and not paid: {minor}")
            if paid[minor] and not said and minor not in uncertain:
                found.append(f"approval {talk.ts}: paid, and not said: {minor}")
        return found

    def _seats_of_globex(self) -> int:
        accounts = make_engine(self._town.settings.accounts_url.get_secret_value())
        try:
            with accounts.connect() as connection:
                names = sa.inspect(connection).get_table_names()
                table = next(name for name in names if name.endswith("accounts"))
                row = (
                    connection.execute(sa.text(f"SELECT * FROM {table} WHERE id = 'globex'"))
                    .mappings()
                    .one()
                )
                return int(row["seats"])
        finally:
            accounts.dispose()

    def _unexplained(self) -> list[str]:
        found = self.rows(
            "SELECT l.key, l.title FROM hr_ledger l WHERE l.outcome = 'unknown' AND NOT EXISTS"
            " (SELECT 1 FROM hr_escalations e"
            " JOIN hr_outgoing o ON o.id = e.card AND o.status = 'sent'"
            " WHERE e.conversation_id = l.conversation_id"
            # Opened for it, or open while it happened.
            " AND (e.closed_at IS NULL OR e.closed_at >= l.intended_at))"
        )
        return [f"{row[1]} ({row[0]}): nobody was told" for row in found]


def _key(room: str, ts: str) -> str:
    ref = RoomRef(platform=Platform.SLACK, tenant_id=people.VENDOR_TEAM.team_id, room_id=room)
    return message_key(MessageRef(room=ref, message_id=ts))


def _twice_in_slack(town: Town) -> Iterable[str]:
    """By the id that each of our posts bears, and by what a customer can read."""
    for channel in town.slack.state.channels.values():
        ours = [m for m in channel.messages.values() if m.get("bot_id") == people.SLACK_BOT_ID]
        ids = Counter(_outgoing_id(m) for m in ours)
        yield from (f"{name} was posted {n} times" for name, n in ids.items() if name and n > 1)
        if channel.channel_id != SUPPORT:
            # Two turns of one thread may both fail, and say the same of it; receipts are once.
            receipts = [m for m in ours if "Done: " in str(m.get("text"))]
            texts = Counter((m.get("thread_ts", m["ts"]), m.get("text")) for m in receipts)
            yield from (f"in {k[0]} {n} times: {k[1]}" for k, n in texts.items() if n > 1)


def _outgoing_id(message: dict[str, Any]) -> str:
    payload = (message.get("metadata") or {}).get("event_payload") or {}
    return f"{payload.get('outgoing_id', '')}{payload.get('part', '')}"
