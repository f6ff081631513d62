// Draws messages: an arrow each, whose dashes and end say what became of it.
import { FATE } from "./data.js";
import { cross } from "./shapes.js";

const HEAD = 6;

/** How an arrow's line is broken, by fate: as telling as its colour. */
function dashes(fate, held, doubled) {
  if (fate === FATE.lost) return [5, 4];
  if (fate === FATE.cut) return [9, 4];
  if (fate === FATE.to_down || fate === FATE.open) return [2, 3];
  return held ? [10, 3, 2, 3] : doubled ? [14, 3] : [];
}

/** How much of its way an arrow is drawn that crosses so many columns: one that fails ends before its receiver. */
export function partOf(fate, columns) {
  if (fate === FATE.delivered) return 1;
  return fate === FATE.to_down ? 0.94 : Math.max(0.55, 0.88 / columns);
}

/** Strokes a part of an arrow from one place to another. One that fails ends in a cross or a bar. */
export function drawArrow(context, x1, y1, x2, y2, part, fate, held, doubled) {
  const arrives = fate === FATE.delivered;
  const [x, y] = [x1 + (x2 - x1) * part, y1 + (y2 - y1) * part];
  const angle = Math.atan2(y2 - y1, x2 - x1);
  context.setLineDash(dashes(fate, held, doubled));
  context.beginPath();
  context.moveTo(x1, y1);
  context.lineTo(x, y);
  context.stroke();
  context.setLineDash([]);
  if (fate === FATE.lost || fate === FATE.to_down) cross(context, x, y, 4);
  else if (fate === FATE.cut) bar(context, x, y, angle);
  else head(context, x, y, angle, arrives);
  if (held) bar(context, (x1 + x2) / 2, (y1 + y2) / 2, angle);
}

/** Strokes no more than the way of a message, or a part of it. */
export function drawLine(context, x1, y1, x2, y2, part) {
  context.beginPath();
  context.moveTo(x1, y1);
  context.lineTo(x1 + (x2 - x1) * part, y1 + (y2 - y1) * part);
  context.stroke();
}

/** A message of a node to itself. */
export function drawLoop(context, x, y1, y2) {
  context.beginPath();
  context.moveTo(x, y1);
  context.bezierCurveTo(x - 26, y1, x - 26, y2, x - 3, y2);
  context.stroke();
  head(context, x - 3, y2, 0, true);
}

function head(context, x, y, angle, filled) {
  context.beginPath();
  context.moveTo(x - HEAD * Math.cos(angle - 0.42) * 1.25, y - HEAD * Math.sin(angle - 0.42) * 1.25);
  context.lineTo(x, y);
  context.lineTo(x - HEAD * Math.cos(angle + 0.42) * 1.25, y - HEAD * Math.sin(angle + 0.42) * 1.25);
  if (filled) {
    context.closePath();
    context.fill();
  } else context.stroke();
}

function bar(context, x, y, angle) {
  const [dx, dy] = [Math.sin(angle) * 7, -Math.cos(angle) * 7];
  context.beginPath();
  context.moveTo(x - dx, y - dy);
  context.lineTo(x + dx, y + dy);
  context.stroke();
}
