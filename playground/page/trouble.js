// Buttons that make trouble on purpose; each says what it will do and what to watch.

import { ask, h } from "./dom.js";

const COPIES = 10;
const POSTS_LIMITED = 3;
const RETRY_AFTER_SECONDS = 2;

/** The list of buttons; `say(words)` tells what came of a press. */
export function troubles({ requests, inspection, payments, say }) {
  const list = [
    {
      title: "Deliver the last message ten times",
      note: "Sends the newest message to the agent ten more times, all at once. Watch: no second answer, no second ledger row.",
      act: async () => {
        const event = requests.newestEvent;
        if (!event) return "Nothing has been sent to the agent yet. Write a message first.";
        await event.again(COPIES);
        return `Sent ten more times: ${event.platform}, ${event.label}. Nothing else should happen.`;
      },
    },
    {
      title: "Drop the payment provider’s next answer",
      note: "The next charge and the next refund are booked, but the answer is lost. Watch: one charge, not two, and the receipt still comes.",
      missing: payments ? "" : "No payment provider is connected.",
      act: async () => {
        for (const method of ["POST /v1/charges", "POST /v1/refunds"]) {
          await ask("/payments/faults", { kind: "drop_answer", method, times: 1 });
        }
        return "Armed. Now add seats or approve a refund.";
      },
    },
    {
      title: "Kill the agent’s process",
      note: "Ends it with SIGKILL, in the middle of whatever it does, and starts it again. Watch: the work goes on and nothing happens twice.",
      missing: inspection.isConfigured ? "" : "No supervisor is connected.",
      act: async () => {
        await ask("/demo/kill-worker", {});
        inspection.soon();
        return "Killed. It starts again by itself; see “Agent service” at the top.";
      },
    },
    {
      title: "Let Slack answer 429 to the next posts",
      note: `Slack refuses the agent’s next ${POSTS_LIMITED} posts and asks it to wait ${RETRY_AFTER_SECONDS} s. Watch: the answers come late, in order, once each.`,
      act: async () => {
        const fault = { kind: "rate_limited", method: "chat.postMessage", times: POSTS_LIMITED };
        await ask("/playground/slack/faults", { ...fault, retry_after_seconds: RETRY_AFTER_SECONDS });
        return `Armed for ${POSTS_LIMITED} posts. Now write something in a Slack channel.`;
      },
    },
  ];
  return h("ul", { class: "troubles" }, list.map((one) => h("li", {}, button(one, say))));
}

function button({ title, note, act, missing = "" }, say) {
  const press = async (event) => {
    const control = event.currentTarget;
    if (control.getAttribute("aria-busy") === "true") return;
    if (missing) return say(`${missing} Start the whole demo with “make demo”.`);
    control.setAttribute("aria-busy", "true");
    try {
      say(await act());
    } catch (problem) {
      say(`That did not work: ${problem.message}`);
    } finally {
      control.removeAttribute("aria-busy");
    }
  };
  return h(
    "button",
    { type: "button", class: "trouble", "aria-disabled": missing ? "true" : null, on: { click: press } },
    h("strong", {}, title),
    h("span", {}, missing || note),
  );
}
