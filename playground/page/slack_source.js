// Slack's stand-in as the panes see it: rooms, people, threads for one person, and what they do.

import { ask, speak, toast } from "./dom.js";
import { follow } from "./feeds.js";
import { drawBlocks } from "./slack_blocks.js";
import { SlackDialogs } from "./slack_dialogs.js";
import { mrkdwn, unescaped } from "./slack_text.js";

const ROOT = "/playground/slack";
export const DIRECT = "direct";

export class SlackSource {
  platform = "slack";
  #state = null;
  #listeners = new Set();
  #deliveryListeners = new Set();

  constructor() {
    this.dialogs = new SlackDialogs(this);
    this.names = {
      user: (id) => (id === this.#state.bot.user_id ? this.botName : this.#person(id)?.name || id),
      channel: (id) => this.#channel(id)?.name || id,
    };
  }

  async start() {
    const seq = await this.#read();
    const connected = (is) => this.#tell({ kind: "connection", is });
    follow(`${ROOT}/feed`, seq, {
      take: (change) => this.#take(change),
      reload: async () => {
        const now = await this.#read();
        this.#tell({ kind: "all" });
        return now;
      },
      connected,
    });
  }

  get botName() {
    return this.#state.bot.name;
  }

  get botId() {
    return this.#state.bot.user_id;
  }

  /** `listener({kind, roomId?, id?, own?})` after every change. */
  onChange(listener) {
    this.#listeners.add(listener);
  }

  /** `listener(delivery)` after every attempt to deliver something to the agent. */
  onDelivery(listener) {
    this.#deliveryListeners.add(listener);
  }

  // --- who and where -------------------------------------------------------------------------

  /** The people who can be somebody in this channel, in the story's order. */
  people(channelId) {
    const members = this.#channel(channelId)?.members || [];
    return this.#state.people.filter((person) => members.includes(person.id));
  }

  roomName(roomId) {
    const channel = this.#channel(roomId);
    return channel.is_im ? `Direct chat with ${this.botName}` : `# ${channel.name}`;
  }

  roomNote(roomId) {
    const channel = this.#channel(roomId);
    if (channel.is_im) return "Only the two of them read this";
    const companies = channel.connected_team_ids.map((id) => this.#team(id)?.name || id);
    return companies.length > 1 ? `Shared by ${companies.join(", ")}` : `Only ${companies[0]}`;
  }

  isDirect(roomId) {
    return Boolean(this.#channel(roomId)?.is_im);
  }

  hasThreads() {
    return true;
  }

  /** The channel behind a choice of the pane; the direct chat is this person's own. */
  async resolve(key, personId) {
    if (key !== DIRECT) return key;
    const { channel } = await ask(`${ROOT}/direct`, { user_id: personId });
    if (!this.#channel(channel.id)) this.#state.channels.push(channel);
    return channel.id;
  }

  // --- what one person sees --------------------------------------------------------------------

  /** [{id, root, replies, status}], oldest first. */
  threads(channelId, personId) {
    const channel = this.#channel(channelId);
    if (!channel) return [];
    const own = this.#state.ephemerals
      .filter((e) => e.channel_id === channelId && e.user_id === personId)
      .map((e) => ({ ...e.message, isPrivate: true }));
    const all = [...channel.messages, ...own].sort((a, b) => (a.ts < b.ts ? -1 : 1));
    const threads = new Map();
    for (const message of all) {
      const parent = message.thread_ts && message.thread_ts !== message.ts ? message.thread_ts : null;
      if (parent && threads.has(parent)) {
        threads.get(parent).replies.push(this.#message(channel, message, personId));
      } else {
        const root = this.#message(channel, message, personId);
        const status = channel.statuses?.[message.ts] || "";
        threads.set(message.ts, { id: message.ts, root, replies: [], status, canReply: !message.isPrivate });
      }
    }
    return [...threads.values()];
  }

  #message(channel, message, personId) {
    const byAgent = message.bot_id === this.#state.bot.bot_id;
    const person = this.#person(message.user);
    const name = byAgent ? this.botName : message.username || person?.name || "Slack";
    const team = person && person.team_id !== this.#state.teams[0].id ? this.#team(person.team_id)?.name : null;
    return {
      id: message.ts,
      author: { name, kind: byAgent ? "agent" : "person", tag: byAgent ? "App" : team || (person ? "Acme Cloud" : "App") },
      own: message.user === personId,
      at: new Date(Number(message.ts) * 1000),
      edited: Boolean(message.edited),
      isPrivate: Boolean(message.isPrivate),
      deleted: message.subtype === "tombstone",
      reactions: (message.reactions || []).map((r) => ({ name: r.name, count: r.count })),
      signature: JSON.stringify([message, message.user === personId]),
      words: this.#words(message),
      draw: (hands) => this.#draw(channel, message, hands),
    };
  }

  #draw(channel, message, hands) {
    const drawn = (message.blocks || []).filter((block) => block.type !== "rich_text");
    const files = (message.files || []).map((file) => `File: ${file.name}`);
    const nodes = drawn.length
      ? drawBlocks(message.blocks, this.#hands(channel, message, hands))
      : mrkdwn(message.text || "", this.names);
    return [...nodes, ...files];
  }

  #hands(channel, message, { person, busy }) {
    const where = () => ({ user_id: person(), channel_id: channel.id, ts: message.ts });
    return {
      names: this.names,
      press: (control, block, element, value) =>
        busy(control, async () => {
          this.dialogs.expect(person());
          const body = { ...where(), action_id: element.action_id, block_id: block.block_id };
          const answer = await ask(`${ROOT}/click`, value === null ? body : { ...body, value });
          if (!answer.acknowledged) throw new Error("The agent did not answer the click in time.");
        }),
      search: async (actionId, text) =>
        (await ask(`${ROOT}/options`, { ...where(), action_id: actionId, text })).options,
    };
  }

  // --- what people do --------------------------------------------------------------------------

  async post(roomId, personId, text, { thread, mention }) {
    const body = { user_id: personId, channel_id: roomId, text, mention };
    const { message } = await ask(`${ROOT}/say`, thread ? { ...body, thread_ts: thread } : body);
    return message.ts;
  }

  async react(roomId, personId, id) {
    const body = { user_id: personId, channel_id: roomId, ts: id, name: "+1" };
    await ask(`${ROOT}/react`, body);
  }

  // --- the feed --------------------------------------------------------------------------------

  async #read() {
    const state = await ask(`${ROOT}/state`, undefined, "GET");
    this.#state = state;
    return state.seq;
  }

  #take(change) {
    const channel = change.channel_id ? this.#channel(change.channel_id) : null;
    switch (change.type) {
      case "message_posted":
      case "message_changed":
        this.#keep(channel, change.message);
        if (change.type === "message_posted") this.#say(channel, change.message);
        break;
      case "message_deleted":
        if (channel) channel.messages = channel.messages.filter((m) => m.ts !== change.ts);
        break;
      case "ephemeral_shown":
        // A state that was read meanwhile may have it already.
        this.#forget(change.channel_id, change.message.ts);
        this.#state.ephemerals.push(change);
        break;
      case "ephemeral_removed":
        this.#forget(change.channel_id, change.ts);
        break;
      case "status":
        if (channel) channel.statuses = { ...channel.statuses, [change.thread_ts]: change.status };
        break;
      case "members_changed":
        if (channel) channel.members = change.members;
        break;
      case "channel_opened":
        this.#read().then(() => this.#tell({ kind: "all" }));
        return;
      case "view_shown":
        this.dialogs.show(change);
        return;
      case "view_closed":
        this.dialogs.close(change.view_id);
        return;
      case "warning":
        toast(change.text, "problem");
        return;
      case "delivery":
        for (const listener of this.#deliveryListeners) listener(change.delivery);
        return;
      default:
        return;
    }
    const fresh = change.type === "message_posted" || change.type === "ephemeral_shown";
    const changed = { kind: "room", roomId: change.channel_id, fresh: fresh ? change.message.ts : null };
    this.#tell({ ...changed, forPerson: change.user_id });
  }

  #keep(channel, message) {
    if (!channel) return;
    const at = channel.messages.findIndex((known) => known.ts === message.ts);
    if (at < 0) channel.messages.push(message);
    else channel.messages[at] = message;
  }

  #forget(channelId, ts) {
    const others = (e) => e.channel_id !== channelId || e.message.ts !== ts;
    this.#state.ephemerals = this.#state.ephemerals.filter(others);
  }

  #say(channel, message) {
    if (!channel) return;
    const by = this.names.user(message.user || this.#state.bot.user_id);
    speak(`${by} in ${this.roomName(channel.id)}: ${this.#words(message)}`);
  }

  /** A message as it is read aloud: names, and no markup. */
  #words(message) {
    return unescaped((message.text || "").replace(/<@(\w+)>/g, (_, id) => `@${this.names.user(id)}`));
  }

  #tell(change) {
    for (const listener of this.#listeners) listener(change);
  }

  #channel(id) {
    return this.#state.channels.find((channel) => channel.id === id);
  }

  #person(id) {
    return this.#state.people.find((person) => person.id === id);
  }

  #team(id) {
    return this.#state.teams.find((team) => team.id === id);
  }
}
