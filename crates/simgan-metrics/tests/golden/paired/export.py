"""Writes case.json beside itself: intervals of mean differences and sign tests as SciPy computes them.

usage: python export.py
needs: pip install numpy scipy
"""
import json, pathlib

import numpy as np
from scipy import stats

random = np.random.default_rng(3)
cases = []
for n_draws, n_pairs in [(1, 2), (2, 1), (3, 2), (3, 3), (5, 1), (11, 1), (12, 2), (40, 3)]:
    draws = random.normal(-0.2, 0.3, (n_draws, n_pairs)).round(3)
    draws[0, 0] = 0  # a tie
    means = draws.mean(axis=1)
    lower, higher = int((draws < 0).sum()), int((draws > 0).sum())
    interval = stats.t.interval(0.95, n_draws - 1, means.mean(), stats.sem(means)) if n_draws > 1 else None
    cases.append({
        "draws": draws.tolist(),
        "mean": means.mean(),
        "interval": list(map(float, interval)) if interval else None,
        "lower": lower,
        "higher": higher,
        "p": stats.binomtest(lower, lower + higher).pvalue if lower + higher else 1.0,
    })
(pathlib.Path(__file__).parent / "case.json").write_text(json.dumps(cases) + "\n")
