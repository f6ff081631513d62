// The state of each node at each instant, made from the lines that changed.
import { bisect } from "./data.js";

/** Every so many changes, all lines of a state are kept. */
const KEYFRAME = 64;

/** Where in a node's changes the one stands that made the state of an instant; −1 before the first. */
function changeAt(node, entry) {
  return bisect(node.entries, entry + 1) - 1;
}

/** Reads the changes of all nodes. @param {any} run */
export function readStates(run) {
  const nodes = run.changes.map((changes) => {
    const keyframes = [];
    let lines = [];
    changes.forEach((change, n) => {
      lines = changed(lines, change);
      if (n % KEYFRAME === 0) keyframes.push(Int32Array.from(lines));
    });
    return { changes, keyframes, entries: Int32Array.from(changes, (change) => change[0]) };
  });

  function linesOf(node, n) {
    if (n < 0 || node.changes[n].length === 1) return null;
    const key = Math.floor(n / KEYFRAME);
    let lines = Array.from(node.keyframes[key]);
    for (let m = key * KEYFRAME + 1; m <= n; m++) lines = changed(lines, node.changes[m]);
    return lines.map((line) => run.lines[line]);
  }

  /** Which of a node's changes the event made that an entry belongs to; −1 if none. */
  function changeOfEvent(node, entry) {
    const n = changeAt(node, run.first[run.step[entry] + 1] - 1);
    return n >= 0 && run.step[node.entries[n]] === run.step[entry] ? n : -1;
  }

  return {
    /** The lines of a node's state after an entry; `null` if it is down. */
    at: (place, entry) => linesOf(nodes[place], changeAt(nodes[place], entry)),
    /** The entry that made the state that a node has after an entry; −1 if there was none. */
    since(place, entry) {
      const n = changeAt(nodes[place], entry);
      return n < 0 ? -1 : nodes[place].entries[n];
    },
    /** Only whether it is up, and in which role. */
    glance(place, entry) {
      const node = nodes[place];
      const n = changeAt(node, entry);
      const change = n < 0 ? [] : node.changes[n];
      return { up: change.length > 1, role: change.length > 1 && change[1] >= 0 ? run.roles[change[1]] : "" };
    },
    /** The lines before and after the event that an entry belongs to; `null` if it changed no state of this node. */
    change(place, entry) {
      const n = changeOfEvent(nodes[place], entry);
      return n < 0 ? null : { before: linesOf(nodes[place], n - 1), after: linesOf(nodes[place], n) };
    },
    /** Whether there is such a change. */
    changes: (place, entry) => changeOfEvent(nodes[place], entry) >= 0,
    /** How far a node's clock was ahead of the world's time, in nanoseconds. */
    clock(place, entry) {
      const clock = run.clocks[place];
      let from = 0;
      let to = clock.length;
      while (from < to) {
        const middle = (from + to) >> 1;
        if (clock[middle][0] <= entry) from = middle + 1;
        else to = middle;
      }
      return from === 0 ? 0 : clock[from - 1][1];
    },
    /** Whether the states of this entry are in the page. */
    known: (entry) => run.states_end === null || entry < run.states_end,
  };
}

/** The lines after a change: `[entry]` for a node that goes down, else `[entry, role, edit…]`. */
function changed(lines, change) {
  if (change.length === 1) return [];
  if (change.length === 2) return lines;
  const now = [];
  let kept = 0;
  for (let n = 2; n < change.length; n++) {
    const edit = change[n];
    while (kept < edit[0]) now.push(lines[kept++]);
    kept += edit[1];
    for (let m = 2; m < edit.length; m++) now.push(edit[m]);
  }
  while (kept < lines.length) now.push(lines[kept++]);
  return now;
}
