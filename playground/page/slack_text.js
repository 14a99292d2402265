// Draws Slack's mrkdwn: bold, italics, strike, code, links, mentions, quotes and lists.

import { h, outLink } from "./dom.js";

const INLINE = new RegExp(
  [
    "`([^`\\n]+)`",
    "<([^<>\\n]+)>",
    "(?<![\\w*])\\*(?=\\S)([^*\\n]*\\S)\\*(?![\\w*])",
    "(?<![\\w_])_(?=\\S)([^_\\n]*\\S)_(?![\\w_])",
    "(?<![\\w~])~(?=\\S)([^~\\n]*\\S)~(?![\\w~])",
  ].join("|"),
);
const QUOTED = /^(?:>|&gt;) ?/;
const ITEM = /^\s*(?:•|◦|(\d{1,9})[.)])\s+/;

/** The three signs that Slack escapes, as people read them. */
export function unescaped(text) {
  return text.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");
}

/** mrkdwn as nodes. `names.user(id)` and `names.channel(id)` give the words for mentions. */
export function mrkdwn(text, names) {
  const nodes = [];
  text.split("```").forEach((part, number) => {
    if (number % 2) nodes.push(h("pre", {}, h("code", {}, unescaped(part.replace(/^\n|\n$/g, "")))));
    else nodes.push(...paragraphs(part, names));
  });
  return nodes;
}

function paragraphs(text, names) {
  const nodes = [];
  let lines = [];
  let kind = "";
  const close = () => {
    if (lines.length) nodes.push(...closed(kind, lines, names));
    lines = [];
  };
  for (const line of text.split("\n")) {
    const now = QUOTED.test(line) ? "quote" : ITEM.test(line) ? "list" : line.trim() ? "text" : "";
    if (now !== kind) close();
    kind = now;
    if (now) lines.push(line);
  }
  close();
  return nodes;
}

function closed(kind, lines, names) {
  if (kind === "quote") {
    const inside = lines.map((line) => line.replace(QUOTED, "")).join("\n");
    return [h("blockquote", {}, paragraphs(inside, names))];
  }
  if (kind === "list") {
    const ordered = ITEM.exec(lines[0])[1] !== undefined;
    const items = lines.map((line) => {
      const number = ITEM.exec(line)[1];
      return h("li", ordered && number ? { value: number } : {}, inline(line.replace(ITEM, ""), names));
    });
    return [h(ordered ? "ol" : "ul", {}, items)];
  }
  const shown = lines.flatMap((line, at) => [at ? h("br") : null, inline(line, names)]);
  return [h("p", {}, shown)];
}

function inline(text, names) {
  const nodes = [];
  let rest = text;
  for (let found = INLINE.exec(rest); found; found = INLINE.exec(rest)) {
    if (found.index) nodes.push(unescaped(rest.slice(0, found.index)));
    const [whole, code, entity, bold, italic, strike] = found;
    if (code !== undefined) nodes.push(h("code", {}, unescaped(code)));
    else if (entity !== undefined) nodes.push(drawnEntity(entity, names));
    else if (bold !== undefined) nodes.push(h("strong", {}, inline(bold, names)));
    else if (italic !== undefined) nodes.push(h("em", {}, inline(italic, names)));
    else nodes.push(h("s", {}, inline(strike, names)));
    rest = rest.slice(found.index + whole.length);
  }
  if (rest) nodes.push(unescaped(rest));
  return nodes;
}

function drawnEntity(entity, names) {
  const [target, label] = entity.split("|");
  if (target.startsWith("@")) return h("span", { class: "mention" }, `@${names.user(target.slice(1))}`);
  if (target.startsWith("#")) return h("span", { class: "mention" }, `#${names.channel(target.slice(1))}`);
  if (target.startsWith("!")) return h("span", { class: "mention" }, `@${target.slice(1).split("^")[0]}`);
  return outLink(unescaped(target), unescaped(label || target));
}
