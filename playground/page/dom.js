// Builds elements. Text always becomes a text node, so that nothing people write is ever markup.

/** An element; `props` may hold `class`, `dataset`, `on` (listeners) and plain attributes. */
export function h(tag, props = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === undefined || value === null || value === false) continue;
    if (name === "on") {
      for (const [event, listener] of Object.entries(value)) element.addEventListener(event, listener);
    } else if (name === "dataset") {
      Object.assign(element.dataset, value);
    } else if (name === "value") {
      element.value = value;
    } else {
      element.setAttribute(name, value === true ? "" : String(value));
    }
  }
  element.append(...flat(children));
  return element;
}

function flat(children) {
  return children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false);
}

let lastId = 0;

/** An id that no other element has. */
export function freshId(prefix) {
  lastId += 1;
  return `${prefix}-${lastId}`;
}

/** Makes the children of `parent` be `wanted`, in this order, moving only what must move. */
export function arrange(parent, wanted) {
  const kept = new Set(wanted);
  for (const child of [...parent.children]) if (!kept.has(child)) child.remove();
  let at = parent.firstElementChild;
  for (const child of wanted) {
    if (child === at) at = at.nextElementSibling;
    else parent.insertBefore(child, at);
  }
}

/** Tells the person at the screen something that passes. */
export function toast(words, kind = "note") {
  const shown = h("p", { class: `toast toast-${kind}` }, words);
  document.getElementById("toasts").append(shown);
  setTimeout(() => shown.remove(), kind === "problem" ? 12_000 : 6_000);
}

/** Lets a screen reader say a new message. */
export function speak(words) {
  const log = document.getElementById("spoken");
  log.append(h("p", {}, words));
  while (log.children.length > 20) log.firstElementChild.remove();
}

/** POST (or another method) with JSON; the decoded answer. Throws an Error with words for people. */
export async function ask(path, body, method = "POST") {
  const options = { method };
  if (body !== undefined) {
    options.body = JSON.stringify(body);
    options.headers = { "Content-Type": "application/json" };
  }
  let response;
  try {
    response = await fetch(path, options);
  } catch {
    throw new Error("The playground does not answer. Is it still running?");
  }
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) throw new Error(wordsOf(answer) || `The playground answered ${response.status}.`);
  return answer;
}

function wordsOf(answer) {
  const more = Array.isArray(answer.messages) ? answer.messages.join("; ") : "";
  return [answer.error, more].filter(Boolean).join(": ");
}

/** A web address that may be followed, else null. */
export function safeUrl(text) {
  try {
    const url = new URL(text);
    return ["http:", "https:", "mailto:"].includes(url.protocol) ? url.href : null;
  } catch {
    return null;
  }
}

/** A link that leaves the page; text alone where the address may not be followed. */
export function outLink(url, label) {
  const target = safeUrl(url);
  if (!target) return document.createTextNode(label);
  return h("a", { href: target, target: "_blank", rel: "noopener noreferrer" }, label);
}
