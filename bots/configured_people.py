"""Puts the people whom the configuration names into the store, once and again without change."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace

from agent_core.errors import ConfigurationError
from agent_core.people import Person, PersonId
from bots.configuration import Configuration, ConfiguredPerson

PREFIX = "configured_"


def people_from(configuration: Configuration, known: Sequence[Person]) -> tuple[Person, ...]:
    """The people to be put, given all who are `known`; () where nothing changes. Pure.

    A person is found again by any of their identities and keeps their id and roles. Their name
    and capabilities are the configuration's. Whoever came by configuration and is not named any
    more loses every capability. Raises ConfigurationError where one entry names two known people.
    """
    owner = {identity: person for person in known for identity in person.identities}
    mistakes, wanted = [], {}
    for entry in configuration.people:
        found = {owner[each].id: owner[each] for each in entry.identities if each in owner}
        if len(found) > 1:
            first, second, *_ = (each for each in entry.identities if each in owner)
            mistakes.append(
                f"{entry.name} in agent.yaml is {len(found)} people in the database: join them "
                f"with: handrail people join {first} {second}"
            )
            continue
        person = _person(entry, next(iter(found.values()), None))
        wanted[person.id] = person
    if mistakes:
        raise ConfigurationError(mistakes)
    for person in known:
        if person.id not in wanted and person.id.startswith(PREFIX) and person.capabilities:
            wanted[person.id] = replace(person, capabilities=frozenset())
    before = {person.id: person for person in known}
    return tuple(person for person in wanted.values() if before.get(person.id) != person)


def _person(entry: ConfiguredPerson, known: Person | None) -> Person:
    if known is None:
        named = str(entry.identities[0]).encode()
        known = Person(
            id=PersonId(PREFIX + hashlib.sha256(named).hexdigest()[:16]), name=entry.name
        )
    return replace(
        known,
        name=entry.name,
        capabilities=entry.capabilities,
        identities=tuple(dict.fromkeys((*known.identities, *entry.identities))),
    )
