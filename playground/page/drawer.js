// The drawer under the page: the last signed request, the decision, the ledger row, the account.

import { h } from "./dom.js";
import { Requests } from "./requests.js";
import { troubles } from "./trouble.js";

const NOT_CONNECTED = "Not connected. “make demo” starts the agent and its ledger beside this page.";

export class Drawer {
  #inspection;
  #requests;
  #picked = "";
  #drawn = new Map();

  constructor({ inspection, slack, teams, payments }) {
    this.#inspection = inspection;
    this.#requests = new Requests({ slack, teams, listener: () => this.#draw() });
    this.section = document.getElementById("drawer");
    this.toggle = document.getElementById("drawer-toggle");
    this.#build(payments);
    inspection.onChange(() => this.#draw());
  }

  async start() {
    await this.#requests.start();
    this.#draw();
  }

  #build(payments) {
    const said = h("p", { class: "drawer-said", role: "status" });
    const say = (words) => {
      said.textContent = words;
    };
    this.picker = h("select", {
      id: "request-pick",
      on: {
        change: () => {
          this.#picked = this.picker.value;
          this.#draw();
        },
      },
    });
    this.request = h("div", {});
    this.decision = h("div", {});
    this.ledger = h("div", {});
    this.account = h("div", {});
    const close = h("button", { type: "button", class: "button quiet", on: { click: () => this.#set(false) } }, "Close");
    const pick = h("div", { class: "request-pick" }, h("label", { for: "request-pick" }, "Show"), this.picker);
    this.section.append(
      h("header", { class: "drawer-head" }, h("h2", { id: "drawer-heading", tabindex: "-1" }, "Under the hood"), said, close),
      h("h3", { class: "unseen" }, "Make trouble"),
      troubles({ requests: this.#requests, inspection: this.#inspection, payments, say }),
      h(
        "div",
        { class: "drawer-columns" },
        column("Signed request", [pick, this.request]),
        column("Decision", [this.decision]),
        column("Ledger", [this.ledger]),
        column("Account, before and after", [this.account]),
      ),
    );
    this.toggle.addEventListener("click", () => this.#set(this.section.hidden));
    this.section.addEventListener("keydown", (event) => {
      if (event.key === "Escape") this.#set(false);
    });
  }

  #set(open) {
    this.section.hidden = !open;
    this.toggle.setAttribute("aria-expanded", String(open));
    document.documentElement.classList.toggle("drawer-open", open);
    this.#inspection.watched = open;
    if (open) {
      this.#inspection.soon();
      this.#draw();
      this.section.querySelector("#drawer-heading").focus();
    } else {
      this.toggle.focus();
    }
  }

  // --- drawing -------------------------------------------------------------------------------

  #draw() {
    this.#drawHeader();
    if (this.section.hidden) return;
    this.#drawPicker();
    const picked = this.#requests.all.find((request) => request.id === this.#picked);
    this.#put(this.request, picked || this.#requests.newest, drawRequest);
    const { proposals, ledger, accounts, lastChanged, status, provider } = this.#inspection;
    if (!status) {
      for (const place of [this.decision, this.ledger, this.account]) this.#put(place, NOT_CONNECTED, (words) => quiet(words));
      return;
    }
    this.#put(this.decision, proposals[0] || null, drawProposal);
    this.#put(this.ledger, { entry: ledger[0] || null, provider }, drawLedger);
    const id = lastChanged || proposals[0]?.account || [...accounts.keys()][0];
    this.#put(this.account, accounts.get(id) || null, drawAccount);
  }

  // Draws only what changed, so that a selection or a scroll position survives the next look.
  #put(place, value, draw) {
    const signature = JSON.stringify(value);
    if (this.#drawn.get(place) === signature) return;
    this.#drawn.set(place, signature);
    place.replaceChildren(draw(value));
  }

  #drawPicker() {
    const wanted = this.#requests.all.map((request) => request.id).join();
    if (this.#drawn.get(this.picker) === wanted) return;
    this.#drawn.set(this.picker, wanted);
    const options = [...this.#requests.all].reverse().map((request) => {
      const echo = request.isEcho ? " (the agent’s own post)" : "";
      const label = `${request.platform}: ${request.label}${echo}, ${new Date(request.at).toLocaleTimeString()}`;
      return h("option", { value: request.id, selected: request.id === this.#picked }, label);
    });
    this.picker.replaceChildren(h("option", { value: "" }, "the newest, live"), ...options);
    if (!this.#requests.all.some((request) => request.id === this.#picked)) this.#picked = "";
  }

  #drawHeader() {
    const { status, isConfigured } = this.#inspection;
    const [model, worker] = ["model-label", "worker-label"].map((id) => document.getElementById(id));
    const missing = isConfigured ? "no answer yet" : "not connected";
    const label = status?.model.is_language_model === false ? "Scripted rules, not a language model" : status?.model.label;
    setText(model, label || missing);
    const restarts = status?.worker.restarts ? `, restarted ${status.worker.restarts}×` : "";
    setText(worker, status ? `${status.worker.state}${restarts}` : missing);
    worker.dataset.state = status?.worker.state || "";
  }
}

function setText(element, words) {
  if (element.textContent !== words) element.textContent = words;
}

function column(title, nodes) {
  return h("section", { class: "drawer-column", "aria-label": title, tabindex: "0" }, h("h3", {}, title), nodes);
}

function quiet(words) {
  return h("p", { class: "quiet-words" }, words);
}

function pairs(entries) {
  return h(
    "dl",
    { class: "pairs" },
    entries.filter(([, value]) => value !== null && value !== undefined && value !== "").map(([name, value]) =>
      h("div", {}, h("dt", {}, name), h("dd", {}, String(value))),
    ),
  );
}

function drawRequest(request) {
  if (!request) return quiet("Nothing has been sent to the agent yet.");
  const body = typeof request.body === "string" ? request.body : JSON.stringify(request.body, null, 2);
  const result = request.status === null ? request.problem : `${request.status} in ${Math.round(request.ms)} ms`;
  return h(
    "div",
    {},
    h("p", { class: "request-line" }, h("code", {}, request.url)),
    h("p", { class: "request-result" }, h("strong", {}, `Answer: ${result}`), request.problem && request.status !== null ? ` (${request.problem})` : ""),
    request.answer ? h("pre", {}, h("code", {}, pretty(request.answer))) : null,
    h("h4", {}, "Headers"),
    pairs(Object.entries(request.headers)),
    request.claims ? [h("h4", {}, "What the signed token says"), pairs(claims(request.claims))] : null,
    h("h4", {}, "Body"),
    h("pre", {}, h("code", {}, body)),
  );
}

function claims(given) {
  return Object.entries(given).map(([name, value]) => [name, typeof value === "object" ? JSON.stringify(value) : value]);
}

function pretty(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

function drawProposal(proposal) {
  if (!proposal) return quiet("No action has been proposed yet.");
  return h(
    "div",
    {},
    h("p", { class: "drawer-main" }, proposal.title),
    h("p", { class: "rule" }, h("span", {}, "Rule that decided"), h("code", {}, proposal.rule || "(none)")),
    pairs([
      ["Status", proposal.status],
      ["Account", proposal.account],
      ["Tool", proposal.tool],
      ["Asked by", proposal.requester],
      ["Approved by", proposal.approver],
      ["Proposed", time(proposal.proposed_at)],
      ["Expires", time(proposal.expires_at)],
      ["Proposal", proposal.id],
    ]),
    h("h4", {}, "Exact arguments"),
    h("pre", {}, h("code", {}, JSON.stringify(proposal.arguments, null, 2))),
  );
}

function drawLedger({ entry, provider }) {
  if (!entry) return quiet("Nothing has been done yet.");
  return h(
    "div",
    {},
    h("p", { class: "drawer-main" }, `${entry.tool}: ${entry.outcome || "begun, outcome not written yet"}`),
    pairs([
      ["Amount", money(entry)],
      ["Account", entry.account],
      ["Asked by", entry.requester],
      ["Reason", entry.reason],
      ["Written before", time(entry.intended_at)],
      ["Settled", time(entry.settled_at)],
      ["Key", entry.key],
    ]),
    provider ? [h("h4", {}, "At the payment provider"), pairs(providerLines(entry, provider))] : null,
    h("h4", {}, "Arguments"),
    h("pre", {}, h("code", {}, JSON.stringify(entry.arguments, null, 2))),
  );
}

function providerLines(entry, provider) {
  const same = provider.effects.filter((effect) => effect.idempotency_key === entry.key);
  return [
    ["Under this key", entry.amount_minor ? `${same.length} ${same[0]?.object || "effect"}` : ""],
    ["In all", `${provider.charges} charges, ${provider.refunds} refunds`],
    ["Asked again", `${provider.replays} times, answered without a second effect`],
  ];
}

function money({ amount_minor: minor, currency }) {
  if (minor === null || minor === undefined || !currency) return "";
  const format = new Intl.NumberFormat("en", { style: "currency", currency });
  return format.format(minor / 10 ** format.resolvedOptions().maximumFractionDigits);
}

function time(text) {
  return text ? new Date(text).toLocaleTimeString() : "";
}

function drawAccount(found) {
  if (!found) return quiet("No account yet.");
  const { account, before, at } = found;
  const names = [...new Set([...Object.keys(before?.fields || {}), ...Object.keys(account.fields)])];
  const rows = names.map((name) => {
    const [was, is] = [before?.fields[name], account.fields[name]];
    const changed = before && was !== is;
    return h(
      "tr",
      { class: changed ? "changed" : null },
      h("th", { scope: "row" }, name),
      before ? h("td", {}, changed ? h("del", {}, was ?? "–") : was) : null,
      h("td", {}, changed ? h("ins", {}, is ?? "–") : (is ?? "–")),
    );
  });
  const heads = ["Field", before ? "Before" : null, before ? "After" : "Now"].filter(Boolean);
  return h(
    "div",
    {},
    h("p", { class: "drawer-main" }, account.name),
    before
      ? quiet(`Changed at ${at.toLocaleTimeString()}`)
      : quiet("Not changed since this page was opened."),
    h("table", { class: "account" }, h("thead", {}, h("tr", {}, heads.map((head) => h("th", { scope: "col" }, head)))), h("tbody", {}, rows)),
  );
}
