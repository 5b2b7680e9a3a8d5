"""Writes case.json beside itself: binomial tests and intervals from SciPy, a kernel distance from its definition.

usage: python export.py
needs: pip install numpy scipy
"""
import json, pathlib

import numpy as np
from scipy.stats import binomtest

counts = [(517, 1000), (162, 200), (0, 7), (7, 7), (1, 2), (90, 200), (5100, 10000)]
tests = []
for n_right, n_all in counts:
    test = binomtest(n_right, n_all, alternative="greater")
    interval = binomtest(n_right, n_all).proportion_ci(0.95, method="wilson")
    tests.append({"n_right": n_right, "n_all": n_all, "p": test.pvalue, "interval": [interval.low, interval.high]})

random = np.random.default_rng(4)
left, right = random.normal(size=(7, 5)).round(3), (random.normal(size=(9, 5)) + 0.4).round(3)


def kernel(x, y):
    return (x @ y / len(x) + 1) ** 3


within = lambda rows: np.mean([kernel(a, b) for i, a in enumerate(rows) for j, b in enumerate(rows) if i != j])
distance = within(left) + within(right) - 2 * np.mean([kernel(a, b) for a in left for b in right])
case = {"binomial": tests, "left": left.tolist(), "right": right.tolist(), "kernel_distance": distance}
(pathlib.Path(__file__).parent / "case.json").write_text(json.dumps(case, indent=1) + "\n")
