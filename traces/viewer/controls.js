// Buttons, boxes and keys.
import { everything, GROUPS } from "./filter.js";
import { byId, element } from "./element.js";

/** Fills the filter's boxes. `changed` is called when one of them is. */
export function filterBoxes(view, changed) {
  const { run } = view;
  const box = (where, name, small, checked, toggle) => {
    const input = element("input", { type: "checkbox", checked });
    input.addEventListener("change", () => {
      toggle(input.checked);
      changed();
    });
    byId(where).append(element("label", {}, input, name, small === "" ? null : element("small", {}, ` ${small}`)));
    return input;
  };
  const among = (set, thing) => (on) => (on ? set.delete(thing) : set.add(thing));
  function fill() {
    for (const where of ["filter-nodes", "filter-kinds", "filter-groups"]) byId(where).replaceChildren();
    const { filter } = view;
    run.nodes.forEach((name, node) => box("filter-nodes", name, "", filter.nodes[node], (on) => (filter.nodes[node] = on)));
    const kinds = Array.from(filter.kinds).sort((a, b) => b[1] - a[1]);
    for (const [kind, count] of kinds)
      box("filter-kinds", run.strings[kind], count.toLocaleString("en"), true, among(filter.hiddenKinds, kind));
    for (const { name } of GROUPS) box("filter-groups", name, "", true, among(filter.hiddenGroups, name));
  }
  fill();
  byId("show-all").addEventListener("click", () => {
    view.filter = everything(run);
    fill();
    changed();
  });
}

/** How much is hidden, in words. */
export function hiddenWords(filter) {
  const hidden = filter.nodes.filter((shown) => !shown).length + filter.hiddenKinds.size + filter.hiddenGroups.size;
  return hidden === 0 ? "" : ` (${hidden} hidden)`;
}

/** Light or dark: as the system has it, until somebody chooses. */
export function theme(changed) {
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  let chosen = null;
  const apply = () => {
    const name = chosen ?? (dark.matches ? "dark" : "light");
    document.documentElement.dataset.theme = name;
    byId("theme").textContent = name === "dark" ? "Light" : "Dark";
    changed();
  };
  const toggle = () => {
    chosen = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
    apply();
  };
  dark.addEventListener("change", apply);
  byId("theme").addEventListener("click", toggle);
  return { apply, toggle };
}

/** Calls what a key stands for, unless somebody types or a list or a slider has a use for it. */
export function keys(actions) {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || byId("keys").open) return;
    const target = /** @type {HTMLElement} */ (event.target);
    const typing = target.matches("input[type=search], select, textarea");
    if (typing) {
      if (event.key === "Escape") target.blur();
      return;
    }
    const key = event.shiftKey && event.key.startsWith("Arrow") ? `Shift+${event.key}` : event.key;
    const action = actions[key];
    if (!action) return;
    event.preventDefault();
    action();
  });
}
