#!/usr/bin/env python3
"""The lengths of stories over all planted bugs: of each bug the first failing seeds, each shrunk as `seedbed run` does.

    scripts/stories.py [--seeds 3] [--most 20000] [--jobs N] [--program target/release/seedbed] [COMPONENT…]

Prints a line for each bug (its stories as operations + faults + choices) and the sums. Ends with 1 if the median is above 5
items, or less than 95 % of the stories have at most 10. Takes about an hour on two cores.
"""

import argparse
import concurrent.futures
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("components", nargs="*")
parser.add_argument("--seeds", type=int, default=3, help="how many failing seeds a bug")
parser.add_argument("--most", type=int, default=20_000, help="how many seeds are run at most to find them")
parser.add_argument("--jobs", type=int, default=os.cpu_count())
parser.add_argument("--program", default="target/release/seedbed")
call = parser.parse_args()
program = str(pathlib.Path(call.program).resolve())


def failing(model, bug):
    """The first failing seeds of a bug, each with the property that it violates."""
    words = [program, "sweep", model, "--bug", bug, "--seeds", f"0..{call.most}", "--threads", "1", "--no-shrink", "--json"]
    found = []
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as sweep:
        for line in sweep.stdout:
            line = json.loads(line)
            if line.get("property"):
                found.append((line["seed"], line["property"]))
            if len(found) == call.seeds:
                sweep.kill()
                break
    return found


def story(model, bug, seed):
    """The sizes of the story of a seed: operations, faults, choices; and the seconds it took."""
    begin = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        words = [program, "run", model, "--bug", bug, "--seed", str(seed), "--json"]
        run = subprocess.run(words, cwd=folder, capture_output=True, text=True)
        name = json.loads(run.stdout)["trace"]
        trace = json.loads((pathlib.Path(folder) / name).read_text())
        sizes = [len(trace.get(part) or []) for part in ("operations", "faults", "deviations")]
    return sizes, time.monotonic() - begin


def of_bug(model, bug):
    begin = time.monotonic()
    seeds = failing(model, bug)
    hunted = time.monotonic() - begin
    return model, bug, hunted, [(seed, violated, *story(model, bug, seed)) for seed, violated in seeds]


listed = [json.loads(line) for line in subprocess.run([program, "list", "--json"], capture_output=True, text=True).stdout.splitlines()]
bugs = [(c["model"], bug) for c in listed if not call.components or c["model"] in call.components for bug in c["bugs"]]
lengths, missing = [], []
with concurrent.futures.ThreadPoolExecutor(call.jobs) as pool:
    for model, bug, hunted, stories in pool.map(lambda pair: of_bug(*pair), bugs):
        told = "   ".join(f"{'+'.join(map(str, sizes))} in {took:.0f} s (seed {seed})" for seed, _, sizes, took in stories)
        print(f"{model:20} {bug:40} {told}", flush=True)
        lengths += [sum(sizes) for _, _, sizes, _ in stories]
        if len(stories) < call.seeds:
            missing.append(f"{model} {bug}: {len(stories)} failing seeds in {call.most}, after {hunted:.0f} s")
lengths.sort()
for line in missing:
    print("too few:", line)
if not lengths:
    sys.exit("no story")
short = sum(length <= 10 for length in lengths) / len(lengths)
median = lengths[len(lengths) // 2]
print(f"{len(lengths)} stories of {len(bugs)} bugs: median {median} items, {100 * short:.1f} % have at most 10, the longest {lengths[-1]}")
sys.exit(0 if median <= 5 and short >= 0.95 else 1)
