// Draws Block Kit for messages and forms. What is not known is named, never dropped in silence.

import { h, outLink } from "./dom.js";
import { drawInput } from "./slack_inputs.js";
import { mrkdwn, unescaped } from "./slack_text.js";

/**
 * Blocks as nodes. `hands`: {names, press(block, element, value), inputs: Map to fill, search(...)}.
 */
export function drawBlocks(blocks, hands) {
  return blocks.map((block) => drawBlock(block, hands)).filter(Boolean);
}

function drawBlock(block, hands) {
  switch (block.type) {
    case "section":
      return drawSection(block, hands);
    case "header":
      return h("p", { class: "bk-header", role: "heading", "aria-level": "3" }, unescaped(block.text.text));
    case "context":
      return h("div", { class: "bk-context" }, block.elements.map((e) => drawText(e, hands)));
    case "divider":
      return h("hr", { class: "bk-divider" });
    case "actions":
      return h("div", { class: "bk-actions" }, block.elements.map((e) => drawElement(block, e, hands)));
    case "input":
      return drawInput(block, hands);
    case "rich_text":
      return h("div", { class: "bk-section" }, richText(block.elements || [], hands));
    case "markdown":
      return h("div", { class: "bk-section" }, mrkdwn(block.text, hands.names));
    default:
      return h("p", { class: "bk-unknown" }, `A block of type “${block.type}” is not drawn here.`);
  }
}

function drawSection(block, hands) {
  const words = h("div", { class: "bk-words" });
  if (block.text) words.append(...asNodes(block.text, hands));
  if (block.fields) {
    words.append(h("dl", { class: "bk-fields" }, block.fields.map((field) => drawField(field, hands))));
  }
  const accessory = block.accessory ? drawElement(block, block.accessory, hands) : null;
  return h("div", { class: "bk-section" }, words, accessory);
}

// An address or a number of its own, which half a narrow card would break in two.
const LONG_WORD = /\S{15,}/;

// Our fields are "*Label*\nvalue": a term and its description. Others have a description alone.
function drawField(field, hands) {
  const found = field.type === "mrkdwn" ? /^\*([^*\n]+)\*\n([\s\S]*)$/.exec(field.text) : null;
  if (!found) return h("div", {}, h("dt", { class: "unseen" }, "Field"), h("dd", {}, asNodes(field, hands)));
  return h(
    "div",
    { class: LONG_WORD.test(found[2]) ? "bk-wide" : null },
    h("dt", {}, unescaped(found[1])),
    h("dd", {}, mrkdwn(found[2], hands.names)),
  );
}

function drawText(element, hands) {
  if (element.type === "image") return h("span", {}, `[${element.alt_text}]`);
  return h("div", {}, asNodes(element, hands));
}

function asNodes(text, hands) {
  return text.type === "mrkdwn" ? mrkdwn(text.text, hands.names) : [h("p", {}, unescaped(text.text))];
}

function drawElement(block, element, hands) {
  if (element.type === "button") return drawButton(block, element, hands);
  if (element.type === "static_select") return drawSelect(block, element, hands);
  return h("p", { class: "bk-unknown" }, `An element of type “${element.type}” is not drawn here.`);
}

function drawButton(block, element, hands) {
  const label = unescaped(element.text.text);
  if (element.url) return h("span", { class: "button" }, outLink(element.url, label));
  const spoken = element.accessibility_label ? unescaped(element.accessibility_label) : null;
  return h(
    "button",
    {
      type: "button",
      class: `button ${element.style ? `button-${element.style}` : ""}`,
      "aria-label": spoken,
      "data-focus": element.action_id,
      on: { click: (event) => hands.press(event.currentTarget, block, element, null) },
    },
    label,
  );
}

function drawSelect(block, element, hands) {
  const label = unescaped(element.placeholder?.text || "Choose");
  const groups = element.option_groups || [{ options: element.options || [] }];
  const options = groups.flatMap((group) => group.options);
  return h(
    "select",
    {
      "aria-label": label,
      "data-focus": element.action_id,
      on: {
        change: (event) => {
          if (event.target.value) hands.press(event.target, block, element, event.target.value);
        },
      },
    },
    h("option", { value: "" }, label),
    options.map((o) =>
      h("option", { value: o.value, selected: o.value === element.initial_option?.value }, unescaped(o.text.text)),
    ),
  );
}

function richText(elements, hands) {
  return elements.map((part) => {
    if (part.elements) return h("p", {}, richText(part.elements, hands));
    if (part.type === "user") return h("span", { class: "mention" }, `@${hands.names.user(part.user_id)}`);
    if (part.type === "link") return outLink(part.url, part.text || part.url);
    return part.text || "";
  });
}
