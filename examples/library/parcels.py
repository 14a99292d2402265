import asyncio

from agent_core.embed import ActionRefused, Agent, Brief, ToolContext, action, person, read

parcels = {("acme", "P-1"): "12 Harbour Street"}


@read
async def track_parcel(context: ToolContext, number: str) -> dict[str, str | None]:
    """Where a parcel of this customer goes, by its number."""
    return {"parcel": number, "goes to": parcels.get((context.account_id, number))}


@action(title="Change the delivery address")
async def change_delivery_address(context: ToolContext, number: str, address: str) -> None:
    """Send a parcel to another address."""
    if (context.account_id, number) not in parcels:
        raise ActionRefused(f"You have no parcel {number}.")
    parcels[context.account_id, number] = address


async def call_support(brief: Brief) -> None:
    print(f"{brief.escalation.label}: {brief.escalation.asked}")


async def main() -> None:
    async with Agent(
        tools=[track_parcel, change_delivery_address],
        instructions="You are the agent of Swift Parcels.",
        policy="tools: {change_delivery_address: {roles: [owner, admin]}}",
        model="gpt-5-mini",
        on_hand_over=call_support,
    ) as agent:
        ana = person("ana", name="Ana Ruiz", roles={"acme": "owner"})
        reply = await agent.send("Send P-1 to 5 Elm Road", by=ana, account="acme", conversation="1")
        print(reply.text)
        for proposal in reply.proposals:
            print((await agent.confirm(proposal.id, by=ana)).receipts)


asyncio.run(main())
