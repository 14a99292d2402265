"""Kills at random, and trouble on the platforms, for as long as the load runs."""

import asyncio
import random

from playground.faults import Fault, FaultKind
from tests.chaos.town import Town

ALIVE_SECONDS = (0.2, 2.4)  # how long a member lives after it was ready


class Storm:
    """One source of chance for everything, so that a run can be made again from its seed."""

    def __init__(self, town: Town, seed: int) -> None:
        self.town = town
        self.kills = 0
        self._random = random.Random(seed)

    async def kill_one_by_one(self, count: int) -> None:
        """`kill -9` of any member that is ready, `count` times. What is killed comes back."""
        fleet = self.town.fleet
        while self.kills < count:
            name = self._random.choice(list(fleet.members))
            member = fleet.members[name]
            if member.ended.is_set() or not await fleet.is_ready(member):
                await asyncio.sleep(0.05)
                continue
            await asyncio.sleep(self._random.uniform(*ALIVE_SECONDS))
            fleet.kill(name)
            self.kills += 1

    async def trouble_the_platforms(self) -> None:
        """Until it is cancelled: rate limits, outages, lost answers, lost acknowledgements."""
        slack, payments = self.town.slack, self.town.payments
        while True:
            await asyncio.sleep(self._random.uniform(1.0, 4.0))
            match self._random.randrange(6):
                case 0:
                    slack.faults.add(_slack(FaultKind.RATE_LIMITED, self._random.randint(1, 6)))
                case 1:
                    slack.faults.add(_slack(FaultKind.DROP_ANSWER, 1))
                case 2:
                    slack.faults.add(_slack(FaultKind.SERVER_ERROR, 2))
                case 3:
                    slack.lose_acks(self._random.randint(1, 4))
                case 4:
                    payments.faults.add(_paying(FaultKind.DROP_ANSWER))
                case _:
                    payments.faults.add(_paying(FaultKind.SLOW_ANSWER))

    def calm(self) -> None:
        """Ends all trouble that is still to come."""
        self.town.slack.faults.clear()
        self.town.payments.faults.clear()
        self.town.slack.courier.acks_to_lose = 0


def _slack(kind: FaultKind, times: int) -> Fault:
    return Fault(
        server="slack", kind=kind, method="chat.postMessage", times=times, retry_after_seconds=1
    )


def _paying(kind: FaultKind) -> Fault:
    return Fault(server="payments", kind=kind, method="POST /v1/charges", delay_seconds=2.0)
