// One conversation on the page: which room, who am I, its threads, and the boxes to write in.

import { makeComposer } from "./composer.js";
import { arrange, freshId, h, toast } from "./dom.js";
import { drawMessage } from "./message.js";
import { spokenPart } from "./parts.js";

export class Pane {
  #source;
  #choice;
  #roomId = null;
  #personId = null;
  #people = () => [];
  #messages = new Map();
  #threads = new Map();
  #replying = new Map();
  #atEnd = true;

  /**
   * `short`: the title for a narrow tab; `choices`: [{key, label}] of rooms, the first is shown; `home`: the room whose people can be
   * "you" where the choice is a direct chat; `person`: key of who one is at first.
   */
  constructor({ id, title, short = title, source, choices, home, person }) {
    this.id = id;
    this.title = title;
    this.short = short;
    this.#source = source;
    this.#choice = choices[0].key;
    this.#people = () => source.people(home ?? this.#roomId);
    this.element = this.#build(choices);
    this.scroll.addEventListener("scroll", () => this.#noteEnd(), { passive: true });
    // The drawer takes room away: who was reading the newest message still sees it.
    new ResizeObserver(() => {
      if (this.#atEnd) this.scroll.scrollTop = this.scroll.scrollHeight;
    }).observe(this.scroll);
    this.ready = this.#enter(person);
    source.onChange((change) => this.#changed(change));
    /** Called when a message comes in that this pane shows. */
    this.onNews = () => {};
  }

  /** Goes to a room as somebody (by key) and puts words into the box. */
  async compose({ room, person, text }) {
    this.#choice = room ?? this.#choice;
    this.roomSelect.value = this.#choice;
    await this.#enter(person);
    this.composer.fill(text);
  }

  /** Who one is in this pane now, by id. */
  get personId() {
    return this.#personId;
  }

  // --- building ------------------------------------------------------------------------------

  #build(choices) {
    const [headingId, roomId, personId] = ["pane", "room", "person"].map(freshId);
    const options = choices.map((choice) => h("option", { value: choice.key }, choice.label));
    this.roomSelect = h("select", { id: roomId, on: { change: () => this.#pickRoom() } }, options);
    this.personSelect = h("select", { id: personId, on: { change: () => this.#pickPerson() } });
    this.note = h("p", { class: "pane-note" });
    this.list = h("ol", { class: "threads" });
    this.empty = h("p", { class: "empty" }, "Nothing has been written here yet. Pick something to try, or write below.");
    this.scroll = h(
      "div",
      { class: "scroll", tabindex: "0", role: "group", "aria-label": `Messages, ${this.title}` },
      this.empty,
      this.list,
    );
    this.composer = makeComposer({
      botName: this.#source.botName,
      send: (text, mention) => this.#post(text, null, mention),
    });
    const platform = this.#source.platform === "slack" ? "Slack" : "Teams";
    return h(
      "section",
      {
        id: `pane-${this.id}`,
        class: `pane pane-${this.#source.platform}`,
        "aria-labelledby": headingId,
        dataset: { pane: this.id },
      },
      h(
        "header",
        { class: "pane-head" },
        h("div", { class: "pane-title" }, h("h2", { id: headingId }, this.title), h("span", { class: "platform" }, platform)),
        this.note,
        h(
          "div",
          { class: "pane-picks" },
          h("div", {}, h("label", { for: roomId }, `Where in ${platform}`), this.roomSelect),
          h("div", {}, h("label", { for: personId }, "You are"), this.personSelect),
        ),
      ),
      this.scroll,
      this.composer.element,
    );
  }

  // --- where and who -------------------------------------------------------------------------

  async #pickRoom() {
    this.#choice = this.roomSelect.value;
    await this.#enter().catch((problem) => toast(problem.message, "problem"));
  }

  async #pickPerson() {
    this.#personId = this.personSelect.value;
    await this.#enter().catch((problem) => toast(problem.message, "problem"));
  }

  async #enter(personKey) {
    if (!this.#roomId && this.#choice !== "direct") this.#roomId = this.#choice;
    let people = this.#people();
    const wanted = people.find((person) => person.key === personKey);
    if (wanted) this.#personId = wanted.id;
    if (!people.some((person) => person.id === this.#personId)) this.#personId = people[0].id;
    this.#roomId = await this.#source.resolve(this.#choice, this.#personId);
    people = this.#people();
    if (!people.some((person) => person.id === this.#personId)) this.#personId = people[0].id;
    this.#showPeople(people);
    this.#messages.clear();
    this.#threads.clear();
    this.#replying.clear();
    this.list.replaceChildren();
    this.#draw();
    this.scroll.scrollTop = this.scroll.scrollHeight;
  }

  #showPeople(people) {
    this.personSelect.replaceChildren(
      ...people.map((person) =>
        h("option", { value: person.id, selected: person.id === this.#personId }, spokenPart(person)),
      ),
    );
    this.note.textContent = this.#source.roomNote(this.#roomId);
    const name = people.find((person) => person.id === this.#personId).name;
    this.#name = name;
    this.composer.label(`Write as ${name}`);
    this.composer.mentions(!this.#source.isDirect(this.#roomId));
  }

  #name = "";

  // --- drawing -------------------------------------------------------------------------------

  #changed(change) {
    if (!this.#roomId || change.kind === "connection") return;
    if (change.kind === "room" && change.roomId !== this.#roomId) return;
    if (change.kind === "all") this.#showPeople(this.#people());
    const wasAtEnd = this.#atEnd;
    this.#draw();
    const shown = change.fresh ? this.#messages.get(change.fresh) : null;
    if (shown) {
      this.#reveal(shown.element);
      this.onNews();
    } else if (wasAtEnd) {
      this.scroll.scrollTop = this.scroll.scrollHeight;
    }
    this.#noteEnd();
  }

  #noteEnd() {
    this.#atEnd = this.scroll.scrollHeight - this.scroll.scrollTop - this.scroll.clientHeight < 80;
  }

  // Scrolls the list alone: scrollIntoView would move the page as well.
  #reveal(element) {
    const [box, shown] = [this.scroll.getBoundingClientRect(), element.getBoundingClientRect()];
    // With a thread's newest message, the place to reply below it.
    const thread = element.closest(".thread");
    const isNewest = thread && [...thread.querySelectorAll(".message")].at(-1) === element;
    const bottom = isNewest ? thread.getBoundingClientRect().bottom : shown.bottom;
    if (bottom > box.bottom) {
      this.scroll.scrollTop += Math.min(bottom - box.bottom + 8, shown.top - box.top - 8);
    } else if (shown.top < box.top) {
      this.scroll.scrollTop += shown.top - box.top - 8;
    }
    element.classList.add("fresh");
  }

  #draw() {
    const threads = this.#source.threads(this.#roomId, this.#personId);
    this.empty.hidden = threads.length > 0;
    arrange(this.list, threads.map((thread) => this.#thread(thread)));
  }

  #thread(thread) {
    let kept = this.#threads.get(thread.id);
    if (!kept) {
      kept = { element: h("li", { class: "thread" }), replies: h("ol", { class: "replies" }), foot: this.#foot(thread) };
      this.#threads.set(thread.id, kept);
    }
    const replies = thread.replies.map((reply) => this.#reply(reply));
    arrange(kept.replies, replies);
    kept.foot.status.textContent = thread.status ? `${this.#source.botName} ${thread.status}` : "";
    const threaded = this.#source.hasThreads(this.#roomId) && thread.canReply;
    const parts = [this.#article(thread.root)];
    if (replies.length) parts.push(kept.replies);
    if (threaded || thread.status) parts.push(kept.foot.element);
    kept.foot.open.hidden = !threaded || this.#replying.has(thread.id);
    arrange(kept.element, parts);
    return kept.element;
  }

  #reply(reply) {
    const article = this.#article(reply);
    const kept = this.#messages.get(reply.id);
    kept.item ??= h("li", {});
    arrange(kept.item, [article]);
    return kept.item;
  }

  #article(message) {
    const kept = this.#messages.get(message.id);
    if (kept?.signature === message.signature) return kept.element;
    const hands = {
      person: () => this.#personId,
      react: (id) => this.#source.react(this.#roomId, this.#personId, id),
    };
    const element = drawMessage(message, hands);
    const hadFocus = kept?.element.contains(document.activeElement) ? document.activeElement : null;
    if (kept?.element.isConnected) kept.element.replaceWith(element);
    this.#messages.set(message.id, { ...kept, element, signature: message.signature });
    if (hadFocus) refocus(element, hadFocus.dataset.focus);
    return element;
  }

  // --- writing -------------------------------------------------------------------------------

  #foot(thread) {
    const status = h("span", { class: "thread-status", role: "status" });
    const open = h(
      "button",
      {
        type: "button",
        class: "reply-open",
        "aria-label": `Reply in thread, ${thread.root.author.name}: ${thread.root.words.slice(0, 60)}`,
        on: { click: () => this.#openReply(thread.id) },
      },
      "Reply in thread",
    );
    const box = h("div", {});
    return { element: h("div", { class: "thread-foot" }, status, open, box), status, open, box };
  }

  #openReply(threadId) {
    const { foot } = this.#threads.get(threadId);
    const leave = () => {
      this.#replying.delete(threadId);
      foot.box.replaceChildren();
      foot.open.hidden = false;
      foot.open.focus();
    };
    const send = (text, mention) => this.#post(text, threadId, mention);
    const composer = makeComposer({ botName: this.#source.botName, send, leave });
    composer.label(`Reply as ${this.#name}`);
    composer.mentions(!this.#source.isDirect(this.#roomId));
    this.#replying.set(threadId, composer);
    foot.box.replaceChildren(composer.element);
    foot.open.hidden = true;
    composer.focus();
    this.#reveal(composer.element);
  }

  async #post(text, thread, mention) {
    await this.#source.post(this.#roomId, this.#personId, text, { thread, mention });
  }
}

function refocus(element, key) {
  const same = key ? element.querySelector(`[data-focus="${CSS.escape(key)}"]`) : null;
  (same || element).focus();
}
