// The requests that the stand-ins sent to the agent, from both platforms' logs, in one shape.

import { ask } from "./dom.js";

const KEPT = 30;

/** Keeps the newest requests of both stand-ins; `listener()` is called after each. */
export class Requests {
  all = [];
  #listener;
  #slackUrl = "";
  #botId = "";

  constructor({ slack, teams, listener }) {
    this.#listener = listener;
    slack.onDelivery((delivery) => this.#take(fromSlack(delivery, this.#slackUrl, this.#botId)));
    teams.onDelivery((delivery) => this.#take(fromTeams(delivery)));
  }

  async start() {
    const [state, slack, teams] = await Promise.all(
      ["slack/state", "slack/deliveries", "teams/deliveries?limit=20"].map((path) =>
        ask(`/playground/${path}`, undefined, "GET"),
      ),
    );
    this.#botId = state.bot.user_id;
    this.#slackUrl = state.request_url || "(Socket Mode)";
    const found = [
      ...slack.deliveries.slice(-20).map((delivery) => fromSlack(delivery, this.#slackUrl, this.#botId)),
      ...teams.deliveries.map(fromTeams),
    ];
    this.all = found.filter(Boolean).sort((a, b) => a.at - b.at).slice(-KEPT);
    this.#listener();
  }

  /** The newest request that a person caused; what the agent itself posted comes back as well. */
  get newest() {
    return this.all.findLast((request) => !request.isEcho) || null;
  }

  /** The newest event that can be delivered again. */
  get newestEvent() {
    return this.all.findLast((request) => request.again && !request.isEcho) || null;
  }

  #take(request) {
    if (!request) return;
    this.all = [...this.all.filter((known) => known.id !== request.id), request].slice(-KEPT);
    this.#listener();
  }
}

function fromSlack(delivery, url, botId) {
  const attempt = delivery.attempts[delivery.attempts.length - 1];
  if (!attempt) return null;
  const body = decoded(delivery.body);
  const event = body?.event || {};
  const seconds = Number(attempt.headers["X-Slack-Request-Timestamp"] || body?.event_time || 0);
  return {
    id: `slack-${delivery.number}`,
    platform: "Slack",
    label: `${delivery.label}${attempt.retry_num ? `, repeated (${attempt.retry_num})` : ""}`,
    at: seconds * 1000 + delivery.number / 1000,
    url: attempt.over === "socket" ? "over Socket Mode" : `POST ${url}`,
    headers: attempt.headers,
    body,
    status: attempt.status,
    problem: attempt.problem,
    answer: attempt.answer,
    ms: attempt.ack_ms,
    isEcho: Boolean(event.bot_id || event.message?.bot_id || event.user === botId),
    again: delivery.kind === "events_api" && ["message", "app_mention"].includes(delivery.label) && delivery.event_id
      ? (times) => ask("/playground/slack/redeliver", { event_id: delivery.event_id, copies: times })
      : null,
  };
}

function fromTeams(delivery) {
  return {
    id: `teams-${delivery.id}`,
    platform: "Teams",
    label: `${delivery.name || delivery.activityType}${delivery.attempt > 1 ? `, repeated (${delivery.attempt - 1})` : ""}`,
    at: Date.parse(delivery.at),
    url: `POST ${delivery.url}`,
    headers: delivery.headers,
    claims: delivery.claims,
    body: typeof delivery.body === "string" ? decoded(delivery.body) : delivery.body,
    status: delivery.status,
    problem: delivery.error,
    answer: delivery.response,
    ms: delivery.milliseconds,
    isEcho: false,
    again: delivery.activityType === "message"
      ? (times) => ask("/playground/teams/deliveries", { delivery: delivery.id, times })
      : null,
  };
}

/** JSON as it is, or the JSON inside a form's `payload`, or the text. */
function decoded(body) {
  try {
    return JSON.parse(body);
  } catch {
    const form = new URLSearchParams(body);
    if (!form.has("payload")) return form.size > 1 ? Object.fromEntries(form) : body;
    try {
      return JSON.parse(form.get("payload"));
    } catch {
      return body;
    }
  }
}
