// The chosen instant: what happened, what changed, and the state of every node.
import { SORT } from "./data.js";
import { difference, folded } from "./diff.js";
import { byId, element } from "./element.js";
import { describe, fateWord, statusOf } from "./said.js";
import { counted, offset, seconds } from "./words.js";

/** States longer than this are shown in part, until asked for. */
const LONG = 400;

export function instant(view, select) {
  const [box, nodes] = [byId("happening"), byId("nodes")];
  const opened = new Set();
  const whole = new Set();

  const jump = (entry, text) =>
    element("button", { className: "jump", type: "button", onclick: () => select(entry) }, text);
  const fact = (name, ...what) => element("div", { className: "fact" }, element("dt", {}, name), element("dd", {}, ...what));

  function show() {
    const { run, selected } = view;
    if (selected < 0) return;
    const node = run.node[selected];
    box.replaceChildren(
      element("p", { className: "when" }, `${seconds(run.at[selected])} · event ${selected + 1} of ${run.count.toLocaleString("en")}`),
      element("h2", {}, describe(run, selected)),
      ...violated(selected),
      element("dl", {}, ...facts(selected)),
      ...changeOf(selected, node),
    );
    showNodes();
  }

  function violated(entry) {
    const { run } = view;
    if (entry !== run.violationEntry) return [];
    const { property, at, stuck } = run.violation;
    const when = at > run.at[entry] ? `, at ${seconds(at)}` : "";
    return [element("p", { className: "violated" }, `Here ${property} is ${stuck ? "stuck" : "violated"}${when}.`)];
  }

  function facts(entry) {
    const { run } = view;
    const about = run.about[entry];
    const what = run.what[entry];
    const found = [];
    if (what >= SORT.sent && what <= SORT.to_down && about >= 0) {
      const messages = run.messages;
      const [sent, ended] = [messages.sent[about], messages.ended[about]];
      found.push(fact("message", element("code", {}, run.strings[messages.text[about]])));
      if (sent !== entry) found.push(fact("sent", jump(sent, `at ${seconds(run.at[sent])} by ${run.nodeName(messages.from[about])}`)));
      if (messages.held[about] >= 0 && messages.held[about] !== entry)
        found.push(fact("held", jump(messages.held[about], `from ${seconds(run.at[messages.held[about]])}`)));
      if (ended >= 0 && ended !== entry) {
        const word = fateWord(messages.fate[about], false, false) || "arrives";
        found.push(fact(word, jump(ended, `at ${seconds(run.at[ended])}`)));
      } else if (ended < 0) found.push(fact("fate", "still on its way when the story ends"));
      if (messages.doubled[about]) found.push(fact("copies", "the network doubled it"));
    }
    if ((what === SORT.invoked || what === SORT.ended) && about >= 0) {
      const operation = run.operations[about];
      found.push(fact("asked", element("code", {}, run.strings[operation.asked])));
      found.push(fact(operation.outcome === "unknown" ? "outcome" : operation.outcome, operation.answer === null ? "unknown: it never ended" : element("code", {}, run.strings[operation.answer])));
      const other = what === SORT.invoked ? operation.ended : operation.invoked;
      if (other !== null) found.push(fact(what === SORT.invoked ? "ended" : "invoked", jump(other, `at ${seconds(run.at[other])}`)));
    }
    if ((what === SORT.fault_began || what === SORT.fault_ended) && about >= 0) {
      const fault = run.faults[about];
      found.push(fact("class", fault.class + (fault.holds ? ", messages are held" : "")));
      const other = what === SORT.fault_began ? fault.ended : fault.began;
      if (other !== null) found.push(fact(what === SORT.fault_began ? "ends" : "began", jump(other, `at ${seconds(run.at[other])}`)));
    }
    const step = run.step[entry];
    const together = [];
    for (let n = run.first[step]; n < run.first[step + 1]; n++) if (n !== entry) together.push(n);
    if (together.length > 0) {
      const list = together.slice(0, 12).map((n) => element("li", {}, jump(n, describe(run, n))));
      if (together.length > 12) list.push(element("li", {}, `… ${together.length - 12} more`));
      found.push(fact("at once", element("ul", {}, ...list)));
    }
    return found;
  }

  /** What the event changed in its node's state. */
  function changeOf(entry, node) {
    const { run, states } = view;
    const step = run.first[run.step[entry]];
    let place = node;
    for (let n = step; place < 0 && n < run.first[run.step[entry] + 1]; n++) place = run.node[n];
    if (place < 0) return [];
    const heading = element("h3", {}, `What changed at ${run.nodes[place]}`);
    if (!states.known(entry)) return [heading, element("p", { className: "quiet" }, "The states of this instant are not in the page.")];
    const change = states.change(place, entry);
    if (change === null) return [heading, element("p", { className: "quiet" }, "Nothing: its state is as it was.")];
    if (change.after === null) return [heading, element("p", { className: "quiet" }, "It is down: everything volatile is gone.")];
    const lines = difference(change.before ?? [], change.after);
    return [heading, linesOf(change.before === null ? lines.slice(0, LONG) : folded(lines), change.before !== null)];
  }

  /** Lines with their signs; the signs are read aloud. */
  function linesOf(lines, signed) {
    const box = element("pre", { className: "state", tabIndex: 0, "aria-label": "state" });
    if (!signed) {
      box.classList.add("plain");
      box.textContent = lines.map((line) => line.text).join("\n");
      return box;
    }
    const names = { "+": "added", "−": "removed" };
    const made = lines.map(({ sign, text }) => {
      const kind = sign === "+" ? "put" : sign === "−" ? "removed" : sign === "…" ? "fold" : "same";
      const mark = element("span", { className: "sign", "aria-label": names[sign] ?? null, role: names[sign] ? "img" : null }, sign);
      return element("span", { className: `line ${kind}` }, mark, text, "\n");
    });
    box.append(...made);
    return box;
  }

  /** Every node, as it is now; the state of one is made when it is opened. */
  function showNodes() {
    const { run, states, selected } = view;
    run.nodes.forEach((name, place) => {
      let card = nodes.children[place];
      if (!card) {
        card = element("details", {}, element("summary", {}, element("b", {}, name), element("span")), element("div"));
        card.addEventListener("toggle", () => {
          if (card.open === opened.has(place)) return;
          if (card.open) opened.add(place);
          else opened.delete(place);
          showState(place);
        });
        nodes.append(card);
      }
      const ahead = states.clock(place, selected);
      const said = [...statusOf(view, place)];
      if (ahead !== 0) said.push(`clock ${offset(ahead)}`);
      const changedNow = states.known(selected) && states.changes(place, selected);
      card.classList.toggle("changed", changedNow);
      if (changedNow) said.push("changed");
      card.firstChild.lastChild.textContent = said.join(" · ");
      if (opened.has(place)) showState(place);
    });
  }

  function showState(place) {
    const { run, states, selected } = view;
    const body = nodes.children[place].lastChild;
    const only = (...children) => {
      delete body.dataset.key;
      body.replaceChildren(...children);
    };
    if (!opened.has(place)) return only();
    if (!states.known(selected)) return only(element("p", { className: "quiet" }, "Not in the page."));
    const changedNow = states.changes(place, selected);
    const since = states.since(place, selected);
    const key = `${since} ${changedNow} ${whole.has(place)}`;
    const clock = element("p", { className: "quiet" }, `Its clock shows ${seconds(run.at[selected] + states.clock(place, selected))}` +
      (since < 0 ? "." : `; its state is that of ${seconds(run.at[since])}.`));
    // What has not changed stays as it is in the page.
    if (body.dataset.key === key && body.firstChild) return void body.firstChild.replaceWith(clock);
    body.dataset.key = key;
    const now = states.at(place, selected);
    if (now === null) return only(element("p", { className: "quiet" }, "It is down."));
    const change = changedNow ? states.change(place, selected) : null;
    let lines = change ? difference(change.before ?? [], now) : now.map((text) => ({ sign: " ", text }));
    const more = [];
    if (lines.length > LONG && !whole.has(place)) {
      const rest = lines.length - LONG;
      lines = lines.slice(0, LONG);
      more.push(element("button", { type: "button", onclick: () => (whole.add(place), showState(place)) }, `${counted(rest, "more line")}`));
    }
    body.replaceChildren(clock, linesOf(lines, change !== null && change.before !== null), ...more);
  }

  byId("open-all").addEventListener("click", () => {
    const all = view.run.nodes.every((_, place) => opened.has(place));
    for (const card of nodes.children) card.open = !all;
  });
  return { show };
}
