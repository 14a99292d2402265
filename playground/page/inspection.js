// What the demo's supervisor tells: the service, its proposals, the ledger, and the accounts.

import { ask } from "./dom.js";

const EVERY_MS = 4_000;
const EVERY_MS_WATCHED = 1_500;
const SOON_MS = 300;

export class Inspection {
  status = null;
  proposals = [];
  ledger = [];
  /** account id → {account, before, at}: `before` is the row as it was before its last change. */
  accounts = new Map();
  lastChanged = null;
  /** Set while somebody looks: then it is read more often. */
  watched = false;
  /** What the payment provider counts, or null. */
  provider = null;
  #configured;
  #payments;
  #listeners = new Set();
  #timer = 0;
  #reading = false;

  constructor({ connected, payments, sources }) {
    this.#payments = payments;
    this.#configured = connected;
    for (const source of sources) {
      source.onChange(() => this.soon());
      source.onDelivery(() => this.soon());
    }
  }

  /** False when this playground was started without a supervisor. */
  get isConfigured() {
    return this.#configured;
  }

  onChange(listener) {
    this.#listeners.add(listener);
  }

  async start() {
    this.#tell();
    if (this.#configured) await this.read();
  }

  /** Reads again in a moment: something happened. */
  soon() {
    if (!this.#configured || this.#reading) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.read(), SOON_MS);
  }

  async read() {
    clearTimeout(this.#timer);
    this.#reading = true;
    try {
      const [status, proposals, ledger, accounts] = await Promise.all(
        ["status", "proposals?limit=20", "ledger?limit=20", "accounts"].map((path) =>
          ask(`/demo/${path}`, undefined, "GET"),
        ),
      );
      Object.assign(this, { status, proposals, ledger });
      this.#compare(accounts);
    } catch {
      // The label says so; a supervisor that starts late is found at the next look.
      this.status = null;
    }
    this.provider = this.#payments ? await readProvider() : null;
    this.#reading = false;
    this.#tell();
    this.#timer = setTimeout(() => this.read(), this.watched ? EVERY_MS_WATCHED : EVERY_MS);
  }

  #compare(accounts) {
    for (const account of accounts) {
      const known = this.accounts.get(account.id);
      const changed = known && JSON.stringify(known.account.fields) !== JSON.stringify(account.fields);
      if (changed) {
        this.accounts.set(account.id, { account, before: known.account, at: new Date() });
        this.lastChanged = account.id;
      } else {
        this.accounts.set(account.id, { ...known, account });
      }
    }
  }

  #tell() {
    for (const listener of this.#listeners) listener();
  }
}

async function readProvider() {
  try {
    return await ask("/payments/state", undefined, "GET");
  } catch {
    return null;
  }
}
