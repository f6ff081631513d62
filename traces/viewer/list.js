// Long lists of which only the rows in view are in the page. To a screen reader each row says its place among all.
import { element } from "./element.js";

/**
 * @param {HTMLElement} box what scrolls; it has the role listbox
 * @param {number} high the height of a row in pixels
 * @param {(at: number) => HTMLElement} make makes the row of a place
 * @param {(at: number) => void} choose
 */
export function longList(box, high, make, choose) {
  const inner = element("div", { className: "rows", role: "presentation" });
  box.replaceChildren(inner);
  let [count, chosen, asked] = [0, -1, false];

  function draw() {
    asked = false;
    const from = Math.max(0, Math.floor(box.scrollTop / high) - 4);
    const to = Math.min(count, Math.ceil((box.scrollTop + box.clientHeight) / high) + 4);
    const rows = [];
    for (let at = from; at < to; at++) {
      const row = make(at);
      row.id = `${box.id}-${at}`;
      row.setAttribute("role", "option");
      row.setAttribute("aria-posinset", String(at + 1));
      row.setAttribute("aria-setsize", String(count));
      row.setAttribute("aria-selected", String(at === chosen));
      row.style.top = `${at * high}px`;
      row.style.height = `${high}px`;
      row.addEventListener("click", () => choose(at));
      rows.push(row);
    }
    inner.replaceChildren(...rows);
    if (chosen >= from && chosen < to) box.setAttribute("aria-activedescendant", `${box.id}-${chosen}`);
    else box.removeAttribute("aria-activedescendant");
  }

  function ask() {
    if (asked) return;
    asked = true;
    requestAnimationFrame(draw);
  }

  box.addEventListener("scroll", ask, { passive: true });
  new ResizeObserver(ask).observe(box);
  return {
    /** Shows so many rows, with one of them chosen and in view. */
    show(now, at) {
      count = now;
      chosen = at;
      inner.style.height = `${count * high}px`;
      if (box.clientHeight > 0 && at >= 0) {
        const [top, bottom] = [at * high, (at + 1) * high];
        if (top < box.scrollTop || bottom > box.scrollTop + box.clientHeight) box.scrollTop = top - box.clientHeight / 2;
      }
      ask();
    },
  };
}
