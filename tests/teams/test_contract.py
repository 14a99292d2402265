"""The Teams sender passes what every platform adapter must pass, over HTTP."""

import re

import pytest

from agent_core.messages import Platform, PlatformIdentity, ReplyAddress, RoomRef
from playground import people as sample
from playground.faults import Fault, FaultKind
from tests.contracts.platform_adapter import PlatformAdapterContract

OPENING = "createConversation"


def words_of(node):
    """The visible words of an activity or card part, with Markdown's escapes taken out."""
    if isinstance(node, list):
        return " ".join(map(words_of, node))
    if not isinstance(node, dict):
        return ""
    own = [node[k] for k in ("text", "title", "value", "label") if isinstance(node.get(k), str)]
    inner = [words_of(v) for k, v in node.items() if k not in ("entities", "data", "msteams")]
    return re.sub(r"\\(.)", r"\1", " ".join([*own, *inner]))


class TeamsSubject:
    """Our sender with the local Connector behind it."""

    def __init__(self, stage):
        self._stage = stage
        self.adapter = self.remover = stage.channel.sender
        self.address = self._room(sample.TEAMS_SUPPORT_CHANNEL.conversation_id)
        self.gone = self._room("19:nobody@thread.tacv2")
        self.somebody = PlatformIdentity(
            platform=Platform.TEAMS,
            tenant_id=sample.TEAMS_TENANT_ID,
            user_id=sample.TEAMS_COLLEAGUE.object_id,
        )

    def _room(self, room_id):
        room = RoomRef(platform=Platform.TEAMS, tenant_id=sample.TEAMS_TENANT_ID, room_id=room_id)
        return ReplyAddress(room=room, thread_id=None)

    def shown(self):
        posts = self._stage.world.state.messages.values()
        return [words_of(one.activity) for one in posts if one.deleted_at is None]

    def _fault(self, kind, **more):
        self._stage.world.faults.add(Fault(server="teams", kind=kind, method=OPENING, **more))

    def limit_next(self, seconds):
        self._fault(FaultKind.RATE_LIMITED, retry_after_seconds=seconds)

    def break_next(self):
        self._fault(FaultKind.SERVER_ERROR)

    def lose_next_answer(self):
        self._fault(FaultKind.DROP_ANSWER)


class TestTeamsSender(PlatformAdapterContract):
    """The suite."""

    @pytest.fixture
    def subject(self, stage):
        return TeamsSubject(stage)
