// A choice list that asks for its options while somebody types; for Slack's and Teams' pickers.

import { freshId, h } from "./dom.js";

const PAUSE_MS = 250;

/**
 * A combobox. `search(text)` gives a promise of [{label, value}]; `initial` is one of them or null.
 * Returns {node, control, value()}: `value()` is the chosen entry or null.
 */
export function picker({ id, placeholder, search, initial = null, choices = [] }) {
  const listId = freshId("options");
  let chosen = initial;
  let shown = [];
  let active = -1;
  let timer = 0;
  let asked = 0;

  const list = h("ul", { id: listId, role: "listbox", class: "picker-list", "aria-label": "Options", hidden: true });
  const control = h("input", {
    id,
    type: "text",
    role: "combobox",
    autocomplete: "off",
    "aria-autocomplete": "list",
    "aria-expanded": "false",
    "aria-controls": listId,
    placeholder,
    value: initial ? initial.label : "",
    on: {
      input: () => {
        chosen = null;
        clearTimeout(timer);
        timer = setTimeout(look, PAUSE_MS);
      },
      keydown: onKey,
      blur: () => setTimeout(close, 150),
    },
  });

  async function look() {
    asked += 1;
    const mine = asked;
    let found;
    try {
      found = control.value ? await search(control.value) : choices;
    } catch (problem) {
      found = [];
      list.replaceChildren(h("li", { class: "picker-none", role: "option" }, problem.message));
    }
    if (mine === asked) show(found);
  }

  function show(found) {
    shown = found;
    active = -1;
    if (found.length) {
      list.replaceChildren(...found.map((entry, at) => option(entry, at)));
    } else if (!list.children.length) {
      list.replaceChildren(h("li", { class: "picker-none", role: "option" }, "Nothing found"));
    }
    list.hidden = false;
    control.setAttribute("aria-expanded", "true");
  }

  function option(entry, at) {
    const listeners = { mousedown: (event) => event.preventDefault(), click: () => choose(at) };
    return h("li", { id: `${listId}-${at}`, role: "option", "aria-selected": "false", on: listeners }, entry.label);
  }

  function choose(at) {
    chosen = shown[at];
    control.value = chosen.label;
    close();
    control.focus();
  }

  function close() {
    list.hidden = true;
    control.setAttribute("aria-expanded", "false");
    control.removeAttribute("aria-activedescendant");
  }

  function onKey(event) {
    if (event.key === "Escape" && !list.hidden) {
      event.preventDefault();
      event.stopPropagation();
      close();
    } else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (list.hidden) look();
      else move(event.key === "ArrowDown" ? 1 : -1);
    } else if (event.key === "Enter" && !list.hidden && active >= 0) {
      event.preventDefault();
      choose(active);
    }
  }

  function move(step) {
    if (!shown.length) return;
    active = (active + step + shown.length) % shown.length;
    [...list.children].forEach((item, at) => item.setAttribute("aria-selected", String(at === active)));
    control.setAttribute("aria-activedescendant", `${listId}-${active}`);
    list.children[active].scrollIntoView({ block: "nearest" });
  }

  return { node: h("div", { class: "picker" }, control, list), control, value: () => chosen };
}
