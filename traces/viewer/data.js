// What the page knows of the run: the columns that `data.rs` wrote, and what follows from them.

/** The sorts of entries, by name; the numbers are those of the column `what`. @type {Record<string, number>} */
export const SORT = {};

/** What became of a message. */
export const FATE = { delivered: 0, lost: 1, cut: 2, to_down: 3, open: 4 };

/** Reads the data that stands in the page. @param {any} data */
export function readRun(data) {
  data.sorts.forEach((name, n) => (SORT[name] = n));
  const { strings, nodes } = data;
  const count = data.entries.what.length;
  const run = {
    ...data,
    count,
    at: new Float64Array(count),
    what: Uint8Array.from(data.entries.what),
    node: Int32Array.from(data.entries.node),
    about: Int32Array.from(data.entries.about),
    wordsAt: Uint32Array.from(data.entries.words),
    ...readSteps(data.steps, count),
  };
  let at = 0;
  for (let n = 0; n < count; n++) run.at[n] = at += data.entries.after[n];
  run.end = Math.max(at, run.violation ? run.violation.at : 0);
  run.words = (entry) => strings[run.wordsAt[entry]];
  run.nodeName = (node) => (node < 0 ? "a node that is not there" : nodes[node]);
  run.kindOf = (message) => strings[run.messages.kind[message]];
  Object.assign(run, readMessages(run));
  Object.assign(run, readNeighbours(run), { downs: readDowns(run) });
  run.violationEntry = run.violation ? count - 1 : -1;
  return run;
}

/** Which entries belong to one event: it is one step of the world. */
function readSteps(lengths, count) {
  const step = new Uint32Array(count);
  const first = new Uint32Array(lengths.length + 1);
  let entry = 0;
  lengths.forEach((length, n) => {
    first[n] = entry;
    step.fill(n, entry, entry + length);
    entry += length;
  });
  first[lengths.length] = count;
  return { step, first, stepCount: lengths.length };
}

/** Messages with what became of them, and the arrows that they are drawn as: a copy has one of its own. */
function readMessages(run) {
  const messages = run.messages;
  const count = messages.kind.length;
  const sent = new Int32Array(count).fill(-1);
  const fate = new Uint8Array(count).fill(FATE.open);
  const ended = new Int32Array(count).fill(-1);
  const held = new Int32Array(count).fill(-1);
  const doubled = new Uint8Array(count);
  const copies = [];
  const undelivered = { [SORT.lost]: FATE.lost, [SORT.cut]: FATE.cut, [SORT.to_down]: FATE.to_down };
  for (let entry = 0; entry < run.count; entry++) {
    const [what, message] = [run.what[entry], run.about[entry]];
    if (what < SORT.sent || what > SORT.to_down || message < 0) continue;
    if (what === SORT.sent) sent[message] = entry;
    else if (what === SORT.held) held[message] = entry;
    else {
      const now = what === SORT.delivered ? FATE.delivered : undelivered[what];
      if (ended[message] < 0) {
        ended[message] = entry;
        fate[message] = now;
      } else {
        doubled[message] = 1;
        copies.push([message, entry, now]);
      }
    }
  }
  const order = [];
  for (let message = 0; message < count; message++) if (sent[message] >= 0) order.push([message, ended[message], fate[message]]);
  for (const copy of copies) order.push(copy);
  order.sort((a, b) => sent[a[0]] - sent[b[0]]);
  const arrows = {
    count: order.length,
    message: Int32Array.from(order, (arrow) => arrow[0]),
    begin: Int32Array.from(order, (arrow) => sent[arrow[0]]),
    end: Int32Array.from(order, (arrow) => arrow[1]),
    fate: Uint8Array.from(order, (arrow) => arrow[2]),
    // The latest end of this arrow and those before it: with it, the first arrow in view is found by bisection.
    reach: new Int32Array(order.length),
  };
  let reach = -1;
  for (let n = 0; n < arrows.count; n++) arrows.reach[n] = reach = Math.max(reach, arrows.end[n], arrows.begin[n]);
  return { messages: { ...messages, count, sent, fate, ended, held, doubled }, arrows };
}

/** Of each entry: the one before it at its node, and, of a delivery, the one that sent the message. */
function readNeighbours(run) {
  const before = new Int32Array(run.count).fill(-1);
  const cause = new Int32Array(run.count).fill(-1);
  const latest = new Int32Array(run.nodes.length).fill(-1);
  for (let entry = 0; entry < run.count; entry++) {
    const node = run.node[entry];
    if (run.what[entry] === SORT.delivered && run.about[entry] >= 0) cause[entry] = run.messages.sent[run.about[entry]];
    if (node < 0) continue;
    before[entry] = latest[node];
    latest[node] = entry;
  }
  return { before, cause };
}

/** When nodes were down, and why; `to` is −1 for a node that does not come back. */
function readDowns(run) {
  const downs = [];
  const open = new Map();
  for (let entry = 0; entry < run.count; entry++) {
    const node = run.node[entry];
    if (run.what[entry] === SORT.down) {
      open.set(node, downs.length);
      downs.push({ node, from: entry, to: -1, why: run.words(entry).replace(/^goes down: /, "") });
    } else if (run.what[entry] === SORT.started && open.has(node)) {
      downs[open.get(node)].to = entry;
      open.delete(node);
    }
  }
  return downs;
}

/** The first place in `sorted[from..to]` whose value is not below `wanted`. */
export function bisect(sorted, wanted, from = 0, to = sorted.length) {
  while (from < to) {
    const middle = (from + to) >> 1;
    if (sorted[middle] < wanted) from = middle + 1;
    else to = middle;
  }
  return from;
}
