// Draws the little Markdown that Teams shows in messages and in card text blocks.

import { h, outLink } from "./dom.js";

const ESCAPED = /\\([\\`*_[\]~|#>+=.)(-])/g;
// Escaped signs wait in a private range of Unicode until the markup has been read.
const PRIVATE = 0xf000;
const INLINE =
  /`([^`\n]+)`|<at>(.*?)<\/at>|\[([^\]\n]*)\]\(([^)\s]+)\)|\*\*(?=\S)(.+?)\*\*|~~(?=\S)(.+?)~~|(?<![\w*])\*(?=\S)([^*\n]*\S)\*(?![\w*])|(?<!\w)_(?=\S)([^_\n]*\S)_(?!\w)/;
const ITEM = /^\s*(?:[-*]|(\d{1,9})[.)])\s+/;

/** Markdown as nodes; mentions are `<at>Name</at>`. */
export function markdown(text) {
  const hidden = text.replace(ESCAPED, (_, sign) => String.fromCharCode(PRIVATE + sign.charCodeAt(0)));
  return hidden.split(/\n{2,}/).flatMap(paragraph);
}

/** What somebody typed: only mentions and line ends mean anything. */
export function typed(text) {
  const nodes = text.split(/(<at>.*?<\/at>)/).map((part) => {
    const found = /^<at>(.*)<\/at>$/.exec(part);
    return found ? mention(found[1]) : part;
  });
  return [h("p", { class: "typed" }, nodes)];
}

function paragraph(text) {
  const nodes = [];
  let items = [];
  let lines = [];
  const closeItems = () => {
    if (!items.length) return;
    const ordered = ITEM.exec(items[0])[1] !== undefined;
    const drawn = items.map((line) => {
      const number = ITEM.exec(line)[1];
      return h("li", ordered && number ? { value: number } : {}, inline(line.replace(ITEM, "")));
    });
    nodes.push(h(ordered ? "ol" : "ul", {}, drawn));
    items = [];
  };
  const closeLines = () => {
    if (!lines.length) return;
    nodes.push(h("p", {}, lines.flatMap((line, at) => [at ? h("br") : null, inline(line)])));
    lines = [];
  };
  for (const line of text.split("\n")) {
    if (ITEM.test(line)) {
      closeLines();
      items.push(line);
    } else if (line.trim()) {
      closeItems();
      lines.push(line);
    }
  }
  closeItems();
  closeLines();
  return nodes;
}

function inline(text) {
  const nodes = [];
  let rest = text;
  for (let found = INLINE.exec(rest); found; found = INLINE.exec(rest)) {
    if (found.index) nodes.push(shown(rest.slice(0, found.index)));
    const [whole, code, at, label, url, bold, strike, star, low] = found;
    if (code !== undefined) nodes.push(h("code", {}, shown(code)));
    else if (at !== undefined) nodes.push(mention(shown(at)));
    else if (url !== undefined) nodes.push(outLink(shown(url), shown(label)));
    else if (bold !== undefined) nodes.push(h("strong", {}, inline(bold)));
    else if (strike !== undefined) nodes.push(h("s", {}, inline(strike)));
    else nodes.push(h("em", {}, inline(star ?? low)));
    rest = rest.slice(found.index + whole.length);
  }
  if (rest) nodes.push(shown(rest));
  return nodes;
}

function mention(name) {
  return h("span", { class: "mention" }, `@${name}`);
}

function shown(text) {
  const restored = text.replace(/[\uf000-\uf0ff]/g, (sign) => String.fromCharCode(sign.charCodeAt(0) - PRIVATE));
  return restored.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");
}
