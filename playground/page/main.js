// Starts the page: reads both worlds, builds the four conversations, joins header and drawer.

import { ask, h } from "./dom.js";
import { Drawer } from "./drawer.js";
import { Inspection } from "./inspection.js";
import { Pane } from "./pane.js";
import { DIRECT, SlackSource } from "./slack_source.js";
import { joinTabs } from "./tabs.js";
import { TeamsSource } from "./teams_source.js";
import { joinTheme } from "./theme.js";
import { showTries } from "./tries.js";

const NORTHWIND = "C0NORTH";
const GLOBEX = "C0GLOBEX";
const SUPPORT = "C0SUPPORT";
const INTERNAL = "C0INTERNAL";

function slackPane(source, id, title, rooms, person) {
  const choices = rooms.map((key) => ({ key, label: source.roomName(key) }));
  choices.push({ key: DIRECT, label: `Direct chat with ${source.botName}` });
  return new Pane({ id, title, short: title.split(" ")[0], source, choices, home: rooms[0], person });
}

function teamsPanes(source, supportIsHere) {
  const rooms = source.rooms().filter((room) => room.kind !== "personal");
  const channel = rooms.find((room) => room.kind === "channel");
  const named = (list) => list.map((room) => ({ key: room.id, label: source.roomName(room.id) }));
  const direct = { key: DIRECT, label: `Chat with ${source.botName}` };
  const staff = { id: "teams", title: "Acme staff", short: "Staff", source, choices: [direct, ...named(rooms)], person: "sam" };
  const panes = [new Pane(staff)];
  if (supportIsHere) {
    panes.push(new Pane({ id: "support", title: "Support", source, choices: named([channel]), person: "rita" }));
  }
  return panes;
}

// A short gap is normal: the feeds connect anew by themselves.
const GAP_MS = 1_500;

function watchConnection(sources) {
  const lost = document.getElementById("lost");
  const missing = new Map();
  const show = () => {
    lost.hidden = missing.size === 0;
  };
  for (const source of sources) {
    source.onChange(({ kind, is }) => {
      if (kind !== "connection") return;
      if (is) {
        clearTimeout(missing.get(source));
        missing.delete(source);
        show();
      } else if (!missing.has(source)) {
        missing.set(source, setTimeout(show, GAP_MS));
      }
    });
  }
}

async function start() {
  joinTheme();
  const [slack, teams] = [new SlackSource(), new TeamsSource()];
  watchConnection([slack, teams]);
  const configured = ask("/playground/page", undefined, "GET");
  await Promise.all([slack.start(), teams.start()]);
  const { support, inspect, payments } = await configured;

  const panes = [
    slackPane(slack, "northwind", "Northwind Traders", [NORTHWIND], "olive"),
    slackPane(slack, "globex", "Globex", [GLOBEX], "greta"),
    ...teamsPanes(teams, support === "teams"),
  ];
  if (support === "slack") panes.push(slackPane(slack, "support", "Support", [SUPPORT, INTERNAL], "rita"));
  await Promise.all(panes.map((pane) => pane.ready));
  document.getElementById("panes").append(...panes.map((pane) => pane.element));
  for (const pane of panes) pane.scroll.scrollTop = pane.scroll.scrollHeight;

  const tabs = joinTabs(panes);
  for (const pane of panes) pane.onNews = () => tabs.news(pane.id);
  showTries((one) => {
    tabs.select(one.pane);
    panes.find((pane) => pane.id === one.pane).compose(one);
  });

  const inspection = new Inspection({ connected: inspect, payments, sources: [slack, teams] });
  const drawer = new Drawer({ inspection, slack, teams, payments });
  await Promise.all([inspection.start(), drawer.start()]);
  document.documentElement.dataset.ready = "true";
}

start().catch((problem) => {
  const words = `The page could not start: ${problem.message}`;
  document.getElementById("panes").append(h("p", { class: "no-script", role: "alert" }, words));
});
