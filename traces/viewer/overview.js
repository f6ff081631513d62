// The whole run at a glance, behind the slider: how much happens when, faults as bands, the violation, what was found.
import { faultColour } from "./colours.js";
import { pen } from "./canvas.js";
import { byId } from "./element.js";

/** Half the width of the slider's knob: the run lies between its two ends. */
const KNOB = 9;

export function overview(view) {
  const canvas = byId("overview");

  /** From 0 at the beginning to 1 at the end, as the slider goes. */
  const part = (entry) => view.slider.partOf(entry);

  function draw() {
    const { run, colour, shown, hits } = view;
    const [width, height] = [canvas.parentElement.clientWidth, canvas.parentElement.clientHeight];
    const context = pen(canvas, width, height);
    context.clearRect(0, 0, width, height);
    const x = (entry) => KNOB + part(entry) * (width - 2 * KNOB);
    const bins = new Uint32Array(Math.ceil(width));
    for (const entry of shown) bins[Math.floor(x(entry))]++;
    const most = bins.reduce((a, b) => Math.max(a, b), 1);
    context.fillStyle = colour.line;
    bins.forEach((count, at) => {
      const tall = count === 0 ? 0 : Math.max(2, (Math.log1p(count) / Math.log1p(most)) * (height - 12));
      context.fillRect(at, height - tall, 1, tall);
    });
    let lane = 0;
    for (const fault of run.faults) {
      const [from, to] = [x(fault.began), x(fault.ended === null ? run.count - 1 : fault.ended)];
      context.fillStyle = faultColour(colour, fault.class);
      context.globalAlpha = 0.8;
      context.fillRect(from, 2 + (lane++ % 3) * 4, Math.max(2, to - from), 3);
    }
    context.globalAlpha = 1;
    context.fillStyle = colour.hit;
    for (const entry of hits) context.fillRect(x(entry) - 1, height - 8, 2, 8);
    if (run.violationEntry >= 0) {
      context.fillStyle = colour.violation;
      const at = x(run.violationEntry);
      context.fillRect(at - 1, 0, 2, height);
    }
  }

  new ResizeObserver(draw).observe(canvas.parentElement);
  return { draw };
}
