// Draws the input blocks of Slack's forms, with label, hint and error joined for screen readers.

import { freshId, h } from "./dom.js";
import { picker } from "./picker.js";
import { unescaped } from "./slack_text.js";

/**
 * An input block; registers itself in `hands.inputs` under its block id as
 * {actionId, value(), showError(words), control}.
 */
export function drawInput(block, hands) {
  const element = block.element;
  const id = freshId("field");
  const [hintId, errorId] = [`${id}-hint`, `${id}-error`];
  const made = control(element, id, hands);
  if (!made) {
    return h("p", { class: "bk-unknown" }, `An input of type “${element.type}” is not drawn here.`);
  }
  const hint = block.hint ? h("p", { id: hintId, class: "field-hint" }, unescaped(block.hint.text)) : null;
  const error = h("p", { id: errorId, class: "field-error", hidden: true });
  made.control.setAttribute("aria-describedby", [hint && hintId, errorId].filter(Boolean).join(" "));
  if (!block.optional) made.control.setAttribute("aria-required", "true");
  hands.inputs?.set(block.block_id, {
    actionId: element.action_id,
    value: made.value,
    control: made.control,
    showError: (words) => {
      error.textContent = words ? `Error: ${words}` : "";
      error.hidden = !words;
      made.control.setAttribute("aria-invalid", String(Boolean(words)));
    },
  });
  const optional = block.optional ? h("span", { class: "field-optional" }, " (optional)") : null;
  const label = h("label", { for: id }, unescaped(block.label.text), optional);
  return h("div", { class: "field" }, label, made.node, hint, error);
}

function control(element, id, hands) {
  const placeholder = element.placeholder ? unescaped(element.placeholder.text) : null;
  switch (element.type) {
    case "plain_text_input":
    case "email_text_input":
    case "url_text_input":
    case "number_input": {
      const props = { id, placeholder, value: element.initial_value || "", maxlength: element.max_length };
      const node = element.multiline
        ? h("textarea", { ...props, rows: "4" })
        : h("input", { ...props, type: "text" });
      return { node, control: node, value: () => node.value || null };
    }
    case "static_select":
    case "radio_buttons": {
      const groups = element.option_groups || [{ options: element.options || [] }];
      const options = groups.flatMap((group) => group.options).map((option) =>
        h(
          "option",
          { value: option.value, selected: option.value === element.initial_option?.value },
          unescaped(option.text.text),
        ),
      );
      const node = h("select", { id }, h("option", { value: "" }, placeholder || "Choose"), options);
      return { node, control: node, value: () => node.value || null };
    }
    case "external_select": {
      const made = picker({
        id,
        placeholder,
        initial: element.initial_option ? entry(element.initial_option) : null,
        search: async (text) => (await hands.search(element.action_id, text)).map(entry),
      });
      const value = () => (made.value() ? { selected_option: made.value().option } : null);
      return { node: made.node, control: made.control, value };
    }
    default:
      return null;
  }
}

function entry(option) {
  return { label: unescaped(option.text.text), value: option.value, option };
}
