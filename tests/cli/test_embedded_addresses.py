"""The service knows no embedded rooms and people: those belong to other products."""

import pytest

from bots.configuration import person_address
from bots.setting_values import room_address


def test_an_embedded_room_is_no_room_of_the_service() -> None:
    with pytest.raises(ValueError, match="slack and teams"):
        room_address("embedded:rooms/c1")
    assert room_address("slack:T1/C1").room_id == "C1"


def test_an_embedded_person_is_no_person_of_the_service() -> None:
    with pytest.raises(ValueError, match="slack:TEAM/USER"):
        person_address("embedded:people/ana")
    assert person_address("teams:T/U").user_id == "u"
