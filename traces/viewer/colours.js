// The colours of the page, as its style sheet has them, for what is drawn on canvas. All are told apart with any of the
// usual forms of colour blindness (Okabe and Ito's palette), and none is the only sign of what it means.
import { FATE } from "./data.js";

const NAMES = [
  "ground", "panel", "ink", "soft", "line", "accent", "delivered", "lost", "cut", "held", "doubled", "gone",
  "past", "future", "returned", "failed", "unknown", "crash", "pause", "partition", "skew", "delay", "disk", "byzantine",
  "mark", "violation", "hit",
];

/** Reads the colours of the theme that is in force. @returns {Record<string, string>} */
export function colours() {
  const style = getComputedStyle(document.documentElement);
  return Object.fromEntries(NAMES.map((name) => [name, style.getPropertyValue(`--${name}`).trim()]));
}

/** The colour of an arrow. */
export function arrowColour(colour, fate, held, doubled) {
  if (fate === FATE.lost) return colour.lost;
  if (fate === FATE.cut) return colour.cut;
  if (fate === FATE.to_down || fate === FATE.open) return colour.gone;
  return held ? colour.held : doubled ? colour.doubled : colour.delivered;
}

/** The colour of a band, by the class of its fault. */
export function faultColour(colour, name) {
  const of = { crash: "crash", wipe: "crash", pause: "pause", partition: "partition", skew: "skew", reorder: "delay" };
  return colour[of[name] ?? name] ?? colour.soft;
}
