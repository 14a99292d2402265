"""What people do in the Teams stand-in, as the bot hears it, and what a click then shows them."""

import pytest

from playground import people as sample
from playground.teams_api import (
    CARD_TYPE,
    OutcomeKind,
    TeamsWorld,
)
from tests.playground.recording_bot import Json, RecordingBot, bot_posts, card

CHANNEL = sample.TEAMS_SUPPORT_CHANNEL.conversation_id
GROUP = sample.TEAMS_GROUP.conversation_id
PERSONAL = sample.TEAMS_PERSONAL.conversation_id
TENANT = sample.TEAMS_TENANT_ID
SAM = sample.TEAMS_COLLEAGUE
BOT = {"id": sample.TEAMS_BOT_ID, "name": sample.TEAMS_BOT_NAME}


async def test_a_personal_message(world: TeamsWorld, bot: RecordingBot) -> None:
    message = world.post("sam", PERSONAL, "How many seats do we have?")
    await world.settled()
    (heard,) = bot.heard
    assert heard["conversation"] == {
        "conversationType": "personal",
        "tenantId": TENANT,
        "id": PERSONAL,
    }
    assert heard["from"] == {"id": SAM.teams_id, "name": SAM.name, "aadObjectId": SAM.object_id}
    assert (heard["recipient"], heard["channelData"]) == (BOT, {"tenant": {"id": TENANT}})
    assert (heard["id"], heard["text"]) == (message.id, "How many seats do we have?")
    assert heard["serviceUrl"] == world.service_url


async def test_a_channel_needs_a_mention_and_names_its_thread(
    world: TeamsWorld, bot: RecordingBot
) -> None:
    world.post("sam", CHANNEL, "just among us")
    root = world.post("sam", CHANNEL, "@Acme Assistant please ask @Rita Vance & co")
    reply = world.post("rita", CHANNEL, "and today", thread=root.id, mention=True)
    await world.settled()
    first, second = sorted(bot.heard, key=lambda activity: activity["id"])
    assert first["conversation"]["id"] == f"{CHANNEL};messageid={root.id}"
    assert second["conversation"]["id"] == first["conversation"]["id"]
    assert (second["id"], second["conversation"]["isGroup"]) == (reply.id, True)
    assert first["text"] == "<at>Acme Assistant</at> please ask <at>Rita Vance</at> & co"
    mentioned = [e["mentioned"]["id"] for e in first["entities"] if e["type"] == "mention"]
    assert mentioned == [BOT["id"], sample.TEAMS_SUPPORT.teams_id]
    assert first["channelData"]["channel"] == {"id": CHANNEL}
    assert first["channelData"]["team"]["id"] == sample.TEAMS_SUPPORT_CHANNEL.team_id
    assert "&amp; co" in first["attachments"][0]["content"]
    world.set_reads_all(CHANNEL, True)
    world.post("sam", CHANNEL, "now it reads this", thread=root.id)
    await world.settled()
    assert bot.heard[-1]["text"] == "now it reads this"


async def test_edit_delete_react_and_members(world: TeamsWorld, bot: RecordingBot) -> None:
    mine = world.post("sam", GROUP, "add 3", mention=True)
    await world.settled()
    world.edit("sam", mine.id, "@Acme Assistant add 2")
    await world.settled()
    world.delete("sam", mine.id)
    answer = bot_posts(world, GROUP, card())
    world.react("rita", answer, "like")
    world.react("rita", mine.id, "like")
    world.set_member("lena", GROUP, added=False, by="sam")
    await world.settled()
    (update,), (gone,) = bot.of_type("messageUpdate"), bot.of_type("messageDelete")
    assert (update["id"], update["channelData"]["eventType"]) == (mine.id, "editMessage")
    assert update["text"] == "<at>Acme Assistant</at> add 2"
    assert (gone["id"], gone["channelData"]["eventType"]) == (mine.id, "softDeleteMessage")
    (reaction,) = bot.of_type("messageReaction")
    assert (reaction["replyToId"], reaction["reactionsAdded"]) == (answer, [{"type": "like"}])
    (change,) = bot.of_type("conversationUpdate")
    assert change["membersRemoved"] == [{"id": sample.TEAMS_LEAD.teams_id}]
    with pytest.raises(PermissionError):
        world.post("lena", GROUP, "I left")
    with pytest.raises(PermissionError):
        world.edit("rita", mine.id, "not mine")


