// Slack's forms (views): opened for the person who pressed here, checked, sent and closed.

import { openDialog } from "./dialog.js";
import { ask, toast } from "./dom.js";
import { drawBlocks } from "./slack_blocks.js";
import { unescaped } from "./slack_text.js";

const ROOT = "/playground/slack";
// A form belongs to the tab in which its button was pressed; the stand-in's trigger lives 3 s.
const EXPECTED_MS = 15_000;

export class SlackDialogs {
  #source;
  #open = new Map();
  #expected = new Map();

  constructor(source) {
    this.#source = source;
  }

  /** A form may open for this person because of what they did here. */
  expect(personId) {
    this.#expected.set(personId, Date.now() + EXPECTED_MS);
  }

  /** A form was opened, changed, or got errors. */
  show({ user_id: personId, view, errors }) {
    let shown = this.#open.get(view.id);
    if (!shown) {
      if (!((this.#expected.get(personId) || 0) > Date.now())) return;
      shown = { personId, inputs: new Map(), drawn: "" };
      shown.frame = openDialog({ submit: () => this.#submit(view.id), cancel: () => this.#cancel(view.id) });
      this.#open.set(view.id, shown);
    }
    const drawn = JSON.stringify([view.title, view.blocks]);
    if (drawn !== shown.drawn) this.#fill(shown, view, drawn);
    this.#mark(shown, errors || {});
  }

  close(viewId) {
    this.#open.get(viewId)?.frame.end();
    this.#open.delete(viewId);
  }

  #fill(shown, view, drawn) {
    shown.drawn = drawn;
    shown.inputs.clear();
    const where = { user_id: shown.personId, view_id: view.id };
    const nodes = drawBlocks(view.blocks, {
      names: this.#source.names,
      inputs: shown.inputs,
      press: (_, block, element, value) => {
        const body = { ...where, action_id: element.action_id, block_id: block.block_id };
        ask(`${ROOT}/click`, value === null ? body : { ...body, value }).catch((problem) =>
          shown.frame.trouble(problem.message),
        );
      },
      search: async (actionId, text) =>
        (await ask(`${ROOT}/options`, { ...where, action_id: actionId, text })).options,
    });
    const words = (object) => (object ? unescaped(object.text) : "");
    shown.frame.fill(words(view.title), nodes, words(view.submit), words(view.close));
  }

  #mark(shown, errors) {
    let first = null;
    for (const [blockId, input] of shown.inputs) {
      input.showError(errors[blockId] || "");
      if (errors[blockId] && !first) first = input.control;
    }
    const unplaced = Object.keys(errors).filter((blockId) => !shown.inputs.has(blockId));
    shown.frame.trouble(unplaced.map((blockId) => errors[blockId]).join(" "));
    first?.focus();
  }

  async #submit(viewId) {
    const shown = this.#open.get(viewId);
    const values = {};
    for (const [blockId, input] of shown.inputs) values[blockId] = { [input.actionId]: input.value() };
    shown.frame.busy(true);
    this.expect(shown.personId);
    try {
      const body = { user_id: shown.personId, view_id: viewId, values };
      const answer = await ask(`${ROOT}/submit`, body);
      if (answer.action === "none") shown.frame.trouble("The agent did not answer. Please send it again.");
    } catch (problem) {
      shown.frame.trouble(problem.message);
    } finally {
      shown.frame.busy(false);
    }
  }

  async #cancel(viewId) {
    const shown = this.#open.get(viewId);
    this.close(viewId);
    try {
      await ask(`${ROOT}/close-view`, { user_id: shown.personId, view_id: viewId });
    } catch (problem) {
      toast(problem.message, "problem");
    }
  }
}
