// Draws one message: who, when, what, and what is below it.

import { h, toast } from "./dom.js";
import { avatar } from "./parts.js";

const EMOJI = { "+1": "👍", thumbsup: "👍", white_check_mark: "✅", eyes: "👀", heart: "❤️" };

/** An article for a message of a source; `hands`: {person(), react(id)}. */
export function drawMessage(message, hands) {
  const kind = message.author.kind;
  const body = message.deleted
    ? [h("p", { class: "gone" }, "This message was deleted.")]
    : message.draw({ person: hands.person, busy });
  const classes = ["message", `message-${kind}`, message.own && "message-own", message.isPrivate && "message-private"];
  return h(
    "article",
    { class: classes.filter(Boolean).join(" "), tabindex: "-1", dataset: { message: message.id } },
    avatar(message.author.name, kind),
    h(
      "div",
      { class: "message-main" },
      heading(message),
      message.isPrivate ? h("p", { class: "private-mark" }, "Only visible to you") : null,
      h("div", { class: "message-body" }, body),
      footing(message, hands),
    ),
  );
}

function heading(message) {
  const { name, tag } = message.author;
  return h(
    "header",
    { class: "message-head" },
    h("span", { class: "message-name" }, name),
    tag ? h("span", { class: "tag" }, tag) : null,
    h("time", { datetime: message.at.toISOString(), title: message.at.toLocaleString() }, clock(message.at)),
    message.edited ? h("span", { class: "message-edited" }, "edited") : null,
  );
}

function footing(message, hands) {
  const found = message.reactions.map((r) =>
    h("span", { class: "reaction" }, `${EMOJI[r.name] || r.name} ${r.count}`, h("span", { class: "unseen" }, " reactions")),
  );
  const can = message.author.kind === "agent" && !message.isPrivate && !message.deleted;
  const react = can
    ? h(
        "button",
        {
          type: "button",
          class: "react",
          "aria-label": `React with thumbs up to ${message.author.name}, ${clock(message.at)}`,
          "data-focus": `react-${message.id}`,
          on: { click: (event) => busy(event.currentTarget, () => hands.react(message.id)) },
        },
        "👍",
      )
    : null;
  return found.length || react ? h("footer", { class: "message-foot" }, found, react) : null;
}

function clock(at) {
  return at.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
}

/** Runs what a press started; a second press waits for it, and trouble is told. */
async function busy(control, work) {
  if (control.getAttribute("aria-busy") === "true") return;
  control.setAttribute("aria-busy", "true");
  try {
    await work();
  } catch (problem) {
    toast(problem.message, "problem");
  } finally {
    control.removeAttribute("aria-busy");
  }
}
