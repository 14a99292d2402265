// The five things to try: each fills the right pane, person and words, and leaves Enter to you.

import { h } from "./dom.js";
import { DIRECT } from "./slack_source.js";

const TRIES = [
  {
    title: "Add 5 seats as Globex’s owner",
    note: "A card shows the price first. Confirm it, and a receipt follows.",
    pane: "globex",
    room: "C0GLOBEX",
    person: "greta",
    text: "Please add 5 seats to our plan.",
  },
  {
    title: "Ask for a $480 refund",
    note: "Above the limit: watch it wait for approval, and approve as Lena in Support.",
    pane: "globex",
    room: "C0GLOBEX",
    person: "felix",
    text: "Please refund $480 of invoice INV-1041.",
  },
  {
    title: "Talk to a person",
    note: "In Support as Rita: claim it, reply, hand it back.",
    pane: "northwind",
    room: "C0NORTH",
    person: "olive",
    text: "I want to talk to someone about our contract.",
  },
  {
    title: "As a member, try to cancel",
    note: "Members may not. See who is named as able to say yes.",
    pane: "northwind",
    room: "C0NORTH",
    person: "milo",
    text: "Please cancel our subscription.",
  },
  {
    title: "In Teams, as staff: 2 seats for Initech",
    note: "Staff name the account, and every card shows which one it is.",
    pane: "teams",
    room: DIRECT,
    person: "sam",
    text: "Add 2 seats for Initech.",
  },
];

/** Fills the list and joins its buttons; `start(try)` is called with the one that was picked. */
export function showTries(start) {
  const [section, list] = [document.getElementById("tries"), document.getElementById("tries-list")];
  const [toggle, hide] = ["tries-toggle", "tries-hide"].map((id) => document.getElementById(id));
  const set = (open) => {
    section.hidden = !open;
    toggle.setAttribute("aria-expanded", String(open));
  };
  list.append(
    ...TRIES.map((one, at) =>
      h(
        "li",
        {},
        h(
          "button",
          { type: "button", class: "try", on: { click: () => start(one) } },
          h("span", { class: "try-number", "aria-hidden": "true" }, String(at + 1)),
          h("span", { class: "try-words" }, h("strong", {}, one.title), h("span", {}, one.note)),
        ),
      ),
    ),
  );
  toggle.addEventListener("click", () => set(section.hidden));
  hide.addEventListener("click", () => {
    set(false);
    toggle.focus();
  });
}