async def test_execute_changes_the_card_for_the_clicker_only(
    world: TeamsWorld, bot: RecordingBot
) -> None:
    seats = {"type": "Input.Number", "id": "seats", "value": 3, "max": 9}
    confirm = {"type": "Action.Execute", "verb": "confirm", "title": "Yes", "data": {"case": "7"}}
    root = world.posts.send(CHANNEL, {"type": "message", "text": "Case 7"})["id"]
    message = bot_posts(world, f"{CHANNEL};messageid={root}", card(confirm, body=[seats]))
    done = card(body=[{"type": "TextBlock", "text": "Done"}])
    bot.answer_json({"statusCode": 200, "type": CARD_TYPE, "value": done})
    with pytest.raises(ValueError, match="seats"):
        await world.click("sam", message, "confirm", {"seats": 99})
    outcome = await world.click("sam", message, "confirm", {"seats": 4})
    assert (outcome.kind, outcome.card) == (OutcomeKind.CARD, done)
    (invoke,) = bot.of_type("invoke")
    assert invoke["value"] == {
        "action": {
            "type": "Action.Execute",
            "title": "Yes",
            "verb": "confirm",
            "data": {"case": "7", "seats": 4},
        },
        "trigger": "manual",
    }
    assert (invoke["name"], invoke["replyToId"]) == ("adaptiveCard/action", message)
    assert invoke["conversation"]["id"] == f"{CHANNEL};messageid={root}"
    shown = world.state.message(message)
    assert shown.card(SAM.teams_id) == done
    assert shown.card(sample.TEAMS_SUPPORT.teams_id) == card(confirm, body=[seats])
    attachment = {"contentType": CARD_TYPE, "content": done}
    world.posts.update(CHANNEL, message, {"type": "message", "attachments": [attachment]})
    assert not shown.views


@pytest.mark.parametrize(
    ("status", "answer", "kind", "text"),
    [
        (
            200,
            {
                "statusCode": 200,
                "type": "application/vnd.microsoft.activity.message",
                "value": "No",
            },
            OutcomeKind.MESSAGE,
            "No",
        ),
        (
            200,
            {
                "statusCode": 403,
                "type": "application/vnd.microsoft.error",
                "value": {"code": "403", "message": "Ask an owner"},
            },
            OutcomeKind.ERROR,
            "Ask an owner",
        ),
        (200, {"type": CARD_TYPE}, OutcomeKind.ERROR, "the invoke response has no statusCode"),
        (400, {}, OutcomeKind.ERROR, "Something went wrong. Please try again."),
    ],
)
async def test_other_answers_to_a_click(
    world: TeamsWorld, bot: RecordingBot, status: int, answer: Json, kind: OutcomeKind, text: str
) -> None:
    message = bot_posts(world, PERSONAL, card({"type": "Action.Execute", "verb": "go"}))
    bot.answer_json(answer, status=status)
    outcome = await world.click("sam", message, "go")
    assert (outcome.kind, outcome.text) == (kind, text)
    assert not world.state.message(message).views


