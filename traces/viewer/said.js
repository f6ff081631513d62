// What is said of events, messages and nodes.
import { FATE, SORT } from "./data.js";

/** Whether an entry tells of a fault. */
export const isFault = (what) => what >= SORT.fault_began && what <= SORT.healed;
/** Whether an entry is told in words beside its node. */
export const isSaid = (what) =>
  what === SORT.invoked || what === SORT.ended || what === SORT.fired || what === SORT.marked || what === SORT.noted ||
  what === SORT.down || what === SORT.started;

/** What happened, with the node. */
export function describe(run, entry) {
  const node = run.node[entry];
  return (node >= 0 ? `${run.nodes[node]} ` : "") + run.words(entry);
}

/** The word for what became of a message, if it did not simply arrive. */
export function fateWord(fate, held, doubled) {
  const failed = { [FATE.lost]: "lost", [FATE.cut]: "cut", [FATE.to_down]: "receiver down", [FATE.open]: "on its way" };
  return failed[fate] ?? (held ? "held" : doubled ? "doubled" : "");
}

/** What is said of a node that a fault of a class strikes; of one that is down it is said anyway. */
export const FAULT_WORDS = {
  partition: "cut off",
  pause: "paused",
  skew: "clock skewed",
  reorder: "delayed",
  disk: "disk faulty",
  byzantine: "lies",
};

/** What is so of a node at the chosen instant: down, its role, the faults that strike it. */
export function statusOf(view, node) {
  const { run, states, selected } = view;
  const said = [];
  const now = states.glance(node, selected);
  const down = run.downs.find((down) => down.node === node && down.from <= selected && (down.to < 0 || selected < down.to));
  if (down) said.push(`down: ${down.why}`);
  else if (now.role) said.push(now.role);
  for (const fault of run.faults) {
    const inForce = fault.began <= selected && (fault.ended === null || selected < fault.ended);
    if (inForce && fault.nodes.includes(node) && FAULT_WORDS[fault.class]) said.push(FAULT_WORDS[fault.class]);
  }
  return [...new Set(said)];
}
