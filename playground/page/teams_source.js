// Teams' stand-in as the panes see it: rooms, people, threads for one person, and what they do.

import { ask, h, speak, toast } from "./dom.js";
import { follow } from "./feeds.js";
import { drawCard } from "./teams_cards.js";
import { TeamsDialogs } from "./teams_dialogs.js";
import { markdown, typed } from "./teams_text.js";
import { DIRECT } from "./slack_source.js";

const ROOT = "/playground/teams";
const CARD = "application/vnd.microsoft.card.adaptive";
const TYPING_MS = 5_000;
const REACTIONS = { like: "+1" };

export class TeamsSource {
  platform = "teams";
  #state = null;
  #typing = new Map();
  #listeners = new Set();
  #deliveryListeners = new Set();
  #dialogs = new TeamsDialogs();
  #refreshed = new Set();

  async start() {
    const seq = await this.#read();
    follow(`${ROOT}/feed`, seq, {
      take: (change) => this.#take(change),
      reload: async () => {
        const now = await this.#read();
        this.#tell({ kind: "all" });
        return now;
      },
      connected: (is) => this.#tell({ kind: "connection", is }),
    });
  }

  get botName() {
    return this.#state.bot.name;
  }

  onChange(listener) {
    this.#listeners.add(listener);
  }

  onDelivery(listener) {
    this.#deliveryListeners.add(listener);
  }

  // --- who and where -------------------------------------------------------------------------

  /** In a direct chat anybody can be "you": each person has a chat of their own. */
  people(roomId) {
    const room = this.#room(roomId);
    if (!room || room.kind === "personal") return this.#state.people;
    return this.#state.people.filter((person) => room.members.includes(person.id));
  }

  rooms() {
    return this.#state.rooms;
  }

  roomName(roomId) {
    const room = this.#room(roomId);
    if (room.kind === "personal") return `Chat with ${this.botName}`;
    return room.kind === "channel" ? `${room.teamName} / ${room.name}` : room.name;
  }

  roomNote(roomId) {
    const room = this.#room(roomId);
    if (room.kind === "personal") return "Only the two of them read this";
    const names = room.members.map((id) => this.#person(id)?.name.split(" ")[0]);
    return `${room.kind === "channel" ? "Channel" : "Group chat"} of ${names.join(", ")}`;
  }

  isDirect(roomId) {
    return this.#room(roomId)?.kind === "personal";
  }

  hasThreads(roomId) {
    return this.#room(roomId)?.kind === "channel";
  }

  async resolve(key, personId) {
    if (key !== DIRECT) return key;
    const { room } = await ask(`${ROOT}/chats`, { person: personId });
    if (!this.#room(room.id)) this.#state.rooms.push(room);
    return room.id;
  }

  // --- what one person sees --------------------------------------------------------------------

  threads(roomId, personId) {
    const threads = new Map();
    for (const message of this.#state.messages) {
      if (message.roomId !== roomId) continue;
      this.#refresh(message, personId);
      const drawn = this.#message(message, personId);
      const parent = message.threadId && message.threadId !== message.id ? message.threadId : null;
      if (parent && threads.has(parent)) threads.get(parent).replies.push(drawn);
      else threads.set(message.id, { id: message.id, root: drawn, replies: [], status: "", canReply: true });
    }
    const found = [...threads.values()];
    const typing = this.#typing.get(roomId);
    if (typing && typing.until > Date.now()) {
      const where = found.find((thread) => thread.id === typing.threadId) || found[found.length - 1];
      if (where) where.status = "is typing";
    }
    return found;
  }

  #message(message, personId) {
    const view = message.views[personId];
    const own = message.author.id === personId;
    const { name, isAgent } = message.author;
    const tag = message.aiGenerated ? "AI-generated" : isAgent ? "App" : "";
    return {
      id: message.id,
      author: { name, kind: isAgent ? "agent" : "person", tag },
      own,
      at: new Date(message.createdAt),
      edited: Boolean(message.editedAt),
      isPrivate: Boolean(view),
      deleted: message.deleted,
      reactions: Object.entries(message.reactions).map(([kind, ids]) => ({
        name: REACTIONS[kind] || kind,
        count: ids.length,
      })),
      signature: JSON.stringify([message, view, own]),
      words: message.summary || message.text || "",
      draw: (hands) => this.#draw(message, view, hands),
    };
  }

  #draw(message, view, { person, busy }) {
    const nodes = [];
    if (message.text && message.author.isAgent) nodes.push(...markdown(message.text));
    else if (message.text) nodes.push(...typed(message.text));
    let first = true;
    for (const attachment of message.attachments) {
      if (attachment.contentType !== CARD) {
        nodes.push(h("p", {}, `Attachment: ${attachment.name || attachment.contentType}`));
        continue;
      }
      const card = first && view ? view : attachment.content;
      first = false;
      nodes.push(...this.#card(message, card, person, busy));
    }
    return nodes;
  }

  #card(message, card, person, busy) {
    const below = h("p", { class: "ac-answer", role: "status", hidden: true });
    const press = (control, action, inputs) =>
      busy(control, async () => {
        const who = person();
        const { outcome } = await ask(`${ROOT}/clicks`, { person: who, message: message.id, action, inputs });
        if (outcome.kind === "dialog") await this.#dialogs.openFor(who, outcome.dialogId);
        if (outcome.kind === "message" || outcome.kind === "error") {
          below.textContent = outcome.kind === "error" ? `Error: ${outcome.text}` : `Only you see this: ${outcome.text}`;
          below.hidden = false;
        }
      });
    const search = async (input, text) =>
      (await ask(`${ROOT}/searches`, { person: person(), message: message.id, input, text })).outcome.choices;
    return [drawCard(card, { press, search }), below];
  }

