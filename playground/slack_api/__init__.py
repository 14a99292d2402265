"""A stand-in for Slack: its Web API, its deliveries to the app, and the people who use it.

Run it: `python -m playground.slack_api --port N --request-url URL [--signing-secret S]
[--retry-delays SECONDS…]`; the first line on standard output is `listening on http://127.0.0.1:N`.
In a test: `world = SlackWorld(request_url=…, retry_delays=(0, 0))`, `async with running(world) as
address:`, then `world.say(…)`, `await world.click(…)`, `await world.settled()`.
Point the app at `SLACK_API_URL=<address>/api/`, with the secrets of `playground/people.py`.

Slack's own side
    POST /api/<method>           the Web API (JSON or form; bearer token or `token`): auth.test,
        oauth.v2.access, apps.connections.open, chat.{postMessage, postEphemeral, update, delete,
        getPermalink}, conversations.{info, members, history, replies, open}, users.info, team.info,
        views.{open, push, update}, reactions.add, files.info, assistant.threads.setStatus.
        Others answer `unknown_method`. Stricter than Slack: blocks without `text` are `no_text`.
        Estimated: `msg_blocks_too_long` above 12,000 characters in all blocks (undocumented).
    POST /actions/<team>/<token> response URLs        GET /files-pri/<id>/<name> file contents
    GET  /oauth/v2/authorize     agrees to an installation at once and redirects with a code
    GET  /playground/slack/socket?ticket=…            Socket Mode; `apps.connections.open` gives it
Requests to the app are signed (v0). Events are repeated after `retry_delays` unless acknowledged
with 2xx within 3 s; interactions and commands never. While a socket is connected, all go there.

Control routes (JSON; loopback origins only). A refusal is 400 {"ok": false, "error": code,
"messages": [what to do…]}; unknown fields and wrong types are refused. `?` marks what may be left
out. Success is 200 {"ok": true, …}. Ids are Slack's; a message is named by channel_id and ts.

POST /playground/slack/say       {user_id, channel_id, text, thread_ts?, mention?: false,
    broadcast?: false, files?: [{name, mimetype?, content_base64}], copies?: 1..100,
    order?: "message_first" | "mention_first" | "together"} → {message}
    `text` as typed; `<@U…>` and `<#C…>` are picked names; `mention` puts the app's before it.
    `copies` delivers each event so often in parallel, under one event id.
POST /playground/slack/edit      {user_id, channel_id, ts, text} → {message}
POST /playground/slack/delete    {user_id, channel_id, ts} → {}
POST /playground/slack/react     {user_id, channel_id, ts, name, remove?: false} → {}
POST /playground/slack/bot-say   {channel_id, text, thread_ts?} → {message}; another app's bot
POST /playground/slack/direct    {user_id} → {channel}; opens the direct chat with the app
POST /playground/slack/join      {user_id, channel_id} → {}; a person, or the app's bot user id
POST /playground/slack/leave     {user_id, channel_id} → {}; the same; the app hears `channel_left`
POST /playground/slack/archive   {user_id, channel_id} → {}; from then on posts are `is_archived`
POST /playground/slack/unshare   {channel_id, team_id} → {}; a workspace and its people are cut off
POST /playground/slack/click     {user_id, action_id, block_id?, value?, and either channel_id + ts
    (message or private message) or view_id} → ACK; `value` is the choice in a select or a date
POST /playground/slack/options   {user_id, action_id, text, channel_id + ts or view_id} → {options}
POST /playground/slack/submit    {user_id, view_id, values?: {block_id: {action_id: ANSWER}}}
    → {action, errors: {block_id: text}, …ACK}; ANSWER is text, an option's value, a list of them,
    an id, a date, or Slack's own object. `action`: "closed", "errors", "update", "push", "clear",
    "missing" (a required input is empty; nothing was sent, no ACK fields), "none" (not answered)
POST /playground/slack/close-view {user_id, view_id} → {}
POST /playground/slack/command   {user_id, channel_id, command, text?} → ACK
    ACK: {acknowledged, status: int | null, ack_ms, answer: body text, problem: str | null}
POST /playground/slack/redeliver {number? | event_id?, copies?: 1..100} → {delivery}; the same event
POST /playground/slack/lose-acks {times} → {}; so many acknowledgements get lost: Slack repeats
POST /playground/slack/verify-url {} → ACK; Slack's `url_verification` of the request URL
POST /playground/slack/emit      {event: {type, …}, channel_id?, team_id?} → {delivery}; any event
POST /playground/slack/settings  {request_url?, mention_order?, reply_count_events?,
    once_per_workspace?, retry_delays?, ack_seconds?} → all six as they are now
    `reply_count_events`: a reply also brings `message_changed` of its thread's first message;
    `once_per_workspace`: what is written in a shared channel arrives once more, with our outer
    `team_id` and another event id.
POST /playground/slack/disconnect {reason?} → {}; asks Socket Mode clients to connect anew
GET|POST|DELETE /playground/slack/faults  see playground/faults.py; `method`: "chat.postMessage", …

GET  /playground/slack/state → {seq, request_url, connected_sockets, bot: {user_id, bot_id, app_id,
    name}, teams: [{id, name, account_id}], people: [{id, team_id, key, name, title, part}],
    channels: [CHANNEL], ephemerals: [{channel_id, user_id, message}],
    views: [{user_id, view, errors}]}
    CHANNEL: {id, name, topic, is_im, is_ext_shared, is_archived, connected_team_ids, members,
    statuses: {thread_ts: text}, messages: [oldest first, replies among them by thread_ts]}
    Messages and views are in Slack's own JSON shapes.
GET  /playground/slack/deliveries → {deliveries: [DELIVERY]}, the last 200, oldest first
    DELIVERY: {number, kind: "events_api" | "interactive" | "slash_commands", label: event or
    interaction type, event_id, body: raw text, content_type, attempts: [{retry_num, retry_reason,
    over: "http" | "socket", headers, status, ack_ms, answer, problem}]}
GET  /playground/slack/calls → {calls: [CALL]}, the app's last 200 Web API calls, oldest first
    CALL: {method, arguments (no secrets), ok, error, ts, fault, at: seconds}
GET  /playground/slack/feed  → server-sent events; `?after=SEQ` (from the state) or `Last-Event-ID`
    replays what was missed (the last 1,000). Each `data:` is {seq, type, …}:
    message_posted, message_changed {channel_id, message}
    message_deleted                 {channel_id, ts, thread_ts}
    ephemeral_shown                 {channel_id, user_id, message}
    ephemeral_removed               {channel_id, user_id, ts}
    view_shown                      {user_id, view, errors} opened, updated, or with errors
    view_closed                     {user_id, view_id}
    status                          {channel_id, thread_ts, status: "" when it ended}
    channel_opened                  {channel_id}: read the state again
    reload                          {}: what was missed is forgotten; read the state again
    channel_changed                 {channel_id, members, connected_team_ids, is_archived}
    warning                         {user_id, text} Slack's note that the app did not respond
    delivery                        {delivery: DELIVERY} after each attempt
    call                            {call: CALL}
"""
