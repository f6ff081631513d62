// Which lines differ between two texts.

/** Up to this many pairs of lines are compared; beyond, all of the old stands against all of the new. */
const COMPARED = 1 << 18;

/** The lines of both, each with its sign: "−" only in the old, "+" only in the new, " " in both. */
export function difference(before, after) {
  const result = [];
  const put = (sign, text) => result.push({ sign, text });
  let head = 0;
  while (head < before.length && head < after.length && before[head] === after[head]) head++;
  let tail = 0;
  const most = Math.min(before.length, after.length) - head;
  while (tail < most && before[before.length - 1 - tail] === after[after.length - 1 - tail]) tail++;
  for (let n = 0; n < head; n++) put(" ", before[n]);
  middle(before.slice(head, before.length - tail), after.slice(head, after.length - tail), put);
  for (let n = before.length - tail; n < before.length; n++) put(" ", before[n]);
  return result;
}

function middle(before, after, put) {
  if (before.length * after.length > COMPARED) {
    before.forEach((line) => put("−", line));
    after.forEach((line) => put("+", line));
    return;
  }
  // How many lines the rests from each pair of places have in common.
  const across = after.length + 1;
  const common = new Uint32Array((before.length + 1) * across);
  for (let i = before.length - 1; i >= 0; i--)
    for (let j = after.length - 1; j >= 0; j--)
      common[i * across + j] =
        before[i] === after[j]
          ? common[(i + 1) * across + j + 1] + 1
          : Math.max(common[(i + 1) * across + j], common[i * across + j + 1]);
  let [i, j] = [0, 0];
  while (i < before.length || j < after.length) {
    if (i < before.length && j < after.length && before[i] === after[j]) {
      put(" ", before[i++]);
      j++;
    } else if (j === after.length || (i < before.length && common[(i + 1) * across + j] >= common[i * across + j + 1])) {
      put("−", before[i++]);
    } else put("+", after[j++]);
  }
}

/** The same without long stretches that are in both: those keep so many lines at each end. */
export function folded(lines, context = 2) {
  const result = [];
  for (let n = 0; n < lines.length; ) {
    if (lines[n].sign !== " ") {
      result.push(lines[n++]);
      continue;
    }
    let end = n;
    while (end < lines.length && lines[end].sign === " ") end++;
    const [keepHead, keepTail] = [n === 0 ? 0 : context, end === lines.length ? 0 : context];
    if (end - n <= keepHead + keepTail + 1) result.push(...lines.slice(n, end));
    else {
      result.push(...lines.slice(n, n + keepHead));
      result.push({ sign: "…", text: `${end - n - keepHead - keepTail} lines unchanged` });
      result.push(...lines.slice(end - keepTail, end));
    }
    n = end;
  }
  return result;
}
