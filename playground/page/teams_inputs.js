// Draws the inputs of Adaptive Cards, with label and error joined for screen readers.

import { freshId, h } from "./dom.js";
import { picker } from "./picker.js";

/** An input; registers itself in `drawing.inputs` under its id. */
export function drawCardInput(item, drawing) {
  const id = freshId("input");
  const errorId = `${id}-error`;
  const made = control(item, id, drawing);
  const error = h("p", { id: errorId, class: "field-error", hidden: true });
  made.control.setAttribute("aria-describedby", errorId);
  if (item.isRequired) made.control.setAttribute("aria-required", "true");
  drawing.inputs.set(item.id, {
    value: made.value,
    control: made.control,
    required: Boolean(item.isRequired),
    errorMessage: item.errorMessage || `${item.label || "This"} is needed.`,
    showError: (words) => {
      error.textContent = words ? `Error: ${words}` : "";
      error.hidden = !words;
      made.control.setAttribute("aria-invalid", String(Boolean(words)));
    },
  });
  const optional = item.isRequired ? null : h("span", { class: "field-optional" }, " (optional)");
  const label = h("label", { for: id }, item.label || item.placeholder || item.id, optional);
  return h("div", { class: "field" }, label, made.node, error);
}

function control(item, id, drawing) {
  if (item.type === "Input.ChoiceSet" && item["choices.data"]) {
    const choices = (item.choices || []).map(entry);
    const made = picker({
      id,
      placeholder: item.placeholder || "Type to search",
      choices,
      initial: choices.find((choice) => choice.value === item.value) || null,
      search: async (text) => (await drawing.search(item.id, text)).map(entry),
    });
    return { ...made, value: () => made.value()?.value || "" };
  }
  if (item.type === "Input.ChoiceSet") {
    const options = (item.choices || []).map((choice) =>
      h("option", { value: choice.value, selected: choice.value === item.value }, choice.title),
    );
    const node = h("select", { id }, h("option", { value: "" }, item.placeholder || "Choose"), options);
    return { node, control: node, value: () => node.value };
  }
  if (item.type === "Input.Toggle") {
    const node = h("input", { id, type: "checkbox", checked: item.value === "true" });
    return { node, control: node, value: () => String(node.checked) };
  }
  const kinds = { "Input.Number": "number", "Input.Date": "date", "Input.Time": "time" };
  const props = { id, placeholder: item.placeholder, value: item.value ?? "", maxlength: item.maxLength };
  const node = item.isMultiline
    ? h("textarea", { ...props, rows: "4" })
    : h("input", { ...props, type: kinds[item.type] || "text" });
  return { node, control: node, value: () => node.value };
}

function entry(choice) {
  return { label: choice.title, value: choice.value };
}
