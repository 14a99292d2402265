"""A local stand-in for the Bot Framework: Connector, token issuers, and signed delivery from Teams.

It imitates the wire and no more. What it knows was written from documentation and recorded
shapes; it has not been compared with Microsoft's cloud.

Run it: `python -m playground.teams_api [--port N] --messaging-endpoint URL [--app-id …
--app-password … --tenant-id … --redeliver-after SECONDS]`; the first line on standard output is
`listening on http://127.0.0.1:N`. In a test: `world = TeamsWorld(messaging_endpoint=…)`, `async
with running(world) as address:`, then `world.post(…)`, `await world.click(…)`, `await
world.settled()`; or `add_teams_routes(app, world)` into an application of yours.

What the bot is given
    MICROSOFT_OPENID_METADATA_URL  BASE/.well-known/openidconfiguration
    MICROSOFT_TOKEN_URL            BASE/TENANT/oauth2/v2.0/token
    serviceUrl of every activity   BASE/     (Connector: BASE/v3/conversations…)

Operations (the `method` of faults and refusals)
    createConversation sendToConversation replyToActivity updateActivity deleteActivity
    getConversationMembers getActivityMembers getMember getPagedMembers getTeam getTeamChannels
    token openid jwks authority directoryKeys

Control routes, below /playground/teams. Bodies and answers are JSON; `person` is a 29:… id, an
object id or a key ("sam"), `message` a message id, `room` a conversation id. Problems: {error} with
400 (body), 403 (this person may not, or the page is not local), 404 (no such thing). Unknown
fields are refused.

    GET  state                    {seq, tenantId, bot: {id, name}, people: [Person], rooms: [Room],
                                   messages: [Message], dialogs: [Dialog]}
    GET  feed?after=SEQ           server-sent Events, first the kept ones after SEQ (take it from
                                  state; the last 1,000 are kept: at a jump in `seq`, read state)
    POST posts                    {person, room, text, thread?, mention?, attachments?, Wire?}
                                  → {message}. `thread`: root id in a channel, absent: a new post.
                                  `@Name` in the text is a mention; `mention: true` puts the bot's
                                  in front.
    POST edits                    {person, message, text, mention?} → {message}
    POST deletions                {person, message} → {message}
    POST reactions                {person, message, reaction, added?} → {message}
    POST clicks                   {person, message, action, inputs?} → {outcome: Outcome}
                                  `action`: id, verb, title or index of the button in the card that
                                  this person sees; `inputs`: {input id: value}
    POST searches                 {person, message, input, text?} → {outcome}; typing into a choice
                                  list with `choices.data` (invoke application/search)
    POST chats                    {person} → {room}; this person's own chat with the bot
    POST refreshes                {person, message} → {outcome}; the person's client shows the card:
                                  runs its `refresh` action (trigger automatic) if it names them
    POST feedback                 {person, message, reaction: like|dislike, text?} → {outcome}
    POST dialogs/ID/submit        {person, action, inputs?} → {outcome}
    DELETE dialogs/ID             closes it unsent
    POST members                  {person, room, added?, by?} → {room}       conversationUpdate
    POST installations            {person, room, added?} → {room}            the app; two activities
    POST reads-all                {room, readsAll} → {room}                  RSC permission
    GET  deliveries?limit=50      {deliveries: [Delivery]}, oldest first, the last 200 are kept
    POST deliveries               one of {message}, {delivery}, {activity}, {raw: text}, and Wire
                                  → {deliveries}; waits for the answers
    POST endpoint                 {url?, patienceSeconds?, redeliveries?} → the values in force
    POST keys/roll                {keepOld?: true} → {kid}      the Connector signs with a new key
    GET  tokens                   {issued, refused, kid}        calls of the token endpoint
    POST tokens/revoke            {}                            tokens issued so far get 401
    GET|POST|DELETE faults        see playground/faults.py (429, 5xx, dropped answer, slow)
    GET|POST|DELETE refusals      POST {status: 400|401|403|404|409|412|413, method?, code?, times?}
                                  → {pending: [{status, method, code, times}]}

    Wire       {token?, times?, tenantId?, serviceUrl?}: `times` deliveries at once; `token` one of
               valid unsigned alg_none hs256 garbage expired not_yet_valid no_expiry wrong_audience
               wrong_issuer wrong_service_url wrong_key unknown_key not_endorsed; another tenantId
               or serviceUrl than the true one. Wrong deliveries are never sent again.
    Person     {id, objectId, key, name, email, title, part}
    Room       {id, kind: personal|groupChat|channel, name, teamId, teamName, members: [id],
                installed, readsAll}
    Message    {id, roomId, threadId (channels: the root's id, else null), author: {id, name,
                isAgent}, text, textFormat, summary, value, attachments, entities, channelData,
                aiGenerated, feedbackLoop, streaming, delivered, createdAt, editedAt, deleted,
                reactions: {kind: [person id]}, views: {person id: card}}. Draw `views[me]` in place
                of the first Adaptive Card. `delivered`: whether the bot was told.
    Outcome    {kind, statusCode, text, card, url, dialogId, choices, deliveryId}; kind: card (now
               in views), message (show `text`), dialog (opened or went on, `dialogId`), closed,
               sent (Submit went off as a message), choices ([{title, value}]), link (open `url`),
               local (nothing was sent), error (show `text` below the card)
    Dialog     {id, personId, messageId, title, card | null, url | null, height, width}
    Delivery   {id, at, activityId, activityType, name, attempt, url, token, headers (the token
               shortened), claims (of the token, with its `header`), body, status | null, response,
               error | null, milliseconds}
    Event      {seq, type, …}; type and fields: message_posted, message_edited, message_deleted,
               message_reaction {message} · view_changed {messageId, personId, card} · dialog_opened
               {dialog} · dialog_closed {dialogId, personId} · room_changed {room} · typing {roomId,
               threadId} · delivery {delivery} · connector_call {operation, status} · token {issued,
               refused}

How it behaves: a reply belongs to a thread only if the conversation id ends in `;messageid=ROOT`;
without it a channel gets a new post. The bot hears what mentions it, all of a personal chat, and
everything where `readsAll` is on; of reactions, only those to its own messages. No answer within
`patienceSeconds` (15), a broken connection or 5xx: sent again, invokes with a new id, at most
`redeliveries` (3) times. updateActivity ends every person's own view. Streaming works in personal
chats only. Cards: type, version at most 1.5, known parts, required fields; else 400.
"""

from playground.teams_api.delivery import Delivery, DeliveryOptions
from playground.teams_api.invokes import Outcome, OutcomeKind
from playground.teams_api.refusals import Refusal
from playground.teams_api.server import add_teams_routes, running
from playground.teams_api.state import CARD_TYPE, Message, Room
from playground.teams_api.tokens import CONNECTOR_SCOPE, TokenKind
from playground.teams_api.world import TeamsWorld

__all__ = [
    "CARD_TYPE",
    "CONNECTOR_SCOPE",
    "Delivery",
    "DeliveryOptions",
    "Message",
    "Outcome",
    "OutcomeKind",
    "Refusal",
    "Room",
    "TeamsWorld",
    "TokenKind",
    "add_teams_routes",
    "running",
]
