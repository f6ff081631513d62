// The story in words, and what was violated.
import { byId, element } from "./element.js";
import { seconds } from "./words.js";

/** Writes what stands above everything: the verdict, the values, the remarks. */
export function writeHead(view, select) {
  const { run } = view;
  byId("title").textContent = run.title;
  byId("model").textContent = run.model;
  byId("about").textContent = run.summary;
  const verdict = byId("verdict");
  if (run.violation) {
    const { property, at, stuck, message, nodes } = run.violation;
    const names = nodes.map((node) => run.nodes[node]).join(", ");
    verdict.replaceChildren(
      element("span", { className: "seal" }, stuck ? "STUCK" : "VIOLATED"),
      element("span", { className: "values" }, element("b", {}, property), ` at ${seconds(at)}${names ? ` · ${names}` : ""}`, element("br"), message),
      element("button", { type: "button", id: "to-violation", title: "v", onclick: () => select(run.violationEntry) }, "Show"),
    );
  } else {
    verdict.className = "held";
    verdict.replaceChildren(element("span", { className: "seal" }, "HELD"), element("span", { className: "values" }, `Every property held, until ${seconds(run.end)}.`));
  }
  const notes = [run.origin.note ?? "", ...run.notes].filter((note) => note !== "");
  byId("notes").replaceChildren(...notes.map((note) => element("p", {}, note)));
}

/** The lines of the story: each goes to its event. */
export function story(view, select) {
  const { run } = view;
  const list = byId("story-lines");
  const buttons = run.story.map((line) => {
    const when = element("span", { className: "time" }, line.rest ? "" : seconds(run.at[line.entry]));
    const button = element("button", { type: "button", className: line.rest ? "rest" : "", onclick: () => select(line.entry) }, when, line.text);
    list.append(element("li", {}, button));
    return button;
  });
  if (run.violation) list.append(element("li", { className: "end" }, `${run.violation.property} is ${run.violation.stuck ? "stuck" : "violated"}: ${run.violation.message}`));
  byId("drawing").textContent = run.drawing;
  const { seed, shrunk_from: from, seedbed, retold } = run.origin;
  const parts = [`${run.count.toLocaleString("en")} events, ${run.messages.count.toLocaleString("en")} messages, ${seconds(run.end)} of virtual time`];
  if (seed !== undefined) parts.push(`seed ${seed}`);
  if (from) parts.push(`shrunk from ${from.operations} operations, ${from.faults} faults, ${from.deviations} deviations and ${from.nodes} nodes`);
  if (retold) parts.push("told again in a smaller world");
  if (seedbed) parts.push(`seedbed ${seedbed}`);
  byId("origin").textContent = `${parts.join("; ")}.`;
  let current = null;
  return {
    show() {
      let at = -1;
      run.story.forEach((line, n) => {
        if (!line.rest && line.entry <= view.selected) at = n;
      });
      if (current) current.removeAttribute("aria-current");
      current = at < 0 ? null : buttons[at];
      if (current) {
        current.setAttribute("aria-current", "step");
        const box = list.parentElement;
        if (box.clientHeight > 0) {
          const top = current.offsetTop - box.offsetTop;
          if (top < box.scrollTop || top > box.scrollTop + box.clientHeight - 40) box.scrollTop = top - box.clientHeight / 2;
        }
      }
    },
  };
}
