// The frame of every form: a real <dialog> with a heading, a place for trouble, and buttons.

import { freshId, h } from "./dom.js";

/**
 * Opens a modal dialog. `submit(dialog)` and `cancel()` are called; Escape cancels.
 * Returns {element, fill(title, nodes, submitLabel, closeLabel), trouble(words), busy(bool), end()}.
 */
export function openDialog({ submit, cancel }) {
  const headingId = freshId("dialog");
  const heading = h("h2", { id: headingId });
  const trouble = h("p", { class: "dialog-trouble", role: "alert", hidden: true });
  const body = h("div", { class: "dialog-body" });
  const send = h("button", { type: "submit", class: "button button-primary" });
  const close = h("button", { type: "button", class: "button", on: { click: () => cancel() } });
  const form = h(
    "form",
    {
      novalidate: true,
      on: {
        submit: (event) => {
          event.preventDefault();
          if (send.getAttribute("aria-disabled") !== "true") submit();
        },
      },
    },
    h("header", {}, heading),
    trouble,
    body,
    h("footer", {}, close, send),
  );
  const before = document.activeElement;
  const focusKey = before?.dataset?.focus;
  const element = h("dialog", { "aria-labelledby": headingId }, form);
  element.addEventListener("cancel", (event) => {
    event.preventDefault();
    cancel();
  });
  document.body.append(element);
  element.showModal();

  return {
    element,
    fill(title, nodes, submitLabel, closeLabel) {
      heading.textContent = title;
      body.replaceChildren(...nodes);
      send.textContent = submitLabel || "";
      send.hidden = !submitLabel;
      close.textContent = closeLabel || "Close";
      this.trouble("");
      const first = body.querySelector("input, textarea, select, button:not([hidden])") || close;
      first.focus();
    },
    trouble(words) {
      trouble.textContent = words;
      trouble.hidden = !words;
    },
    busy(is) {
      send.setAttribute("aria-disabled", String(is));
      form.setAttribute("aria-busy", String(is));
    },
    end() {
      element.close();
      element.remove();
      // The card may have been drawn anew meanwhile: then the same button in it.
      if (before?.isConnected) before.focus();
      else if (focusKey) document.querySelector(`[data-focus="${CSS.escape(focusKey)}"]`)?.focus();
    },
  };
}
