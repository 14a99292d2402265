import asyncio
import os

from agent_core.embed import Agent, ArgumentsRejected, Brief, ToolContext, action, person, read

POLICY = "tools: {change_delivery_address: {roles: [owner, admin]}}"
parcels = {("acme", "P-1"): "12 Harbour Street"}


@read
async def track_parcel(context: ToolContext, number: str) -> dict[str, str]:
    """Where a parcel of this customer goes, by its number."""
    if (context.account_id, number) not in parcels:
        raise ArgumentsRejected(f"There is no parcel {number}.")
    return {"parcel": number, "goes to": parcels[context.account_id, number]}


@action(title="Change the delivery address")
async def change_delivery_address(context: ToolContext, number: str, address: str) -> None:
    """Send a parcel to another address."""
    parcels[context.account_id, number] = address


async def call_support(brief: Brief) -> None:
    print(f"{brief.escalation.label}: {brief.escalation.asked}")


async def main() -> None:
    ana = person("ana", name="Ana Ruiz", roles={"acme": "owner"})
    async with Agent(
        tools=[track_parcel, change_delivery_address],
        instructions="You are the agent of Swift Parcels.",
        policy=POLICY,
        model=os.environ.get("OPENAI_MODEL", "gpt-5-mini"),
        api_key=os.environ.get("OPENAI_API_KEY"),
        on_hand_over=call_support,
    ) as agent:
        wish = "Please send P-1 to 5 Mill Lane."
        reply = await agent.send(wish, by=ana, account="acme", conversation="chat-1")
        print(reply.text)
        for proposal in reply.proposals:
            reply = await agent.confirm(proposal.id, by=ana)
            print(reply.receipts)


asyncio.run(main())
