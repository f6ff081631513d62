// Where everything meets: the run, what is shown of it, and which event is chosen.
import { RELATION, relate } from "./causes.js";
import { colours } from "./colours.js";
import { filterBoxes, hiddenWords, keys, theme } from "./controls.js";
import { SORT, bisect, readRun } from "./data.js";
import { diagram } from "./diagram.js";
import { byId, element } from "./element.js";
import { everything, neighbour, search, visible } from "./filter.js";
import { instant } from "./instant.js";
import { drawLegend } from "./legend.js";
import { longList } from "./list.js";
import { measureScrub } from "./measure.js";
import { operations } from "./operations.js";
import { overview } from "./overview.js";
import { describe } from "./said.js";
import { entryOf, nearest, scaled } from "./scale.js";
import { readStates } from "./states.js";
import { story, writeHead } from "./story.js";
import { tabs } from "./tabs.js";
import { seconds } from "./words.js";

/** The steps of the slider. */
const STEPS = 1_000_000;
/** How long an event stays when the run is played, in milliseconds. */
const PACE = 450;

const run = readRun(JSON.parse(byId("data").textContent));
byId("data").remove();
const view = {
  run,
  states: readStates(run),
  filter: everything(run),
  shown: new Uint32Array(0),
  scale: null,
  relation: new Uint8Array(run.count),
  related: false,
  causes: true,
  selected: -1,
  hits: new Uint32Array(0),
  colour: {},
  slider: null,
};

/** Between the slider, from 0 to 1, and the run. */
view.slider = {
  partOf(entry) {
    const { place, steps } = view.scale;
    const [from, to] = [place[steps[0]], place[steps[steps.length - 1]]];
    return to > from ? Math.min(1, Math.max(0, (place[run.step[entry]] - from) / (to - from))) : 0;
  },
  entryAt(part) {
    const { place, steps } = view.scale;
    const [from, to] = [place[steps[0]], place[steps[steps.length - 1]]];
    return entryOf(run, view.shown, nearest(view.scale, from + part * (to - from)));
  },
};

let asked = false;
/** Chooses an event; the page follows in the next frame. */
function select(entry, follow = true) {
  if (entry < 0 || entry >= run.count) return;
  view.selected = entry;
  if (asked) return;
  asked = true;
  requestAnimationFrame(() => {
    asked = false;
    update(follow);
  });
}

writeHead(view, select);
rescale();
const picture = diagram(view, select);
const glance = overview(view);
const panels = { instant: instant(view, select), operations: operations(view, select), story: story(view, select) };
const events = longList(byId("event-list"), 26, eventRow, (at) => select(view.shown[at]));
const opened = tabs(document.querySelector("[role=tablist]"), () => showPanels());

function rescale() {
  view.shown = visible(run, view.filter);
  view.scale = scaled(run, view.shown, byId("scale").value === "even");
}

function eventRow(at) {
  const entry = view.shown[at];
  const what = run.what[entry];
  const bad = what >= SORT.lost && what <= SORT.to_down;
  const fault = (what >= SORT.fault_began && what <= SORT.healed) || what === SORT.down;
  const related = view.causes ? view.relation[entry] : RELATION.none;
  const kind = bad ? "bad" : fault ? "fault" : what === SORT.marked ? "mark" : "";
  const hit = view.hits.length > 0 && view.hits[bisect(view.hits, entry)] === entry ? "hit" : "";
  const relation = related === RELATION.past ? "past" : related === RELATION.future ? "future" : "";
  return element(
    "div",
    { className: `row ${kind} ${hit} ${relation}` },
    element("span", { className: "at" }, seconds(run.at[entry])),
    element("b", {}, run.node[entry] < 0 ? "" : run.nodes[run.node[entry]]),
    element("span", { className: "words", title: run.words(entry) }, run.words(entry)),
  );
}

function showPanels() {
  if (view.selected < 0) return;
  if (opened.isOpen("instant")) panels.instant.show();
  if (opened.isOpen("operations")) panels.operations.show();
  if (opened.isOpen("story")) panels.story.show();
  if (opened.isOpen("events")) events.show(view.shown.length, bisect(view.shown, view.selected + 1) - 1);
}

function update(follow) {
  const entry = view.selected;
  view.related = relate(run, entry, view.relation);
  const slider = byId("scrub");
  slider.value = String(Math.round(view.slider.partOf(entry) * STEPS));
  const said = `${seconds(run.at[entry])}: ${describe(run, entry)}`;
  slider.setAttribute("aria-valuetext", said);
  byId("now").textContent = seconds(run.at[entry]);
  picture.show(follow);
  showPanels();
  announce();
}

