// Which entries are shown, and which a search finds.
import { SORT, bisect } from "./data.js";

/** What can be hidden besides nodes and kinds of message, with the sorts that it stands for. */
export const GROUPS = [
  { name: "operations", sorts: ["invoked", "ended"] },
  { name: "messages", sorts: ["sent", "delivered", "held", "lost", "cut", "to_down"] },
  { name: "timers", sorts: ["fired"] },
  { name: "syncs", sorts: ["synced"] },
  { name: "faults", sorts: ["fault_began", "fault_ended", "healed", "down", "started"] },
  { name: "marks", sorts: ["marked"] },
  { name: "remarks", sorts: ["noted"] },
];

/** A filter that shows everything. @param {any} run */
export function everything(run) {
  const kinds = new Map();
  for (const kind of run.messages.kind) kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
  return {
    nodes: run.nodes.map(() => true),
    /** Of each kind of message, by the place of its name: how many there are. */
    kinds,
    hiddenKinds: new Set(),
    hiddenGroups: new Set(),
  };
}

const isMessage = (what) => what >= SORT.sent && what <= SORT.to_down;

/** The entries that a filter shows, ascending. */
export function visible(run, filter) {
  const groupOf = new Array(256).fill(false);
  for (const group of GROUPS) for (const sort of group.sorts) groupOf[SORT[sort]] = filter.hiddenGroups.has(group.name);
  const shown = new Uint32Array(run.count);
  let count = 0;
  for (let entry = 0; entry < run.count; entry++) {
    const [what, node, about] = [run.what[entry], run.node[entry], run.about[entry]];
    if (groupOf[what] || (node >= 0 && !filter.nodes[node])) continue;
    if (isMessage(what) && about >= 0) {
      if (filter.hiddenKinds.has(run.messages.kind[about])) continue;
      const [from, to] = [run.messages.from[about], run.messages.to[about]];
      if (node < 0 && !filter.nodes[from] && !filter.nodes[to]) continue;
    }
    shown[count++] = entry;
  }
  return shown.slice(0, count);
}

/** Whether an arrow is shown. */
export function showsMessage(run, filter, message) {
  const [from, to] = [run.messages.from[message], run.messages.to[message]];
  return (
    !filter.hiddenGroups.has("messages") &&
    !filter.hiddenKinds.has(run.messages.kind[message]) &&
    filter.nodes[from] !== false &&
    filter.nodes[to] !== false
  );
}

/** The shown entries whose words, message, time or node contain a text, whatever its case; ascending. */
export function search(run, shown, wanted) {
  const text = wanted.trim().toLowerCase();
  if (text === "") return new Uint32Array(0);
  const has = run.strings.map((string) => string.toLowerCase().includes(text));
  const node = run.nodes.map((name) => name.toLowerCase() === text);
  return shown.filter((entry) => {
    if (has[run.wordsAt[entry]] || node[run.node[entry]]) return true;
    return isMessage(run.what[entry]) && run.about[entry] >= 0 && has[run.messages.text[run.about[entry]]];
  });
}

/** The nearest entry of a sorted list after (or before) another; −1 if there is none. */
export function neighbour(sorted, entry, direction) {
  const place = direction > 0 ? bisect(sorted, entry + 1) : bisect(sorted, entry) - 1;
  return place >= 0 && place < sorted.length ? sorted[place] : -1;
}
