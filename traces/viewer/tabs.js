// Tabs, as screen readers and keyboards know them.

/** @param {HTMLElement} bar holds buttons that each control a panel @param {() => void} changed */
export function tabs(bar, changed) {
  const buttons = /** @type {HTMLElement[]} */ (Array.from(bar.querySelectorAll("[role=tab]")));
  const panel = (button) => document.getElementById(button.getAttribute("aria-controls"));
  function open(wanted, focus) {
    for (const button of buttons) {
      const is = button === wanted;
      button.setAttribute("aria-selected", String(is));
      button.tabIndex = is ? 0 : -1;
      panel(button).hidden = !is;
    }
    if (focus) wanted.focus();
    changed();
  }
  buttons.forEach((button, n) => {
    button.addEventListener("click", () => open(button, false));
    button.addEventListener("keydown", (event) => {
      const to = { ArrowRight: n + 1, ArrowLeft: n - 1, Home: 0, End: buttons.length - 1 }[event.key];
      if (to === undefined) return;
      event.preventDefault();
      event.stopPropagation();
      open(buttons[(to + buttons.length) % buttons.length], true);
    });
  });
  return { isOpen: (id) => !document.getElementById(id).hidden };
}