let announcing = 0;
/** Tells a screen reader of the chosen event, when it has been chosen for a moment. */
function announce() {
  clearTimeout(announcing);
  announcing = setTimeout(() => {
    const entry = view.selected;
    const node = run.node[entry];
    const changed = node >= 0 && view.states.known(entry) && view.states.changes(node, entry);
    const violated = entry === run.violationEntry ? `. Here ${run.violation.property} is violated: ${run.violation.message}` : "";
    byId("live").textContent =
      `Event ${entry + 1} of ${run.count}, ${seconds(run.at[entry])}: ${describe(run, entry)}` +
      (changed ? `. The state of ${run.nodes[node]} changed` : "") + violated;
  }, 250);
}

/** Shows the same with another filter, search or scale. */
function refresh() {
  if (view.filter.nodes.every((shown) => !shown)) view.filter.nodes[0] = true;
  rescale();
  find();
  byId("filtered").textContent = hiddenWords(view.filter);
  picture.lay();
  glance.draw();
  if (view.selected >= 0) update(true);
}

function find() {
  const wanted = byId("search").value;
  view.hits = search(run, view.shown, wanted);
  byId("hits").textContent = wanted.trim() === "" ? "" : view.hits.length === 0 ? "nothing found" : `${view.hits.length.toLocaleString("en")} found`;
}

const hop = (direction) => select(neighbour(view.shown, view.selected, direction));
const hopHit = (direction) => select(neighbour(view.hits, view.selected, direction));
/** The neighbour at the same node. */
function hopNode(direction) {
  const node = run.node[view.selected];
  for (let at = bisect(view.shown, view.selected) + direction; at >= 0 && at < view.shown.length; at += direction)
    if (node < 0 || run.node[view.shown[at]] === node) return select(view.shown[at]);
}
const zoomBy = (factor) => picture.zoomTo(picture.zoom() * factor);

let playing = 0;
function play() {
  const button = byId("play");
  if (playing) {
    clearInterval(playing);
    playing = 0;
  } else playing = setInterval(() => (neighbour(view.shown, view.selected, 1) < 0 ? play() : hop(1)), PACE);
  button.setAttribute("aria-pressed", String(playing !== 0));
  button.setAttribute("aria-label", playing ? "Stop" : "Play");
  button.textContent = playing ? "❚❚" : "▶▶";
}

const actions = {
  first: () => select(view.shown[0]),
  last: () => select(view.shown[view.shown.length - 1]),
  previous: () => hop(-1),
  next: () => hop(1),
  play,
  "hit-next": () => hopHit(1),
  "hit-before": () => hopHit(-1),
  "zoom-in": () => zoomBy(1.5),
  "zoom-out": () => zoomBy(1 / 1.5),
  whole: () => picture.zoomTo(picture.whole()),
  help: () => byId("keys").showModal(),
};
for (const [id, action] of Object.entries(actions)) byId(id).addEventListener("click", action);

const look = theme(() => {
  view.colour = colours();
  drawLegend(view);
  picture.show(false);
  glance.draw();
});
const tab = (name) => () => byId(`tab-${name}`).click();
keys({
  ArrowLeft: actions.previous,
  ArrowUp: actions.previous,
  ArrowRight: actions.next,
  ArrowDown: actions.next,
  "Shift+ArrowLeft": () => hopNode(-1),
  "Shift+ArrowUp": () => hopNode(-1),
  "Shift+ArrowRight": () => hopNode(1),
  "Shift+ArrowDown": () => hopNode(1),
  Home: actions.first,
  End: actions.last,
  c: () => select(run.cause[view.selected]),
  v: () => select(run.violationEntry),
  "+": actions["zoom-in"],
  "=": actions["zoom-in"],
  "-": actions["zoom-out"],
  0: actions.whole,
  "/": () => byId("search").focus(),
  n: actions["hit-next"],
  N: actions["hit-before"],
  p: play,
  t: look.toggle,
  "?": actions.help,
  1: tab("instant"),
  2: tab("events"),
  3: tab("operations"),
  4: tab("story"),
});

filterBoxes(view, refresh);
byId("scrub").addEventListener("input", (event) => select(view.slider.entryAt(event.target.value / STEPS)));
byId("scale").addEventListener("change", refresh);
byId("causes").addEventListener("change", (event) => {
  view.causes = event.target.checked;
  update(false);
});
byId("search").addEventListener("input", () => {
  find();
  picture.show(false);
  glance.draw();
  showPanels();
});
byId("search").addEventListener("keydown", (event) => {
  if (event.key === "Enter") hopHit(event.shiftKey ? -1 : 1);
});
document.addEventListener("click", (event) => {
  if (!byId("filters").contains(event.target)) byId("filters").open = false;
});

look.apply();
picture.lay();
select(run.violationEntry >= 0 ? run.violationEntry : 0);

/** For tests of the page. */
const seedbed = {
  state: () => ({ selected: view.selected, shown: view.shown.length, hits: view.hits.length, count: run.count, zoom: picture.zoom() }),
  measure: (frames) => measureScrub(view, (part) => select(view.slider.entryAt(part)), frames),
};
Object.assign(window, { seedbed });
