// A canvas that is as sharp as the screen.

/** Fits a canvas to a size in CSS pixels and hands over its pen, which counts in those. @returns {CanvasRenderingContext2D} */
export function pen(canvas, width, height) {
  const ratio = window.devicePixelRatio || 1;
  const [w, h] = [Math.max(1, Math.round(width * ratio)), Math.max(1, Math.round(height * ratio))];
  if (canvas.width !== w || canvas.height !== h) {
    canvas.width = w;
    canvas.height = h;
    canvas.style.width = `${width}px`;
    canvas.style.height = `${height}px`;
  }
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  return context;
}

/** Text cut off so that it is no wider than `width`; measured by `measure`. */
export function fitted(text, width, measure) {
  if (measure(text) <= width) return text;
  let [low, high] = [0, text.length];
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (measure(text.slice(0, middle) + "…") <= width) low = middle;
    else high = middle - 1;
  }
  return low < 3 ? "" : text.slice(0, low).trimEnd() + "…";
}

/** Measures texts, each once. @param {CanvasRenderingContext2D} context */
export function measurer(context) {
  const known = new Map();
  return (text) => {
    let width = known.get(text);
    if (width === undefined) {
      if (known.size > 20_000) known.clear();
      known.set(text, (width = context.measureText(text).width));
    }
    return width;
  };
}

/** Keeps words apart: takes a place on the canvas, unless somebody has it. */
export function occupied() {
  // What is taken, by strips of the canvas, so that only neighbours are compared.
  const strips = new Map();
  const HIGH = 16;
  return (x, y, width, height) => {
    const [top, bottom] = [y - height / 2, y + height / 2];
    const [first, last] = [Math.floor(top / HIGH), Math.floor(bottom / HIGH)];
    for (let strip = first; strip <= last; strip++)
      for (const other of strips.get(strip) ?? [])
        if (x < other.right && other.left < x + width && top < other.bottom && other.top < bottom) return false;
    for (let strip = first; strip <= last; strip++) {
      if (!strips.has(strip)) strips.set(strip, []);
      strips.get(strip).push({ left: x, right: x + width, top, bottom });
    }
    return true;
  };
}
