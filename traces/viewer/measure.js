// How smooth scrubbing is: the test that opens the page in a browser asks for it.

/** Scrubs through the whole run in so many frames, and says how long the frames took. */
export async function measureScrub(view, scrubTo, frames) {
  const frame = () => new Promise((done) => requestAnimationFrame(done));
  const times = [];
  await frame();
  let before = await frame();
  for (let n = 1; n <= frames; n++) {
    scrubTo(n / frames);
    const now = await frame();
    times.push(now - before);
    before = now;
  }
  const sorted = times.toSorted((a, b) => a - b);
  const all = times.reduce((a, b) => a + b, 0);
  return { events: view.run.count, frames, fps: (1000 * frames) / all, slowest: sorted.at(-1), p95: sorted[Math.floor(0.95 * frames)] };
}
