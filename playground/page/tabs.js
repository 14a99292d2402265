// On a phone one conversation at a time, picked by tabs; side by side where there is room.

import { h } from "./dom.js";

const PHONE = matchMedia("(max-width: 799.98px)");

/** Joins tabs to panes; `select(id)` shows one, `news(id)` marks one that has something new. */
export function joinTabs(panes) {
  const list = document.getElementById("tabs");
  const tabs = panes.map((pane) => {
    const mark = h("span", { class: "tab-news", hidden: true }, "new");
    const props = { type: "button", role: "tab", id: `tab-${pane.id}`, "aria-controls": `pane-${pane.id}` };
    const on = { click: () => select(pane.id), keydown: onKey };
    return { id: pane.id, mark, button: h("button", { ...props, class: "tab", on }, pane.short, mark) };
  });
  list.append(...tabs.map((tab) => tab.button));
  let selected = panes[0].id;

  function select(id) {
    selected = id;
    for (const tab of tabs) {
      const is = tab.id === id;
      tab.button.setAttribute("aria-selected", String(is));
      tab.button.tabIndex = is ? 0 : -1;
      if (is) tab.mark.hidden = true;
    }
    for (const pane of panes) pane.element.classList.toggle("is-selected", pane.id === id);
  }

  function onKey(event) {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    const at = tabs.findIndex((tab) => tab.id === selected);
    const next = tabs[(at + step + tabs.length) % tabs.length];
    select(next.id);
    next.button.focus();
  }

  function shape() {
    for (const pane of panes) {
      if (PHONE.matches) pane.element.setAttribute("role", "tabpanel");
      else pane.element.removeAttribute("role");
    }
  }

  PHONE.addEventListener("change", shape);
  shape();
  select(selected);
  return {
    select,
    news(id) {
      const tab = tabs.find((one) => one.id === id);
      if (id !== selected) tab.mark.hidden = false;
    },
  };
}
