"""Reset a member's access: they are signed out and set a new password at the next sign-in."""

from typing import cast

from pydantic import Field as Described

from agent_core.blocks import Change, Field
from agent_core.people import Role
from agent_core.tooling import Effect, Json, PolicyDefaults, Tool
from tools.accounts.commands import Command, ResetMemberAccess
from tools.accounts.gateway import AccountsGateway
from tools.accounts.planned import Planned
from tools.accounts.types import Member
from tools.actions.building import RUN_THE_ACCOUNT, Arguments, Shown, action

POLICY = PolicyDefaults(roles=frozenset({Role.OWNER, Role.ADMIN}), staff=True)


class ResetMemberAccessArguments(Arguments):
    """Whose access."""

    member: str = Described(
        min_length=1, max_length=254, description="The member's email address or full name."
    )


def tool(accounts: AccountsGateway) -> Tool:
    """`reset_member_access`: effect write."""
    return action(
        accounts,
        name="reset_member_access",
        description=(
            "Reset the access of one member of this account: they are signed out everywhere and "
            "set a new password when they sign in next."
        ),
        effect=Effect.WRITE,
        policy=POLICY,
        arguments=ResetMemberAccessArguments,
        command=lambda wish: ResetMemberAccess(member=wish.member),
        canonical=_canonical,
        shown=_shown,
        receipt=_receipt,
        examples=("Milo is locked out, reset his access",),
        private={"Email": RUN_THE_ACCOUNT, "member": RUN_THE_ACCOUNT},
    )


def _canonical(command: Command) -> Json:
    return {"member": cast(ResetMemberAccess, command).member}


def _shown(planned: Planned) -> Shown:
    member = cast(Member, planned.member)
    return Shown(
        title=f"Reset the access of {member.name}",
        changes=(
            Change(label="Sign-in", before="as it is now", after="with a new password"),
            Change(label="Open sessions", before="as they are now", after="signed out"),
        ),
        notes=(f"Member: {member.name}, {member.email}.",),
    )


def _receipt(planned: Planned) -> tuple[str, tuple[Field, ...]]:
    member = cast(Member, planned.member)
    return f"Reset the access of {member.name}", (
        Field(label="Member", value=member.name),
        Field(label="Email", value=member.email),
        Field(label="Next sign-in", value="sets a new password"),
    )
