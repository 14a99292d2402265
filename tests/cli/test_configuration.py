"""The configuration folder: what it says, and every mistake by file and line."""

from pathlib import Path

import pytest

from agent_core.conversation import Audience, RoomMode
from agent_core.errors import ConfigurationError
from agent_core.messages import Platform, PlatformIdentity
from agent_core.people import AccountId, Capability, Person, PersonId, Role
from agent_core.retention import Retention
from bots.configuration import Configuration, _Limits, load_configuration
from bots.configured_people import people_from
from playground import people as sample

ACME = Path(__file__).parents[2] / "examples/acme"
WHOLE = "company: A\nagent: B\ninstructions: C\n"
TWO = "people:\n- {name: A, can: [staff], ids: ['slack:T/U', 'slack:T/V']}\n"


def written(folder: Path, text: str) -> Path:
    (folder / "agent.yaml").write_text(text, encoding="utf-8")
    return folder


def mistakes(folder: Path, text: str) -> list[str]:
    with pytest.raises(ConfigurationError) as error:
        load_configuration(written(folder, text))
    return [each.removeprefix(f"{folder}/") for each in error.value.mistakes]


def test_the_sample_company_is_the_playground_s() -> None:
    configuration = load_configuration(ACME)
    assert configuration.company == sample.VENDOR_NAME
    assert configuration.agent == sample.SLACK_BOT_NAME
    assert configuration.tenants == {
        Platform.SLACK: {sample.VENDOR_TEAM.team_id},
        Platform.TEAMS: {sample.TEAMS_TENANT_ID},
    }
    named = {person.name: person for person in configuration.people}
    vendors = [each for each in sample.SLACK_PEOPLE if each.team_id == sample.VENDOR_TEAM.team_id]
    assert set(named) == {each.name for each in vendors}
    for each in vendors:
        assert f"slack:{each.team_id}/{each.user_id}" in map(str, named[each.name].identities)
        helps = each.part in (sample.SamplePart.SUPPORT, sample.SamplePart.LEAD)
        assert (Capability.SUPPORT in named[each.name].capabilities) == helps
    for person in sample.TEAMS_PEOPLE:
        address = f"teams:{sample.TEAMS_TENANT_ID}/{person.object_id}"
        assert address in map(str, named[person.name].identities)
    assert [each.name for each in configuration.able_to(Capability.LEAD)] == [sample.LEAD.name]


def test_without_a_folder_the_defaults_hold() -> None:
    configuration = load_configuration(None)
    assert configuration == Configuration()
    assert configuration.room_modes[Audience.SHARED] is RoomMode.MENTION
    assert configuration.room_modes[Audience.PRIVATE] is RoomMode.ALWAYS


def test_what_is_written_is_taken(tmp_path: Path) -> None:
    text = f"{WHOLE}rooms: {{shared: Always}}\nlimits: {{approval_minutes: 30}}\n{TWO}"
    configuration = load_configuration(written(tmp_path, text))
    assert configuration.room_modes[Audience.SHARED] is RoomMode.ALWAYS
    assert configuration.limits.approval_seconds == 1800
    assert configuration.policy_path is None
    (tmp_path / "policy.yaml").touch()
    assert load_configuration(tmp_path).policy_path == tmp_path / "policy.yaml"


def test_all_mistakes_come_at_once_with_their_lines(tmp_path: Path) -> None:
    text = (
        "company: 3\nagnt: x\nrooms:\n  shared: off\npeople:\n  - name: A\n    can: [boss]\n"
        "    ids: [slack:T]\ntenants:\n  slack: [acme]\nlimits:\n  model_calls: 0\n"
    )
    assert mistakes(tmp_path, text) == [
        "agent.yaml, line 1: company has to be text; put it in quotes",
        "agent.yaml, line 1: agent is missing",
        "agent.yaml, line 1: instructions is missing",
        "agent.yaml, line 2: agnt is not known here; take it out or correct its spelling",
        "agent.yaml, line 4: rooms.shared is wrong: input should be 'mention', 'always' or "
        "'silent'",
        "agent.yaml, line 7: people.1.can.1 is wrong: input should be 'staff', 'support', "
        "'approver' or 'lead'",
        "agent.yaml, line 8: people.1.ids.1 is wrong: 'slack:T' is not of the form "
        "slack:TEAM/USER or teams:TENANT/OBJECT_ID",
        "agent.yaml, line 10: tenants.slack.1 is wrong: write the workspace's id, which begins "
        "with T (not its name)",
        "agent.yaml, line 12: limits.model_calls is wrong: input should be greater than or equal "
        "to 1",
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: [", "line 1: "),
        ("company: A\ncompany: B\n", "line 2: company is given a second time (first in line 1)"),
        ("- a\n", "line 1: the file has to be names with values below it"),
        ("company: \x00", "agent.yaml: "),
        (f"{WHOLE}{TWO}- {{name: B, can: [staff], ids: ['slack:T/V']}}\n", "belongs to A already"),
        (f"{WHOLE}people: [{{name: A, can: [staff]}}]", "people.1.ids is missing"),
        ("company: !!python/object:os.system A\n", "could not determine a constructor"),
        ("company: &all [*all]\n", "refers to itself"),
        (f"company: {'[' * 2_000}{']' * 2_000}\n", "refers to itself"),
        ('company: !!bool "maybe"\n', "is marked as what it is not"),
        ('company: !!int ""\n', "is marked as what it is not"),
        ('company: !!timestamp "soon"\n', "is marked as what it is not"),
    ],
)
def test_a_file_that_cannot_be_used_says_why(tmp_path: Path, text: str, said: str) -> None:
    told = mistakes(tmp_path, text)
    assert said in "\n".join(told)


