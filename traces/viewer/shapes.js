// Signs of the diagram.

/** A circle around a place. */
export function ring(context, x, y, paint, radius = 7.5) {
  context.strokeStyle = paint;
  context.lineWidth = 2.5;
  context.beginPath();
  context.arc(x, y, radius, 0, 7);
  context.stroke();
}

/** A square on its corner. */
export function diamond(context, x, y, size) {
  context.beginPath();
  context.moveTo(x, y - size);
  context.lineTo(x + size, y);
  context.lineTo(x, y + size);
  context.lineTo(x - size, y);
  context.fill();
}

/** A cross in the context's colour. */
export function cross(context, x, y, size) {
  context.beginPath();
  context.moveTo(x - size, y - size);
  context.lineTo(x + size, y + size);
  context.moveTo(x - size, y + size);
  context.lineTo(x + size, y - size);
  context.stroke();
}

/** Fills a rectangle with slanting lines. */
export function hatch(context, x, y, width, height, paint) {
  if (height <= 0) return;
  context.save();
  context.beginPath();
  context.rect(x, y, width, height);
  context.clip();
  context.strokeStyle = paint;
  context.lineWidth = 1.4;
  context.beginPath();
  // From multiples of the distance, so that the pattern stays when the picture is moved.
  for (let at = Math.floor((y - width) / 6) * 6; at < y + height; at += 6) {
    context.moveTo(x, at + width);
    context.lineTo(x + width, at);
  }
  context.stroke();
  context.restore();
}
