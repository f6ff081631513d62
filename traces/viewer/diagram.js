// The space–time diagram: a line a node, time downwards, only what is in view.
import { arrowColour, faultColour } from "./colours.js";
import { drawArrow, drawLine, drawLoop, partOf } from "./arrows.js";
import { fitted, measurer, occupied, pen } from "./canvas.js";
import { FATE, SORT, bisect } from "./data.js";
import { showsMessage } from "./filter.js";
import { describe, fateWord, isFault, isSaid, statusOf } from "./said.js";
import { LINE, entryOf, nearest } from "./scale.js";
import { cross, diamond, hatch, ring } from "./shapes.js";
import { RELATION } from "./causes.js";
import { seconds } from "./words.js";
import { byId, element } from "./element.js";

/** How many arrows and events are drawn at most at one time: of more, an eye tells nothing. */
const MOST = 1_500;
/** Rows at least this high, in pixels, have room for heads of arrows, and for words. */
const HEADS = 4;
const WORDS = 9;
/** The height of a row at zoom 1, in pixels; the most pixels a page can be high in all browsers. */
const ROW = 23;
const HIGHEST = 8_000_000;
/** The least a node's column is wide, and what is left free beside the last. */
const NARROWEST = 84;
const RIGHT = 24;
const FAINT = 0.2;

