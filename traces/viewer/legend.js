// What the signs of the diagram mean, drawn by the same pen.
import { drawArrow } from "./arrows.js";
import { pen } from "./canvas.js";
import { arrowColour, faultColour } from "./colours.js";
import { FATE, SORT } from "./data.js";
import { byId, element } from "./element.js";
import { FAULT_WORDS } from "./said.js";

const ARROWS = [
  ["delivered", FATE.delivered, false, false],
  ["lost", FATE.lost, false, false],
  ["cut by a partition", FATE.cut, false, false],
  ["held by a partition", FATE.delivered, true, false],
  ["doubled", FATE.delivered, false, true],
  ["receiver down", FATE.to_down, false, false],
  ["on its way", FATE.open, false, false],
];
const DOTS = [["before: can have led to it", "past"], ["after: it can have led to it", "future"], ["neither", "soft"]];
const BARS = [["returned", "returned"], ["failed", "failed"], ["unknown", "unknown"]];

/** Draws the legend in the colours of the theme, with the faults that this run has. */
export function drawLegend(view) {
  const { colour, run } = view;
  const item = (name, width, draw) => {
    const canvas = element("canvas", { "aria-hidden": "true" });
    const context = pen(canvas, width, 14);
    draw(context);
    return element("li", {}, canvas, name);
  };
  const fates = new Set(Array.from(run.arrows.fate));
  const held = run.messages.held.some((entry) => entry >= 0);
  const doubled = run.messages.doubled.some((double) => double === 1);
  const has = ([, fate, ofHeld, ofDoubled]) => (ofHeld ? held : ofDoubled ? doubled : fates.has(fate));
  const arrows = ARROWS.filter(has).map(([name, fate, ofHeld, ofDoubled]) =>
    item(name, 44, (context) => {
      context.strokeStyle = context.fillStyle = arrowColour(colour, fate, ofHeld, ofDoubled);
      context.lineWidth = 1.6;
      drawArrow(context, 1, 7, 39, 7, 1, fate, ofHeld, ofDoubled);
    }),
  );
  const classes = new Set(run.faults.map((fault) => fault.class));
  const struck = Object.entries(FAULT_WORDS).filter(([of]) => classes.has(of));
  const bands = struck.map(([of, name]) =>
    item(name, 18, (context) => {
      context.fillStyle = context.strokeStyle = faultColour(colour, of);
      context.globalAlpha = 0.25;
      context.fillRect(1, 0, 16, 14);
      context.globalAlpha = 0.8;
      context.strokeRect(1, -2, 16, 18);
    }),
  );
  if (run.downs.length > 0)
    bands.push(
      item("down", 18, (context) => {
        context.strokeStyle = colour.crash;
        context.beginPath();
        for (let at = -14; at < 18; at += 5) {
          context.moveTo(at, 14);
          context.lineTo(at + 14, 0);
        }
        context.stroke();
      }),
    );
  const dots = DOTS.map(([name, of]) =>
    item(name, 12, (context) => {
      context.fillStyle = colour[of];
      context.beginPath();
      context.arc(6, 7, 4.5, 0, 7);
      context.fill();
    }),
  );
  const outcomes = new Set(run.operations.map((operation) => operation.outcome));
  const bars = BARS.filter(([, of]) => outcomes.has(of)).map(([name, of]) =>
    item(`operation ${name}`, 10, (context) => {
      context.fillStyle = colour[of];
      context.globalAlpha = 0.6;
      context.fillRect(1, 0, 8, 14);
    }),
  );
  const mark = item("mark: an interesting state", 12, (context) => {
    context.fillStyle = colour.mark;
    context.translate(6, 7);
    context.rotate(Math.PI / 4);
    context.fillRect(-3.5, -3.5, 7, 7);
  });
  const marks = run.what.includes(SORT.marked) ? [mark] : [];
  byId("legend").replaceChildren(...arrows, ...bands, ...bars, ...marks, ...dots);
}
