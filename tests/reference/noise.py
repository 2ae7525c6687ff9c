#!/usr/bin/env python3
"""Independent values for tests/noise.rs: the empirical Bayes estimate of Smyth (2004, section 6.2) of the
deviations of repeats, with the functions of Gamma from their series.

    python3 tests/reference/noise.py
"""

import csv
import math
import pathlib

TERMS = 200_000
REPEATS = {
    0.2: [3.0010, 3.0025, 2.9992, 3.0003, 2.9985, 3.0011],
    0.4: [2.90, 2.95, 2.87, 2.84, 2.93],
    0.6: [3.12, 3.10, 3.135, 3.11],
    0.8: [3.3, 3.34],
}


def digamma(x):
    total = -0.5772156649015329 - 1 / x + sum(x / (k * (k + x)) for k in range(1, TERMS))
    return total + math.log1p(x / TERMS) + 0.5 * x / (TERMS * (TERMS + x))


def trigamma(x):
    total = sum(1 / (x + k) ** 2 for k in range(TERMS))
    return total + 1 / (x + TERMS) + 0.5 / (x + TERMS) ** 2


def inverse_trigamma(value):
    low, high = 1e-6, 1e6
    for _ in range(60):
        middle = math.sqrt(low * high)
        low, high = (middle, high) if trigamma(middle) > value else (low, middle)
    return low


def variance(values):
    mean = sum(values) / len(values)
    return sum((x - mean) ** 2 for x in values) / (len(values) - 1)


own = {web: (variance(values), len(values) - 1) for web, values in REPEATS.items()}
pooled = sum(s * f for s, f in own.values()) / sum(f for _, f in own.values())
enough = [(s, f) for s, f in own.values() if f >= 3]
logs = [math.log(s) - digamma(f / 2) + math.log(f / 2) for s, f in enough]
excess = variance(logs) - sum(trigamma(f / 2) for _, f in enough) / len(enough)
half = inverse_trigamma(excess)
common = math.exp(sum(logs) / len(logs) + digamma(half) - math.log(half))
print("pooled", repr(math.sqrt(pooled)))
for web, (s, f) in own.items():
    shrunk = (2 * half * common + f * s) / (2 * half + f) if f >= 3 else pooled
    print(web, repr(math.sqrt(shrunk)))


def of_table(path, target):
    """The pooled deviation of a sweep: each N and mixture counts by the degrees of freedom of one D."""
    cells = {}
    with open(path, newline="") as file:
        for row in csv.DictReader(file):
            mixture = tuple(row[name] for name in row if name.startswith("h_"))
            cell = cells.setdefault((row["n_params"], mixture), {})
            cell.setdefault(row["n_tokens"], []).append(float(row[f"loss_{target}"]))
    squares = freedom = 0
    for groups in cells.values():
        own = [values for values in groups.values() if len(values) > 1]
        if own:
            most = max(len(values) - 1 for values in own)
            total = sum(variance(values) * (len(values) - 1) for values in own)
            squares += most * total / sum(len(values) - 1 for values in own)
            freedom += most
    return math.sqrt(squares / freedom), freedom


table = pathlib.Path(__file__).parents[2] / "examples/data/byte_noise.csv"
for target in ["english", "rust"]:
    print(target, *of_table(table, target))
