// Happens-before (Lamport 1978): what can have led to an event, and what it can have led to. Entries stand in the order
// of time, so one sweep each way over "the one before at its node" and "the one that sent it" finds both.
import { SORT } from "./data.js";

/** How an event stands to the chosen one. */
export const RELATION = { none: 0, past: 1, future: 2, chosen: 3 };

/** Writes into `relation`, of each entry, how it stands to `entry`. Says whether `entry` happened anywhere. */
export function relate(run, entry, relation) {
  relation.fill(RELATION.none);
  const seeds = seedsOf(run, entry);
  if (seeds.length === 0) return false;
  for (const seed of seeds) relation[seed] = RELATION.past;
  for (let n = Math.max(...seeds); n >= 0; n--) {
    if (relation[n] !== RELATION.past) continue;
    if (run.before[n] >= 0) relation[run.before[n]] = RELATION.past;
    if (run.cause[n] >= 0) relation[run.cause[n]] = RELATION.past;
  }
  relation[seeds[0]] = RELATION.future;
  for (let n = seeds[0] + 1; n < run.count; n++) {
    const [before, cause] = [run.before[n], run.cause[n]];
    if ((before >= 0 && relation[before] === RELATION.future) || (cause >= 0 && relation[cause] === RELATION.future))
      relation[n] = RELATION.future;
  }
  relation[seeds[0]] = relation[entry] = RELATION.chosen;
  return true;
}

/** Where to begin: at the entry itself, or where its message was sent; for a violation, also at what the nodes that it
 *  names did last. */
function seedsOf(run, entry) {
  const seeds = [seedOf(run, entry)];
  if (entry === run.violationEntry)
    for (const node of run.violation.nodes) {
      let last = run.count - 1;
      while (last >= 0 && run.node[last] !== node) last--;
      seeds.push(last);
    }
  return seeds.filter((seed) => seed >= 0);
}

/** Where to begin: at the entry, or where the message was sent that it is about; −1 if it happened at no node. */
function seedOf(run, entry) {
  if (entry < 0 || run.node[entry] >= 0) return entry;
  const ofMessage = run.what[entry] >= SORT.held && run.what[entry] <= SORT.to_down;
  return ofMessage && run.about[entry] >= 0 ? run.messages.sent[run.about[entry]] : -1;
}