  // A card may ask to be fetched anew for the people whom it names.
  #refresh(message, personId) {
    const card = message.attachments.find((a) => a.contentType === CARD)?.content;
    const key = `${message.id} ${personId} ${message.editedAt}`;
    if (!card?.refresh?.userIds?.includes(personId) || this.#refreshed.has(key)) return;
    this.#refreshed.add(key);
    ask(`${ROOT}/refreshes`, { person: personId, message: message.id }).catch((problem) =>
      toast(problem.message, "problem"),
    );
  }

  // --- what people do --------------------------------------------------------------------------

  async post(roomId, personId, text, { thread, mention }) {
    const body = { person: personId, room: roomId, text, mention };
    const { message } = await ask(`${ROOT}/posts`, thread ? { ...body, thread } : body);
    return message.id;
  }

  async react(roomId, personId, id) {
    await ask(`${ROOT}/reactions`, { person: personId, message: id, reaction: "like" });
  }

  // --- the feed --------------------------------------------------------------------------------

  async #read() {
    this.#state = await ask(`${ROOT}/state`, undefined, "GET");
    return this.#state.seq;
  }

  #take(change) {
    switch (change.type) {
      case "message_posted":
      case "message_edited":
      case "message_deleted":
      case "message_reaction": {
        this.#keep(change.message);
        const fresh = change.type === "message_posted";
        if (fresh) this.#say(change.message);
        if (change.message.author.isAgent) this.#typing.delete(change.message.roomId);
        this.#tell({ kind: "room", roomId: change.message.roomId, fresh: fresh ? change.message.id : null });
        return;
      }
      case "view_changed": {
        const message = this.#state.messages.find((one) => one.id === change.messageId);
        if (!message) return;
        message.views = { ...message.views, [change.personId]: change.card };
        this.#tell({ kind: "room", roomId: message.roomId, fresh: null });
        return;
      }
      case "room_changed": {
        const at = this.#state.rooms.findIndex((room) => room.id === change.room.id);
        if (at < 0) this.#state.rooms.push(change.room);
        else this.#state.rooms[at] = change.room;
        this.#tell({ kind: "all" });
        return;
      }
      case "typing":
        this.#typing.set(change.roomId, { threadId: change.threadId, until: Date.now() + TYPING_MS });
        setTimeout(() => this.#tell({ kind: "room", roomId: change.roomId, fresh: null }), TYPING_MS + 100);
        this.#tell({ kind: "room", roomId: change.roomId, fresh: null });
        return;
      case "delivery":
        for (const listener of this.#deliveryListeners) listener(change.delivery);
        return;
      default:
    }
  }

  #keep(message) {
    // The agent may open a chat before anybody here has: then its room is not known yet.
    if (!this.#room(message.roomId)) this.#read().then(() => this.#tell({ kind: "all" }));
    const at = this.#state.messages.findIndex((known) => known.id === message.id);
    if (at < 0) this.#state.messages.push(message);
    else this.#state.messages[at] = message;
  }

  #say(message) {
    const words = message.summary || (message.text || "").replace(/<\/?at>/g, "");
    speak(`${message.author.name} in Teams: ${words}`);
  }

  #tell(change) {
    for (const listener of this.#listeners) listener(change);
  }

  #room(id) {
    return this.#state.rooms.find((room) => room.id === id);
  }

  #person(id) {
    return this.#state.people.find((person) => person.id === id);
  }
}