/** @param {any} view what is shown: run, states, filter, shown, scale, relation, selected, hits, colour */
export function diagram(view, select) {
  const [scroller, sheet, canvas, heads] = ["diagram", "sheet", "canvas", "heads"].map(byId);
  let [zoom, asked] = [1, false];
  let measure = null;
  // Where the times stand: as wide as the longest of them.
  const gutter = 24 + 6.7 * (String(Math.floor(view.run.end / 1e9)).length + 12);

  const lanes = () => view.run.nodes.map((_, node) => node).filter((node) => view.filter.nodes[node]);
  let columns = { shown: [], x: [], width: NARROWEST, all: 0 };

  /** Where the columns are. */
  function lay() {
    const shown = lanes();
    const room = scroller.clientWidth - gutter - RIGHT;
    const width = Math.max(NARROWEST, room / Math.max(1, shown.length));
    const x = new Array(view.run.nodes.length).fill(NaN);
    shown.forEach((node, n) => (x[node] = gutter + (n + 0.5) * width));
    columns = { shown, x, width, all: Math.max(scroller.clientWidth, gutter + shown.length * width + RIGHT) };
    sheet.style.height = `${height() + heads.offsetHeight}px`;
    sheet.style.width = heads.style.width = `${columns.all}px`;
    measure = null;
    headsAnew();
    ask();
  }

  const row = () => Math.min(ROW * zoom, HIGHEST / view.scale.rows);
  const height = () => Math.max(scroller.clientHeight - heads.offsetHeight - 2, view.scale.rows * row());
  const yOf = (entry) => view.scale.place[view.run.step[entry]] * row();

  function ask() {
    if (asked) return;
    asked = true;
    requestAnimationFrame(() => {
      asked = false;
      draw();
    });
  }

  /** The names of the nodes, and what is so of each at the chosen instant. */
  function headsAnew() {
    heads.replaceChildren(
      element("div", { className: "head time", style: `width:${gutter - 8}px` }, "time"),
      ...columns.shown.map((node) => {
        const head = element("div", { className: "head" }, element("b", {}, view.run.nodes[node]), element("span"));
        head.style.left = `${columns.x[node] - columns.width / 2}px`;
        head.style.width = `${columns.width}px`;
        return head;
      }),
    );
    headsNow();
  }

  function headsNow() {
    columns.shown.forEach((node, n) => {
      const head = heads.children[n + 1];
      const said = [statusOf(view, node)].flat().join(" · ");
      const named = view.run.violation && view.run.violation.nodes.includes(node);
      head.classList.toggle("concerned", Boolean(named));
      if (head.lastChild.textContent !== said) head.lastChild.textContent = said;
      head.title = said;
    });
  }

  function draw() {
    const { run, colour } = view;
    const [width, tall] = [scroller.clientWidth, Math.max(40, scroller.clientHeight - heads.offsetHeight)];
    const context = pen(canvas, width, tall);
    const [left, top] = [scroller.scrollLeft, scroller.scrollTop];
    context.font = "11.5px system-ui, sans-serif";
    measure ??= measurer(context);
    context.fillStyle = colour.panel;
    context.fillRect(0, 0, width, tall);
    context.save();
    context.translate(-left, -top);
    const seen = { top: top - 30, bottom: top + tall + 30, left, right: left + width };
    // The steps in view, by bisection; a little more on both sides.
    const [a, b] = [stepAt(seen.top), stepAt(seen.bottom)];
    const from = bisect(view.shown, run.first[a]);
    const to = bisect(view.shown, run.first[Math.min(b + 1, run.stepCount)]);
    const take = occupied();
    drawBands(context, seen);
    drawLanes(context, seen);
    drawOperations(context, seen);
    drawSelection(context, seen);
    drawArrows(context, seen, take);
    drawEvents(context, from, to, take);
    context.restore();
    drawTimes(context, top, tall, from, to);
  }

  /** The last shown step above a height. */
  function stepAt(y) {
    const { steps, place } = view.scale;
    let [from, to] = [0, steps.length];
    while (from < to) {
      const middle = (from + to) >> 1;
      if (place[steps[middle]] * row() < y) from = middle + 1;
      else to = middle;
    }
    return steps[Math.max(0, from - 1)] ?? 0;
  }

  function drawLanes(context, seen) {
    const { run, colour } = view;
    context.lineWidth = 1.5;
    for (const node of columns.shown) {
      context.strokeStyle = colour.line;
      context.beginPath();
      context.moveTo(columns.x[node], Math.max(seen.top, 0));
      context.lineTo(columns.x[node], Math.min(seen.bottom, height()));
      context.stroke();
    }
    // A node that is down has no line.
    for (const down of run.downs) {
      const [from, to] = [yOf(down.from), down.to < 0 ? height() : yOf(down.to)];
      if (to < seen.top || from > seen.bottom || !view.filter.nodes[down.node]) continue;
      const [y1, y2] = [Math.max(from, seen.top), Math.min(to, seen.bottom)];
      context.fillStyle = colour.panel;
      context.fillRect(columns.x[down.node] - 8, y1, 16, y2 - y1);
      hatch(context, columns.x[down.node] - 8, y1, 16, y2 - y1, colour.crash);
    }
  }

  /** Faults, as bands over the lines of the nodes that they strike. */
  function drawBands(context, seen) {
    const { run, colour, filter } = view;
    if (filter.hiddenGroups.has("faults")) return;
    const nested = new Map();
    for (const fault of run.faults) {
      if (fault.class === "crash" || fault.class === "wipe") continue;
      const [from, to] = [yOf(fault.began), fault.ended === null ? height() : yOf(fault.ended)];
      for (const node of fault.nodes) {
        // Bands that overlap become narrower, so that each shows.
        const open = (nested.get(node) ?? []).filter((until) => until > from);
        nested.set(node, [...open, to]);
        if (to < seen.top || from > seen.bottom || !filter.nodes[node]) continue;
        const half = Math.max(12, columns.width * 0.4 - open.length * 9);
        const [y1, y2] = [Math.max(from, seen.top), Math.min(to, seen.bottom)];
        const paint = faultColour(colour, fault.class);
        context.globalAlpha = 0.13;
        context.fillStyle = paint;
        context.fillRect(columns.x[node] - half, y1, half * 2, y2 - y1);
        context.globalAlpha = 0.75;
        context.strokeStyle = paint;
        context.lineWidth = 1.5;
        context.setLineDash(fault.class === "partition" ? [3, 4] : fault.class === "pause" ? [8, 3] : []);
        context.beginPath();
        context.moveTo(columns.x[node] - half, y1);
        context.lineTo(columns.x[node] - half, y2);
        context.moveTo(columns.x[node] + half, y1);
        context.lineTo(columns.x[node] + half, y2);
        context.stroke();
        context.setLineDash([]);
        context.globalAlpha = 1;
      }
    }
  }

  function drawOperations(context, seen) {
    const { run, colour, filter } = view;
    if (filter.hiddenGroups.has("operations")) return;
    for (const operation of run.operations) {
      const from = yOf(operation.invoked);
      if (from > seen.bottom) break;
      if (!filter.nodes[operation.node]) continue;
      const to = operation.ended === null ? height() : yOf(operation.ended);
      if (to < seen.top) continue;
      const [y1, y2] = [Math.max(from, seen.top), Math.min(to, seen.bottom)];
      const x = columns.x[operation.node];
      context.fillStyle = context.strokeStyle = colour[operation.outcome];
      context.globalAlpha = operation.outcome === "unknown" ? 0.22 : 0.5;
      context.fillRect(x - 4, y1, 8, y2 - y1);
      context.globalAlpha = 0.8;
      context.lineWidth = 1;
      // What never ended has no firm edge, and what failed has a broken one.
      context.setLineDash(operation.outcome === "returned" ? [] : operation.outcome === "failed" ? [6, 3] : [2, 3]);
      context.strokeRect(x - 4, from, 8, Math.min(to, seen.bottom + 20) - from);
      context.setLineDash([]);
      context.globalAlpha = 1;
    }
  }

  function drawSelection(context, seen) {
    if (view.selected < 0) return;
    const y = yOf(view.selected);
    context.fillStyle = view.colour.accent;
    context.globalAlpha = 0.12;
    context.fillRect(seen.left, y - 10, seen.right - seen.left, 20);
    context.globalAlpha = 1;
  }

  /** How strongly something is drawn: what has nothing to do with the chosen event stands back. */
  const strength = (entry) =>
    view.causes && view.related && view.relation[entry] === RELATION.none && !isFault(view.run.what[entry]) ? FAINT : 1;

  function drawArrows(context, seen, take) {
    const { run, colour, filter } = view;
    const { arrows, messages } = run;
    // No arrow before this one reaches into the view, and none begins below it after the last.
    const first = bisect(arrows.reach, run.first[stepAt(seen.top)]);
    const last = bisect(arrows.begin, run.first[Math.min(stepAt(seen.bottom) + 1, run.stepCount)]);
    const every = Math.max(1, Math.ceil((last - first) / MOST));
    const labels = [];
    for (let n = first; n < last; n += every) {
      const [message, begin, end, fate] = [arrows.message[n], arrows.begin[n], arrows.end[n], arrows.fate[n]];
      if (!showsMessage(run, filter, message)) continue;
      const y1 = yOf(begin);
      const stub = fate === FATE.open || (end >= 0 && run.step[end] === run.step[begin]);
      const y2 = stub ? y1 + Math.min(14, row() * 0.6) : yOf(end);
      if (Math.max(y1, y2) < seen.top || y1 > seen.bottom) continue;
      const [from, to] = [messages.from[message], messages.to[message]];
      const x1 = columns.x[from];
      const x2 = to < 0 ? columns.all - 12 : columns.x[to];
      const [held, doubled] = [messages.held[message] >= 0, messages.doubled[message] === 1];
      const paint = arrowColour(colour, fate, held, doubled);
      const strong = Math.min(strength(begin), fate === FATE.delivered ? strength(end) : 1);
      context.globalAlpha = strong;
      context.strokeStyle = context.fillStyle = paint;
      context.lineWidth = fate === FATE.delivered ? 1.3 : 1.7;
      const part = x1 === x2 ? 1 : partOf(fate, Math.abs(x2 - x1) / columns.width);
      if (row() < HEADS) drawLine(context, x1, y1, x2, y2, part);
      else if (x1 === x2) drawLoop(context, x1, y1, y2);
      else drawArrow(context, x1, y1, x2, y2, part, fate, held, doubled);
      if (row() > WORDS) labels.push([message, x1, y1, x2, y2, paint, strong, fate, held, doubled]);
    }
    for (const [message, x1, y1, x2, y2, paint, strong, fate, held, doubled] of labels.slice(0, 400)) {
      const word = fateWord(fate, held, doubled);
      const text = run.kindOf(message) + (word ? ` (${word})` : "");
      const words = fitted(text, columns.width * 0.86, measure);
      if (words === "") continue;
      // Between the receiver and the line before it, where the arrows of one sender have come apart.
      const far = fate === FATE.delivered && x1 !== x2;
      const width = measure(words);
      const beside = far ? x2 + (columns.width / 2) * Math.sign(x1 - x2) : x1 + columns.width * 0.42 * Math.sign(x2 - x1);
      const x = Math.min(x1 === x2 ? x1 - columns.width * 0.3 : beside, columns.all - width / 2 - 6);
      const y = x1 === x2 ? (y1 + y2) / 2 : y1 + ((x - x1) / (x2 - x1)) * (y2 - y1);
      if (y < seen.top || y > seen.bottom || !take(x - width / 2 - 2, y, width + 4, 13)) continue;
      context.globalAlpha = 1;
      context.fillStyle = colour.panel;
      context.fillRect(x - width / 2 - 2, y - 6, width + 4, 12);
      context.globalAlpha = Math.max(strong, 0.4);
      haloed(context, words, x - width / 2, y, paint);
    }
    context.globalAlpha = 1;
  }

  function drawEvents(context, from, to, take) {
    const { run, colour, hits } = view;
    const every = Math.max(1, Math.ceil((to - from) / MOST));
    let [step, line] = [-1, 0];
    const words = [];
    for (let n = from; n < to; n += every) {
      const entry = view.shown[n];
      if (run.step[entry] !== step) [step, line] = [run.step[entry], 0];
      const [what, node] = [run.what[entry], run.node[entry]];
      const y = yOf(entry);
      const isHit = hits.length > 0 && hits[bisect(hits, entry)] === entry;
      context.globalAlpha = isHit ? 1 : strength(entry);
      if (node < 0) {
        if (isFault(what)) words.push([entry, across(entry), y, line++, isHit]);
        else if (isHit) ring(context, columns.x[run.messages.from[run.about[entry]]], y, colour.hit);
        continue;
      }
      const x = columns.x[node];
      drawDot(context, entry, what, x, y);
      if (isHit) ring(context, x, y, colour.hit);
      if (isSaid(what)) words.push([entry, x, y, line++, isHit]);
    }
    context.globalAlpha = 1;
    if (row() <= WORDS) return;
    for (const [entry, x, y, line, isHit] of words) drawWords(context, entry, x, y + line * LINE * row(), take, isHit);
  }

  /** Where the words of a fault stand: at the first line that it strikes. */
  function across(entry) {
    const fault = view.run.faults[view.run.about[entry]];
    const struck = (fault ? fault.nodes : []).filter((node) => view.filter.nodes[node]).map((node) => columns.x[node]);
    return (struck.length ? Math.min(...struck) : columns.x[columns.shown[0]] ?? gutter) - 18;
  }

  function drawDot(context, entry, what, x, y) {
    const { colour, relation, causes } = view;
    const related = causes ? relation[entry] : RELATION.none;
    context.fillStyle = context.strokeStyle =
      related === RELATION.past ? colour.past : related === RELATION.future ? colour.future : colour.soft;
    if (row() < HEADS) context.fillRect(x - 1.5, y - 1, 3, 2);
    else if (what === SORT.marked) {
      context.fillStyle = colour.mark;
      diamond(context, x, y, 5);
    } else if (what === SORT.down) {
      context.strokeStyle = colour.crash;
      context.lineWidth = 2.5;
      cross(context, x, y, 6);
    } else if (what === SORT.invoked || what === SORT.ended) {
      context.fillRect(x - 4.5, y - 4.5, 9, 9);
    } else {
      context.beginPath();
      context.arc(x, y, what === SORT.fired || what === SORT.synced ? 2.8 : 3.8, 0, 7);
      context.fill();
    }
    if (entry === view.selected) {
      ring(context, x, y, colour.accent);
      if (entry === view.run.violationEntry) ring(context, x, y, colour.violation, 11);
    } else if (entry === view.run.violationEntry) ring(context, x, y, colour.violation, 9);
  }

  /** Writes what an event says: at full length if there is room, else within its column, else not at all. */
  function drawWords(context, entry, x, y, take, isHit) {
    const { run, colour } = view;
    const fault = run.node[entry] < 0;
    const paint = fault
      ? faultColour(colour, run.faults[run.about[entry]]?.class ?? "")
      : run.what[entry] === SORT.marked ? colour.mark : run.what[entry] === SORT.fired ? colour.soft : colour.ink;
    const text = run.words(entry);
    const whole = measure(text);
    const right = columns.all - x - 13;
    // At its right, at its left where that has more room, or cut off within its column.
    for (const room of [right, -(x - gutter - 12), Math.min(right, columns.width * 0.9)]) {
      if (room < 0 && (whole <= right || whole > -room)) continue;
      const words = fitted(text, Math.min(Math.abs(room), 400), measure);
      const width = measure(words);
      const aside = entry === view.run.violationEntry || run.step[entry] === run.step[view.selected] ? 14 : 9;
      const begin = room < 0 ? x - aside - 2 - width : x + aside;
      if (words === "" || (room === right && words !== text && whole <= x - gutter - 12)) continue;
      if (!take(begin - 2, y, width + 4, 13)) continue;
      context.globalAlpha = isHit ? 1 : Math.max(strength(entry), 0.45);
      context.font = fault ? "600 11.5px system-ui, sans-serif" : context.font;
      haloed(context, words, begin, y, paint, isHit ? colour.hit : null);
      context.font = "11.5px system-ui, sans-serif";
      context.globalAlpha = 1;
      return;
    }
  }

  function haloed(context, text, x, y, paint, behind = null) {
    if (behind) {
      context.fillStyle = behind;
      context.globalAlpha = 0.35;
      context.fillRect(x - 2, y - 7, measure(text) + 4, 14);
      context.globalAlpha = 1;
    }
    context.textBaseline = "middle";
    context.lineJoin = "round";
    context.lineWidth = 3.5;
    context.strokeStyle = view.colour.panel;
    context.strokeText(text, x, y);
    context.fillStyle = paint;
    context.fillText(text, x, y);
  }

  /** The times at the left, as many as have room; they stay when the picture is moved sideways. */
  function drawTimes(context, top, tall, from, to) {
    const { run, colour } = view;
    context.fillStyle = colour.panel;
    context.fillRect(0, 0, gutter - 6, tall);
    context.font = "11px ui-monospace, monospace";
    context.textBaseline = "middle";
    context.textAlign = "right";
    const every = Math.max(1, Math.ceil((to - from) / MOST));
    let [below, before] = [-100, -1];
    const put = (entry, chosen) => {
      const y = yOf(entry) - top;
      if (chosen) {
        context.fillStyle = colour.accent;
        context.fillRect(2, y - 9, gutter - 10, 18);
        context.fillStyle = colour.panel;
      } else context.fillStyle = colour.soft;
      context.fillText(seconds(run.at[entry]), gutter - 12, y);
    };
    const chosen = view.selected >= 0 ? yOf(view.selected) - top : NaN;
    for (let n = from; n < to; n += every) {
      const entry = view.shown[n];
      const y = yOf(entry) - top;
      if (y < below + 15 || run.at[entry] === before || Math.abs(y - chosen) < 17) continue;
      put(entry, false);
      [below, before] = [y, run.at[entry]];
    }
    if (view.selected >= 0) put(view.selected, true);
    context.textAlign = "left";
  }

  /** The entry under the pointer. */
  function hit(event) {
    const box = canvas.getBoundingClientRect();
    const [x, y] = [event.clientX - box.left + scroller.scrollLeft, event.clientY - box.top + scroller.scrollTop];
    const step = nearest(view.scale, y / row());
    if (step < 0) return -1;
    const near = arrowAt(x, y);
    if (near >= 0 && Math.abs(view.scale.place[step] * row() - y) > 7) return near;
    return entryOf(view.run, view.shown, step);
  }

  /** The entry that sent the message whose arrow is under a place. */
  function arrowAt(x, y) {
    const { run, filter } = view;
    const { arrows, messages } = run;
    const first = bisect(arrows.reach, run.first[stepAt(y - 8)]);
    const last = bisect(arrows.begin, run.first[Math.min(stepAt(y + 8) + 1, run.stepCount)]);
    let [best, found] = [6, -1];
    for (let n = first; n < Math.min(last, first + 4 * MOST); n++) {
      const message = arrows.message[n];
      if (!showsMessage(run, filter, message) || arrows.fate[n] === FATE.open) continue;
      const [x1, x2] = [columns.x[messages.from[message]], columns.x[messages.to[message]]];
      const part = (x - x1) / (x2 - x1);
      if (!(part > 0 && part < 1)) continue;
      const [y1, y2] = [yOf(arrows.begin[n]), yOf(arrows.end[n])];
      const away = Math.abs(y1 + part * (y2 - y1) - y);
      if (away < best) [best, found] = [away, arrows.begin[n]];
    }
    return found;
  }

  scroller.addEventListener("scroll", ask, { passive: true });
  canvas.addEventListener("click", (event) => {
    const entry = hit(event);
    if (entry >= 0) select(entry);
  });
  canvas.addEventListener("mousemove", (event) => {
    const entry = hit(event);
    canvas.title = entry < 0 ? "" : `${seconds(view.run.at[entry])}  ${describe(view.run, entry)}`;
  });
  new ResizeObserver(lay).observe(scroller);

  const whole = () => (scroller.clientHeight - heads.offsetHeight - 4) / (view.scale.rows * ROW);

  return {
    lay,
    /** Draws anew, and shows the chosen event. */
    show(follow = true) {
      headsNow();
      const [y, room] = [yOf(Math.max(0, view.selected)), scroller.clientHeight - heads.offsetHeight];
      if (follow && (y < scroller.scrollTop + 40 || y > scroller.scrollTop + room - 60)) scroller.scrollTop = y - room / 2;
      ask();
    },
    draw,
    zoom: () => zoom,
    /** Zooms about the chosen event. */
    zoomTo(wanted) {
      const before = yOf(Math.max(0, view.selected)) - scroller.scrollTop;
      zoom = Math.min(8, Math.max(Math.min(1, whole()), wanted));
      sheet.style.height = `${height() + heads.offsetHeight}px`;
      scroller.scrollTop = yOf(Math.max(0, view.selected)) - before;
      ask();
    },
    /** The zoom at which all is in view. */
    whole,
  };
}
