// Teams' dialogs (task modules): a card in a frame, sent back or swapped for another.

import { openDialog } from "./dialog.js";
import { ask, toast } from "./dom.js";
import { checked, drawCard } from "./teams_cards.js";

const ROOT = "/playground/teams";

export class TeamsDialogs {
  #open = null;

  /** Shows what a click opened, for the person who clicked. */
  async openFor(personId, dialogId) {
    const { dialogs } = await ask(`${ROOT}/state`, undefined, "GET");
    const dialog = dialogs.find((one) => one.id === dialogId);
    if (!dialog) return;
    if (!this.#open) {
      const frame = openDialog({ submit: () => this.#submit(), cancel: () => this.#cancel() });
      this.#open = { frame, personId, inputs: new Map() };
    }
    this.#fill(dialog);
  }

  #fill(dialog) {
    const open = this.#open;
    const card = dialog.card || { body: [{ type: "TextBlock", text: "This dialog shows a web page." }] };
    // The one button of a form's card is the dialog's own; others stay where the card has them.
    const [main, ...others] = card.actions || [];
    open.dialogId = dialog.id;
    open.main = main;
    open.inputs.clear();
    const nodes = [
      drawCard(
        { ...card, actions: others },
        {
          inputs: open.inputs,
          press: (_, action, values) => this.#send(action, values),
          search: async (inputId, text) => this.#search(dialog, inputId, text),
        },
      ),
    ];
    open.frame.fill(dialog.title || "Dialog", nodes, main?.title, "Cancel");
  }

  #submit() {
    const open = this.#open;
    const values = checked(open.inputs, open.main);
    if (values) this.#send(open.main.id || open.main.title, values);
  }

  async #send(action, inputs) {
    const open = this.#open;
    open.frame.busy(true);
    try {
      const path = `${ROOT}/dialogs/${open.dialogId}/submit`;
      const { outcome } = await ask(path, { person: open.personId, action, inputs });
      if (outcome.kind === "dialog") await this.openFor(open.personId, outcome.dialogId);
      else if (outcome.kind === "error") open.frame.trouble(outcome.text);
      else this.#end();
      if (outcome.kind === "message") toast(outcome.text);
    } catch (problem) {
      open.frame.trouble(problem.message);
    } finally {
      open.frame.busy(false);
    }
  }

  async #search(dialog, input, text) {
    const body = { person: this.#open.personId, message: dialog.messageId, input, text };
    return (await ask(`${ROOT}/searches`, body)).outcome.choices;
  }

  async #cancel() {
    const { dialogId } = this.#open;
    this.#end();
    try {
      await ask(`${ROOT}/dialogs/${dialogId}`, undefined, "DELETE");
    } catch (problem) {
      toast(problem.message, "problem");
    }
  }

  #end() {
    this.#open.frame.end();
    this.#open = null;
  }
}
