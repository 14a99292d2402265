"""What is drafted is not looked at again once its author has lost the right to."""

from dataclasses import replace

from tests.enemy.moves import Choose, Decide, Demote, Move, Reply, Say, SetRole, Share
from tests.enemy.test_enemy import played
from tools.accounts.seed import GLOBEX, NORTHWIND

ADD_ONE = (("add_seats", '{"seats": 1}'),)


NEW_CONTACT = '{"name": "Eve Evil", "email": "eve@evil.example"}'


def asks(within: Demote | None = None) -> Say:
    reply = Reply(wishes=ADD_ONE, text="", obeys=False, aside=None, within=within)
    return Say(who="greta", place=0, thread=0, text="please do it", replies=(reply,))


def test_a_role_taken_away_between_the_draft_and_its_card() -> None:
    yes = Decide(yes=True, who="")
    game: list[Move] = [asks(), yes, yes, asks(), yes, asks(within=Demote()), yes]
    assert played(game).faults == []


def test_an_owner_is_not_asked_for_somebody_whose_role_is_taken_while_the_model_thinks() -> None:
    yes = Decide(yes=True, who="")
    last = Reply(wishes=(), text="Done!", obeys=False, aside=Demote(), within=None)
    add = Reply(wishes=ADD_ONE, text="", obeys=False, aside=None, within=None)
    twice = Say(who="greta", place=0, thread=0, text="please do it", replies=(add, last))
    game: list[Move] = [asks(), yes, yes, asks(), twice, yes, yes]
    assert played(game).faults == []


def test_an_approval_carries_nothing_that_somebody_without_a_role_asked_for() -> None:
    """An owner is asked, and the one who asked is put out of the account before the yes."""
    paul = Say(who="paul", place=0, thread=0, text="please do it", replies=asks().replies)
    yes, put_out = Decide(yes=True, who=""), SetRole("paul", GLOBEX, None)
    assert played([paul, yes, Decide(yes=True, who="greta")]).seen["effects"] == 1
    judge = played([paul, yes, put_out, Decide(yes=True, who="greta")])
    assert judge.faults == [] and judge.seen["effects"] == 0


def test_a_refused_card_tells_nothing_of_the_account_when_it_ends() -> None:
    """A member may not see who the billing contact is, nor may the room once it is shared."""
    wishes = (("change_billing_contact", NEW_CONTACT), *ADD_ONE)
    both = Reply(wishes=wishes, text="", obeys=False, aside=None, within=None)
    milo = Say(who="milo", place=3, thread=0, text="please do it", replies=(both,))
    chosen = Choose(who="milo", place=3, account=NORTHWIND)
    again = replace(milo, thread=1)
    game: list[Move] = [milo, chosen, again, Decide(yes=True, who=""), Share()]
    assert played(game).faults == []
