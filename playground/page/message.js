// Draws one message: who, when, what, and what is below it.

import { h, toast } from "./dom.js";
import { avatar } from "./parts.js";

const WORDS = { "+1": "thumbs up", thumbsup: "thumbs up" };
const SVG = "http://www.w3.org/2000/svg";
const THUMB = "M2 9h3v8H2zM7 17V9l3.2-6.4c1.3 0 2 .9 1.8 2.2L11.5 8H17a1.5 1.5 0 0 1 1.5 1.8l-1.2 6A1.5 1.5 0 0 1 15.8 17z";

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
      footing(message),
    ),
    reactButton(message, hands),
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

function footing(message) {
  if (!message.reactions.length) return null;
  const drawn = message.reactions.map((reaction) => {
    const words = WORDS[reaction.name] || reaction.name.replaceAll("_", " ");
    const picture = WORDS[reaction.name] ? [thumb(), h("span", { class: "unseen" }, words)] : words;
    return h("span", { class: "reaction" }, picture, ` ${reaction.count}`);
  });
  return h("footer", { class: "message-foot" }, drawn);
}

function reactButton(message, hands) {
  if (message.author.kind !== "agent" || message.isPrivate || message.deleted) return null;
  return h(
    "button",
    {
      type: "button",
      class: "react",
      "aria-label": `React with thumbs up to ${message.author.name}, ${clock(message.at)}`,
      "data-focus": `react-${message.id}`,
      on: { click: (event) => busy(event.currentTarget, () => hands.react(message.id)) },
    },
    thumb(),
  );
}

function thumb() {
  const picture = document.createElementNS(SVG, "svg");
  const path = document.createElementNS(SVG, "path");
  for (const [name, value] of [["viewBox", "0 0 20 20"], ["class", "icon"], ["aria-hidden", "true"]]) {
    picture.setAttribute(name, value);
  }
  path.setAttribute("d", THUMB);
  path.setAttribute("fill", "currentColor");
  picture.append(path);
  return picture;
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
