"""What is drafted is not looked at again once its author has lost the right to."""

from tests.enemy.moves import Decide, Demote, Move, Reply, Say
from tests.enemy.test_enemy import played

ADD_ONE = (("add_seats", '{"seats": 1}'),)


def asks(within: Demote | None = None) -> Say:
    reply = Reply(wishes=ADD_ONE, text="", obeys=False, aside=None, within=within)
    return Say(who="greta", place=0, thread=0, text="please do it", replies=(reply,))


def test_a_role_taken_away_between_the_draft_and_its_card() -> None:
    yes = Decide(yes=True, who="")
    game: list[Move] = [asks(), yes, yes, asks(), yes, asks(within=Demote()), yes]
    assert played(game).faults == []