async def test_submit_feedback_and_refresh(world: TeamsWorld, bot: RecordingBot) -> None:
    refresh = {"action": {"type": "Action.Execute", "verb": "look"}, "userIds": [SAM.teams_id]}
    reply = {"type": "Action.Submit", "title": "Reply", "data": {"kind": "reply"}}
    text = {"type": "Input.Text", "id": "text", "isRequired": True, "errorMessage": "Write it"}
    message = bot_posts(world, GROUP, card(reply, body=[text], refresh=refresh))
    with pytest.raises(ValueError, match="Write it"):
        await world.click("sam", message, "Reply")
    assert (await world.click("sam", message, "Reply", {"text": "Hi"})).kind is OutcomeKind.SENT
    await world.settled()
    (sent,) = bot.of_type("message")
    assert (sent["text"], sent["value"]) == (None, {"kind": "reply", "text": "Hi"})
    assert sent["replyToId"] == message
    await world.give_feedback("sam", message, "dislike", 'too "slow"')
    assert bot.heard[-1]["name"] == "message/submitAction"
    assert bot.heard[-1]["value"]["actionValue"] == {
        "reaction": "dislike",
        "feedback": '{"feedbackText": "too \\"slow\\""}',
    }
    mine = card(body=[{"type": "TextBlock", "text": "Only for Sam"}])
    bot.answer_json({"statusCode": 200, "type": CARD_TYPE, "value": mine})
    assert (await world.refresh("sam", message)).kind is OutcomeKind.CARD
    assert (await world.refresh("rita", message)).kind is OutcomeKind.LOCAL
    assert bot.heard[-1]["value"]["trigger"] == "automatic"
    assert list(world.state.message(message).views) == [SAM.teams_id]


async def test_a_dialog_opens_goes_on_and_closes(world: TeamsWorld, bot: RecordingBot) -> None:
    opener = {
        "type": "Action.Submit",
        "title": "Reply to customer",
        "data": {"msteams": {"type": "task/fetch"}, "case": "7"},
    }
    message = bot_posts(world, GROUP, card(opener))
    send = {"type": "Action.Submit", "title": "Send", "data": {"case": "7"}}
    form = card(send, body=[{"type": "Input.Text", "id": "text"}])
    shown = {"title": "Reply", "card": {"contentType": CARD_TYPE, "content": form}}
    bot.answer_json({"task": {"type": "continue", "value": shown}})
    opened = await world.click("rita", message, "Reply to customer")
    assert opened.kind is OutcomeKind.DIALOG and opened.dialog_id
    with pytest.raises(PermissionError):
        await world.submit_dialog("sam", opened.dialog_id, "Send")
    bot.answer_json({"task": {"type": "continue", "value": shown}})
    again = await world.submit_dialog("rita", opened.dialog_id, "Send", {"text": ""})
    assert again.dialog_id and list(world.state.dialogs) == [again.dialog_id]
    bot.answer_json({"task": {"type": "message", "value": "Sent"}})
    last = await world.submit_dialog("rita", again.dialog_id, "Send", {"text": "On it"})
    assert (last.kind, last.text, world.state.dialogs) == (OutcomeKind.MESSAGE, "Sent", {})
    fetch, *_, submit = bot.of_type("invoke")
    assert (fetch["name"], fetch["value"]["data"]["case"]) == ("task/fetch", "7")
    assert (submit["name"], submit["value"]["data"]) == (
        "task/submit",
        {"case": "7", "text": "On it"},
    )


async def test_a_choice_list_asks_the_bot(world: TeamsWorld, bot: RecordingBot) -> None:
    query = {"type": "Data.Query", "dataset": "accounts"}
    picker = {"type": "Input.ChoiceSet", "id": "account", "choices.data": query}
    message = bot_posts(world, GROUP, card(body=[picker]))
    found = [{"title": "Northwind Traders", "value": "northwind"}]
    kind = "application/vnd.microsoft.search.searchResponse"
    bot.answer_json({"statusCode": 200, "type": kind, "value": {"results": found}})
    outcome = await world.search("sam", message, "account", "nor")
    assert (outcome.kind, list(outcome.choices)) == (OutcomeKind.CHOICES, found)
    asked = bot.heard[0]["value"]
    assert (bot.heard[0]["name"], asked["dataset"]) == ("application/search", "accounts")
    assert asked["queryText"] == "nor"
    bot.answer_json({"results": found})
    assert (await world.search("sam", message, "account", "x")).kind is OutcomeKind.ERROR
