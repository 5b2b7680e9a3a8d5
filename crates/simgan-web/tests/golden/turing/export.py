"""Writes statistics.json beside itself: figures of visual Turing tests from SciPy, sample sizes by search.

usage: python export.py
needs: pip install numpy scipy
"""
import json, pathlib

import numpy as np
from scipy.stats import binom, binomtest, norm

# What was true (real, refined) against what was said; the first is the paper's, the second its baseline.
TABLES = [
    [[224, 276], [207, 293]], [[81, 19], [19, 81]], [[0, 0], [0, 0]], [[50, 0], [0, 50]], [[0, 50], [50, 0]],
    [[7, 3], [0, 0]], [[9, 1], [4, 6]], [[10, 0], [4, 6]], [[433, 427], [431, 429]], [[1, 0], [0, 0]],
]
MARGIN = 0.05


def detection(table, is_two_alternatives):
    n = [sum(row) for row in table]
    if 0 in n:
        return None
    right = (table[0][0] + table[1][1], sum(n))
    rates = [(table[1][1], n[1]), (table[0][1], n[0])] + ([right] if is_two_alternatives else [])
    is_corrected = any(k in (0, n) for k, n in rates)
    z = lambda k, n: norm.ppf((k + 0.5) / (n + 1) if is_corrected else k / n)
    hit, alarm = z(*rates[0]), z(*rates[1])
    d_prime = np.sqrt(2) * z(*right) if is_two_alternatives else hit - alarm
    return {"d_prime": d_prime, "bias": -(hit + alarm) / 2, "is_corrected": is_corrected}


def figures(table):
    n, k = sum(map(sum, table)), table[0][0] + table[1][1]
    case = {"table": table, "yes_no": detection(table, False), "two_alternatives": detection(table, True)}
    if n == 0:
        return case | {"p_one_sided": 1, "p_two_sided": 1, "interval": [0, 1], "equivalence": 1}
    interval = binomtest(k, n).proportion_ci(0.95, method="wilson")
    return case | {
        "p_one_sided": binomtest(k, n, alternative="greater").pvalue,
        "p_two_sided": binomtest(k, n).pvalue,
        "interval": [interval.low, interval.high],
        "equivalence": max(
            binomtest(k, n, 0.5 - MARGIN, alternative="greater").pvalue,
            binomtest(k, n, 0.5 + MARGIN, alternative="less").pvalue,
        ),
    }


def settled(power_of, power, limit):
    """The smallest n from which on the power is reached, up to the limit."""
    return max(n for n in range(1, limit) if power_of(n) < power) + 1


def beating(share, power, alpha):
    def power_of(n):
        k = np.arange(n + 2)
        return binom.sf(k[binom.sf(k - 1, n, 0.5) <= alpha][0] - 1, n, share)

    return settled(power_of, power, 3000)


def equivalence(margin, power, alpha):
    def power_of(n):
        k = np.arange(n + 1)
        passes = (binom.sf(k - 1, n, 0.5 - margin) <= alpha) & (binom.cdf(k, n, 0.5 + margin) <= alpha)
        return binom.pmf(k[passes], n, 0.5).sum()

    return settled(power_of, power, 2000)


def crossed_bootstrap():
    """Six subjects, 30 images, answers that depend on both; intervals by 20,000 resamples."""
    random = np.random.default_rng(3)
    skill, ease = random.normal(0, 0.6, 6), random.normal(0.4, 0.8, 30)
    is_right = random.random((6, 30)) < 1 / (1 + np.exp(-(skill[:, None] + ease)))
    truth = np.arange(30) % 2
    said = np.where(is_right, truth, 1 - truth)
    shares, d_primes = [], []
    for _ in range(20_000):
        weights = np.outer(random.multinomial(6, [1 / 6] * 6), random.multinomial(30, [1 / 30] * 30))
        table = [[int(weights[(truth == t) & (said == s)].sum()) for s in (0, 1)] for t in (0, 1)]
        shares.append((table[0][0] + table[1][1]) / weights.sum())
        d_primes.append(detection(table, False)["d_prime"])
    quantiles = lambda values: np.quantile(values, [0.025, 0.975]).tolist()
    return {"said": said.tolist(), "share": quantiles(shares), "d_prime": quantiles(d_primes)}


plans = [(share, 0.8, 0.05) for share in (0.55, 0.6, 0.7, 0.95)] + [(0.6, 0.9, 0.01)]
margins = [(0.05, 0.8, 0.05), (0.1, 0.8, 0.05), (0.1, 0.9, 0.01)]
case = {
    "tables": [figures(table) for table in TABLES],
    "beating": [[*plan, beating(*plan)] for plan in plans],
    "equivalence": [[*margin, equivalence(*margin)] for margin in margins],
    "bootstrap": crossed_bootstrap(),
}
plain = lambda value: value.item()
(pathlib.Path(__file__).parent / "statistics.json").write_text(json.dumps(case, default=plain) + "\n")
