// What people are in the story, in words, and how they are pictured.

import { h } from "./dom.js";

const PARTS = {
  owner: "owner",
  billing_admin: "billing admin",
  admin: "admin",
  member: "member",
  outsider: "stranger",
  colleague: "Acme colleague",
  support: "support",
  lead: "lead, approver",
};

/** "Olive Marsh, owner". */
export function spokenPart(person) {
  return `${person.name}, ${PARTS[person.part] || person.part}`;
}

/** Initials on a colour that stays the same for a name; of no meaning to a screen reader. */
export function avatar(name, kind) {
  const words = name.split(/\s+/).filter(Boolean);
  const initials = (words[0]?.[0] || "?") + (words.length > 1 ? words[words.length - 1][0] : "");
  const sum = [...name].reduce((total, sign) => total + sign.codePointAt(0), 0);
  const look = kind === "agent" ? "avatar-agent" : `avatar-${sum % 6}`;
  return h("span", { class: `avatar ${look}`, "aria-hidden": "true" }, initials.toUpperCase());
}
