// Where in the picture an event stands. Time runs downwards, either evenly, an event below the other with a little more
// room where more time passes, or truly. Places are counted in rows; how high a row is, is the zoom.
import { bisect } from "./data.js";
import { isSaid } from "./said.js";

/** The height of a line of words, in rows. */
export const LINE = 0.68;

/** Places the events of which something is shown. */
export function scaled(run, shown, even) {
  const place = new Float64Array(run.stepCount + 1);
  const steps = new Uint32Array(run.stepCount);
  let count = 0;
  let [labels, before, now] = [0, -1, 0.8];
  for (let n = 0; n < shown.length; n++) {
    const step = run.step[shown[n]];
    if (step !== before) {
      if (before >= 0) now += Math.max(gap(run.at[shown[n]] - run.at[run.first[before]]), labels * LINE + 0.35);
      for (let s = before + 1; s <= step; s++) place[s] = now;
      steps[count++] = step;
      [before, labels] = [step, 0];
    }
    if (isSaid(run.what[shown[n]])) labels++;
  }
  const rows = now + Math.max(1, labels * LINE) + 0.8;
  place.fill(now, before + 1);
  if (!even) truly(run, place, rows);
  return { place, steps: steps.slice(0, count), rows, even };
}

function gap(ns) {
  return ns === 0 ? 0.8 : 1 + Math.min(1, 0.35 * Math.log10(1 + ns / 1e6));
}

function truly(run, place, rows) {
  const length = Math.max(1, run.end - run.at[0]);
  for (let step = 0; step < run.stepCount; step++)
    place[step] = 0.8 + ((run.at[run.first[step]] - run.at[0]) / length) * (rows - 1.6);
}

/** The step that is shown nearest to a place. */
export function nearest(scale, row) {
  const { steps, place } = scale;
  let [from, to] = [0, steps.length];
  while (from < to) {
    const middle = (from + to) >> 1;
    if (place[steps[middle]] < row) from = middle + 1;
    else to = middle;
  }
  if (from === steps.length) return steps[from - 1] ?? -1;
  if (from > 0 && row - place[steps[from - 1]] < place[steps[from]] - row) return steps[from - 1];
  return steps[from];
}

/** The first shown entry of a step, or the last one before it. */
export function entryOf(run, shown, step) {
  const at = bisect(shown, run.first[step]);
  return shown[Math.min(at, shown.length - 1)] ?? -1;
}
