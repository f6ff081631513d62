// How numbers and times are written.

/** Seconds with as many digits as tell a time from its neighbours, as the other drawings print them. @param {number} ns */
export function seconds(ns) {
  const whole = Math.floor(ns / 1e9);
  const rest = Math.round(ns - whole * 1e9);
  const digits = String(rest).padStart(9, "0");
  const kept = rest % 1e6 === 0 ? 3 : rest % 1e3 === 0 ? 6 : 9;
  return `${whole}.${digits.slice(0, kept)} s`;
}

/** A length of time, with its sign and in the unit that suits it. @param {number} ns */
export function offset(ns) {
  const size = Math.abs(ns);
  const sign = ns < 0 ? "−" : "+";
  if (size >= 1e9) return `${sign}${(size / 1e9).toFixed(3)} s`;
  if (size >= 1e6) return `${sign}${(size / 1e6).toFixed(1)} ms`;
  return `${sign}${(size / 1e3).toFixed(1)} µs`;
}

/** @param {number} count @param {string} thing */
export function counted(count, thing) {
  return `${count.toLocaleString("en")} ${thing}${count === 1 ? "" : "s"}`;
}
