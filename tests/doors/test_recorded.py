"""The recorded payloads, before anything is done to them. A service of its own has seen none."""

import json
from pathlib import Path
from urllib.parse import urlencode

from tests.doors.senders import slack_headers
from tests.doors.test_fuzz import FORM, JSON, SLACK, TEAMS, rows, to_slack, to_teams
from tests.doors.wires import sent
from tests.scenarios.wire import wired


async def test_the_recorded_payloads_are_good_until_they_are_spoilt(tmp_path: Path) -> None:
    """What the fuzzers rely on."""
    async with wired(tmp_path) as wire:
        before = rows(wire)
        url = wire.teams.service_url
        token = (wire.teams.channel_tokens.header(url) or "").encode()
        for name, payload in TEAMS:
            body = json.dumps(payload | {"serviceUrl": url}).encode()
            assert await sent(wire.address, to_teams(body, token)) == 200, name
        for name, payload in SLACK:
            if name == "slash_command":
                body, kind = urlencode(payload).encode(), FORM
            else:
                body, kind = json.dumps(payload).encode(), JSON
            status = await sent(wire.address, to_slack(kind, body, slack_headers(body)))
            assert status in (200, 403), (name, status)
        assert rows(wire) != before
