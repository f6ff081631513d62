// The history of the operations: a bar each, from when it was invoked to when it returned or failed; one that never
// ended has no end.
import { bisect } from "./data.js";
import { byId, element } from "./element.js";
import { longList } from "./list.js";
import { counted, seconds } from "./words.js";

export function operations(view, select) {
  const run = view.run;
  const invoked = run.operations.map((operation) => operation.invoked);
  const counts = { returned: 0, failed: 0, unknown: 0 };
  for (const operation of run.operations) counts[operation.outcome]++;
  byId("operations-said").textContent =
    `${counted(run.operations.length, "operation")}: ${counts.returned} returned, ${counts.failed} failed, ` +
    `${counts.unknown} unknown. Choose one to go to its invocation, and once more to go to its end.`;
  const part = (entry) => 100 * view.slider.partOf(entry);

  function make(at) {
    const operation = run.operations[at];
    const [from, to] = [part(operation.invoked), operation.ended === null ? 100 : part(operation.ended)];
    const bar = element("i", { className: `bar ${operation.outcome}` });
    bar.style.left = `${from}%`;
    bar.style.width = `max(4px, ${to - from}%)`;
    const now = element("i", { className: "now" });
    now.style.left = `${part(Math.max(0, view.selected))}%`;
    const answer = operation.answer === null ? "unknown" : run.strings[operation.answer];
    const when = `${seconds(run.at[operation.invoked])} – ${operation.ended === null ? "?" : seconds(run.at[operation.ended])}`;
    const label = `${run.nodeName(operation.node)} asks ${run.strings[operation.asked]}, ${operation.outcome}: ${answer}, ${when}`;
    return element(
      "div",
      { className: "operation", title: label, "aria-label": label },
      element("span", { className: "said" }, element("b", {}, run.nodeName(operation.node)), ` ${run.strings[operation.asked]} → ${answer}`),
      element("span", { className: "track" }, bar, now),
    );
  }

  const list = longList(byId("operation-list"), 42, make, (at) => {
    const operation = run.operations[at];
    select(view.selected === operation.invoked && operation.ended !== null ? operation.ended : operation.invoked);
  });
  return {
    show() {
      // The last one that was invoked by now.
      list.show(run.operations.length, bisect(invoked, view.selected + 1) - 1);
    },
  };
}
