// The box in which somebody writes, below a conversation or inside one of its threads.

import { freshId, h, toast } from "./dom.js";

/**
 * `send(text, mention)` gives a promise; Enter sends, Shift+Enter starts a line, Escape calls
 * `leave` where there is one. Returns {element, label(words), mentions(bool), fill(text), focus()}.
 */
export function makeComposer({ botName, send, leave = null }) {
  const id = freshId("write");
  const label = h("label", { for: id, class: "unseen" });
  const text = h("textarea", { id, rows: "1", on: { keydown: onKey, input: grow } });
  const box = h("input", { type: "checkbox", checked: true });
  const mention = h("label", { class: "mention-box" }, box, h("span", {}, `Mention @${botName}`));
  const button = h("button", { type: "submit", class: "button button-send" }, "Send");
  const cancel = leave
    ? h("button", { type: "button", class: "button quiet", on: { click: leave } }, "Cancel")
    : null;
  const foot = h("div", { class: "composer-foot" }, mention, cancel);
  const element = h(
    "form",
    {
      class: "composer",
      on: {
        submit: (event) => {
          event.preventDefault();
          submit();
        },
      },
    },
    label,
    h("div", { class: "composer-row" }, text, button),
    foot,
  );
  let sending = false;

  async function submit() {
    const words = text.value.trim();
    if (!words || sending) return;
    sending = true;
    try {
      await send(words, box.checked && !mention.hidden);
      text.value = "";
      grow();
    } catch (problem) {
      toast(problem.message, "problem");
    } finally {
      sending = false;
    }
  }

  function onKey(event) {
    // Enter that ends the choice of a character (Chinese, Japanese …) sends nothing.
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      submit();
    } else if (event.key === "Escape" && leave) {
      event.stopPropagation();
      leave();
    }
  }

  function grow() {
    text.style.height = "auto";
    text.style.height = `${Math.min(text.scrollHeight + 2, 160)}px`;
  }

  return {
    element,
    label(words) {
      label.textContent = words;
      text.placeholder = words;
    },
    mentions(may) {
      mention.hidden = !may;
      foot.hidden = !may && !cancel;
    },
    fill(words) {
      text.value = words;
      grow();
      text.focus();
      text.setSelectionRange(words.length, words.length);
    },
    focus: () => text.focus(),
  };
}
