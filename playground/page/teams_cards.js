// Draws Adaptive Cards 1.5: text, facts, containers, columns, inputs and buttons.

import { h, outLink } from "./dom.js";
import { drawCardInput } from "./teams_inputs.js";
import { markdown } from "./teams_text.js";

/**
 * A card as nodes. `hands`: {press(control, action, index), search(inputId, text), inputs: Map}.
 * Buttons are numbered in the order in which the stand-in finds them: those of the body first.
 */
export function drawCard(card, hands) {
  const drawing = { ...hands, inputs: hands.inputs || new Map() };
  const body = elements(card.body || [], drawing);
  const actions = card.actions?.length ? [drawActions(card.actions, drawing)] : [];
  return h("div", { class: "ac" }, body, actions);
}

function elements(items, drawing) {
  return items.filter((item) => item.isVisible !== false).map((item) => element(item, drawing));
}

function element(item, drawing) {
  switch (item.type) {
    case "TextBlock":
      return drawText(item);
    case "RichTextBlock":
      return drawRuns(item);
    case "FactSet":
      return h("dl", { class: "ac-facts" }, item.facts.map(drawFact));
    case "Container":
      return h("div", { class: `ac-container ${style(item)}` }, elements(item.items || [], drawing));
    case "ColumnSet":
      return h("div", { class: "ac-columns" }, (item.columns || []).map((column) => drawColumn(column, drawing)));
    case "ActionSet":
      return drawActions(item.actions, drawing);
    case "Image":
      return h("p", { class: "ac-unknown" }, `[${item.altText || "Image"}]`);
    default:
      if (item.type.startsWith("Input.")) return drawCardInput(item, drawing);
      return h("p", { class: "ac-unknown" }, `An element of type “${item.type}” is not drawn here.`);
  }
}

const LOOKS = {
  good: "is-good",
  warning: "is-warning",
  attention: "is-attention",
  emphasis: "is-emphasis",
  accent: "is-accent",
};

function style(item) {
  return LOOKS[item.style] || "";
}

function looks(item) {
  return [
    item.weight === "Bolder" && "ac-bold",
    item.size === "Small" && "ac-small",
    ["Medium", "Large", "ExtraLarge"].includes(item.size) && "ac-large",
    item.isSubtle && "ac-subtle",
    item.fontType === "Monospace" && "ac-mono",
    item.italic && "ac-italic",
    item.color === "Attention" && "ac-attention",
  ]
    .filter(Boolean)
    .join(" ");
}

function drawText(item) {
  const props = { class: `ac-text ${looks(item)}` };
  if (item.style === "heading") Object.assign(props, { role: "heading", "aria-level": "3" });
  return h("div", props, markdown(item.text));
}

function drawRuns(item) {
  const runs = item.inlines.map((run) =>
    typeof run === "string" ? run : h("span", { class: looks(run) }, run.text),
  );
  const isError = item.inlines.some((run) => run.color === "Attention");
  return h("p", { class: "ac-text ac-runs", role: isError ? "alert" : null }, runs);
}

function drawFact(fact) {
  return h("div", {}, h("dt", {}, markdown(fact.title)), h("dd", {}, markdown(fact.value)));
}

function drawColumn(column, drawing) {
  const width = column.width === "auto" ? "ac-column-auto" : "ac-column";
  return h("div", { class: `${width} ${style(column)}` }, elements(column.items || [], drawing));
}

function drawActions(actions, drawing) {
  return h("div", { class: "ac-actions" }, actions.map((action) => drawAction(action, drawing)));
}

const BUTTONS = { positive: "button-primary", destructive: "button-danger" };

function drawAction(action, drawing) {
  if (action.type === "Action.OpenUrl") return h("span", { class: "button" }, outLink(action.url, action.title));
  return h(
    "button",
    {
      type: "button",
      class: `button ${BUTTONS[action.style] || ""}`,
      "data-focus": action.id || action.verb || action.title,
      on: {
        click: (event) => {
          const values = checked(drawing.inputs, action);
          if (values) drawing.press(event.currentTarget, action.id || action.verb || action.title, values);
        },
      },
    },
    action.title,
  );
}

/** The inputs' values; null when one breaks its own rule, which is then said and focused. */
export function checked(inputs, action = {}) {
  const values = {};
  if (action.associatedInputs === "none") return values;
  let wrong = null;
  for (const [id, input] of inputs) {
    const value = input.value();
    const problem = input.required && !value ? input.errorMessage : "";
    input.showError(problem);
    if (problem && !wrong) wrong = input.control;
    values[id] = value;
  }
  wrong?.focus();
  return wrong ? null : values;
}