def test_a_folder_without_the_file_names_the_remedy(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "absent"):
        with pytest.raises(ConfigurationError, match="handrail init"):
            load_configuration(folder)


# --- the people of the configuration -----------------------------------------------------------


def test_configured_people_are_put_once() -> None:
    configuration = load_configuration(ACME)
    first = people_from(configuration, ())
    assert len(first) == len(configuration.people)
    assert people_from(configuration, first) == ()


def test_who_is_known_keeps_id_and_roles_and_gets_the_other_identity(tmp_path: Path) -> None:
    configuration = load_configuration(written(tmp_path, WHOLE + TWO))
    identity = PlatformIdentity.parse("slack:T/V")
    known = Person(
        id=PersonId("person_1"),
        name="Old",
        roles={AccountId("northwind"): Role.OWNER},
        identities=(identity,),
    )
    (person,) = people_from(configuration, [known])
    assert person.id == "person_1" and person.name == "A" and person.roles == known.roles
    assert person.identities == (identity, PlatformIdentity.parse("slack:T/U"))
    assert person.capabilities == {Capability.STAFF}


def test_who_is_not_named_any_more_may_do_nothing_any_more(tmp_path: Path) -> None:
    people = people_from(load_configuration(written(tmp_path, WHOLE + TWO)), ())
    (after,) = people_from(load_configuration(written(tmp_path, WHOLE)), people)
    assert after.id == people[0].id and after.capabilities == frozenset()


def test_two_known_people_in_one_entry_have_to_be_joined(tmp_path: Path) -> None:
    configuration = load_configuration(written(tmp_path, WHOLE + TWO))
    known = [
        Person(id=PersonId(f"p{n}"), name="x", identities=(PlatformIdentity.parse(address),))
        for n, address in enumerate(("slack:T/U", "slack:T/V"))
    ]
    with pytest.raises(ConfigurationError, match="handrail people join slack:T/U slack:T/V"):
        people_from(configuration, known)


def test_how_long_things_are_kept_is_taken_and_checked(tmp_path: Path) -> None:
    text = f"{WHOLE}retention: {{conversations: 60, outgoing: 30, ledger: forever}}\n"
    kept = load_configuration(written(tmp_path, text)).retention
    assert (kept.conversations, kept.outgoing, kept.ledger) == (60, 30, None)
    assert kept.journals == Retention().journals
    for wrong, said in (
        ("conversations: soon", "retention.conversations is wrong: write a number of days"),
        ("conversations: 0", "retention.conversations is wrong: write a number of days"),
        ("deliveries: 2", "deliveries has to be 3 days or more"),
        ("conversations: 20", "journals cannot be kept longer than conversations"),
        ("journals: forever", "journals cannot be kept longer than conversations"),
        ("talk: 3", "retention.talk is not known here"),
        ("ledger: 4000000", "retention.ledger is wrong: write a number of days"),
    ):
        (told,) = mistakes(tmp_path, f"{WHOLE}retention: {{{wrong}}}\n")
        assert told.startswith("agent.yaml, line 4: retention") and said in told


@pytest.mark.parametrize("name", sorted(_Limits.model_fields))
@pytest.mark.parametrize("value", [".inf", ".nan", "1.0e+300", "1" + "0" * 30, "-1"])
def test_a_limit_that_no_clock_and_no_counter_can_hold_is_refused(
    tmp_path: Path, name: str, value: str
) -> None:
    (told,) = mistakes(tmp_path, f"{WHOLE}limits: {{{name}: {value}}}\n")
    assert told.startswith(f"agent.yaml, line 4: limits.{name} is wrong")
