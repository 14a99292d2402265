"""List who has a seat, and whether they can sign in."""

from agent_core.blocks import Field
from agent_core.people import Role
from agent_core.tooling import PolicyDefaults, Tool, ToolContext, ToolResult
from tools.accounts.gateway import AccountsGateway
from tools.accounts.types import Access
from tools.actions.building import RUN_THE_ACCOUNT, NoArguments, read

POLICY = PolicyDefaults(roles=frozenset({Role.OWNER, Role.ADMIN}), staff=True, confirm=False)
_WORDS = {
    Access.ACTIVE: "can sign in",
    Access.LOCKED: "locked out",
    Access.RESET_REQUIRED: "sets a new password at the next sign-in",
}


def tool(accounts: AccountsGateway) -> Tool:
    """`list_members`: effect read. In a shared room the addresses are the requester's alone."""

    async def handler(context: ToolContext, _: NoArguments) -> ToolResult:
        state = await accounts.state(context.account_id, context.now)
        return ToolResult(
            content={
                "members": [
                    {
                        "name": each.name,
                        "email": each.email,
                        "role": each.role,
                        "access": _WORDS[each.access],
                    }
                    for each in state.members
                ],
                "free_seats": state.account.seats - len(state.members),
            },
            title=f"Members of {state.account.name}",
            fields=tuple(
                Field(
                    label=each.name, value=f"{each.role.replace('_', ' ')}, {_WORDS[each.access]}"
                )
                for each in state.members
            ),
        )

    return read(
        name="list_members",
        description="List the people who have a seat in this account, and their access.",
        arguments=NoArguments,
        handler=handler,
        policy=POLICY,
        examples=("who has a seat?", "who is locked out?"),
        private={"email": RUN_THE_ACCOUNT},
    )
