#!/usr/bin/env python3
"""Mixtures that mixlaw's SimplexSolver finds, beside those that SciPy finds for the same problems.

    python3 -m pip install -r benches/peers/requirements.txt
    python3 benches/peers/mixtures.py [--quick] [--json OUT]

Prints versions, machine and date, and tables in markdown. Random problems come from the Rust
program beside this file, which is built first, with what mixlaw finds for them; here they are
evaluated anew in NumPy. README.md says what is measured.
"""

import os

# Before a library counts cores. Times are taken on this core alone.
CORE = max(os.sched_getaffinity(0))
for name in ("OMP", "OPENBLAS", "MKL", "RAYON"):
    os.environ[f"{name}_NUM_THREADS"] = "1"

import argparse
import json
import math
import multiprocessing
import statistics
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import scipy
from scipy.optimize import Bounds, LinearConstraint, minimize

from common import build, machine, run_rust, table

LAWS = ["simple", "additive", "joint", "full"]
# Values, in units of the value where it is above one: mixlaw should not be above the best found by
# more than MISS, nor its lower bound by more than ROUNDING.
MISS, ROUNDING = 1e-9, 1e-12
# A single run of SLSQP that ends above the best by more than this has failed.
FAILED = 1e-6
# Slopes are infinite where a weight is zero and gamma below one. This lower bound keeps SLSQP away
# from there; weights that end at it are tried at zero.
FLOOR = 1e-6
# Problems in a piece of work for one process.
CHUNK = 5
median = statistics.median


class Constant:
    """E, A, alpha, B or beta of each target."""

    def __init__(self, ln_value):
        self.value = np.exp(ln_value)

    def __call__(self, _):
        return self.value, 0.0


class InverseSum:
    """1 / sum_i C_i h_i^gamma_i of each target, and its slopes."""

    def __init__(self, ln_c, ln_gamma):
        self.ln_c, self.gamma = ln_c, np.exp(ln_gamma)
        self.ln_slope, self.less = ln_c + ln_gamma, self.gamma - 1.0

    def __call__(self, h):
        ln_h = np.log(h)
        value = 1.0 / np.exp(self.ln_c + self.gamma * ln_h).sum(axis=1)
        # Not the terms over h: these would be NaN and not infinite at zero.
        return value, -(value * value)[:, None] * np.exp(self.ln_slope + self.less * ln_h)


class PowerMean:
    """(sum_i h_i v_i^q)^(1/q) of each target, and its slopes.

    Off the simplex h is divided by its sum. Without that, slopes would be of order 1/q there, and
    solvers that leave the simplex by rounding be lost where q is small.
    """

    def __init__(self, ln_v, q):
        # The formula divides by q; nothing of a mixture is seen of so small a change.
        self.q = np.where(np.abs(q) > 1e-6, q, np.copysign(1e-6, q))
        self.middle = ln_v.mean(axis=1)
        self.rise = np.expm1(self.q[:, None] * (ln_v - self.middle[:, None])) / self.q[:, None]

    def __call__(self, h):
        total = h.sum()
        rise = self.rise @ h / total
        power = 1.0 + self.q * rise
        value = np.exp(self.middle + np.log1p(self.q * rise) / self.q)
        return value, (value / (power * total))[:, None] * (self.rise - rise[:, None])


class Problem:
    """The weighted sum of the targets' losses as a function of h: value and gradient."""

    def __init__(self, raw):
        self.k = raw["k"]
        self.weights = np.array(raw["weights"])
        coordinates = {}
        for name, column in zip(raw["names"], np.array(raw["targets"]).T):
            coordinates.setdefault(name.split("[")[0], []).append(column)
        of_domains = {name: np.array(columns).T for name, columns in coordinates.items()}
        of_target = lambda name: of_domains[name][:, 0]

        def coefficient(name):
            if f"q_{name}" in of_domains:
                return PowerMean(of_domains[f"ln_v_{name}"], of_target(f"q_{name}"))
            return Constant(of_target(name))

        self.bias = (InverseSum(of_domains["C"], of_domains["gamma"]) if "C" in of_domains
                     else coefficient("h"))
        self.terms = []
        constant = np.exp(of_target("E"))
        for level, exponent, x in (("A", "alpha", raw["n"] / raw["n0"]),
                                   ("B", "beta", raw["d"] / raw["d0"])):
            level, exponent, ln_x = coefficient(level), coefficient(exponent), math.log(x)
            if isinstance(level, Constant) and isinstance(exponent, Constant):
                constant = constant + level.value * np.exp(-exponent.value * ln_x)
            else:
                self.terms.append((level, exponent, ln_x))
        self.constant = float(self.weights @ constant)

    def __call__(self, h):
        values, slopes = self.bias(h)
        for level, exponent, ln_x in self.terms:
            level, level_slopes = level(h)
            exponent, exponent_slopes = exponent(h)
            power = np.exp(-exponent * ln_x)
            values = values + level * power
            slopes = slopes + (power[:, None] * level_slopes
                               - (level * power * ln_x)[:, None] * exponent_slopes)
        return self.constant + float(self.weights @ values), self.weights @ slopes

    def feasible(self, x):
        """The mixture next to x, with its value; the value is infinite if there is none."""
        h = np.clip(x, 0.0, 1.0)
        total = h.sum()
        if not total > 0.0:
            return math.inf, None
        h = h / total
        value, _ = self(h)
        return (value if math.isfinite(value) else math.inf), h


def check(problem, raw):
    """Asserts that values are mixlaw's, and slopes those of the values."""
    own = raw["mixlaw"]
    value, _ = problem(np.array(own["weights"]))
    assert abs(value - own["value"]) < 1e-9 * abs(value), (raw["law"], raw["seed"], value, own)
    h = 0.5 / problem.k + 0.5 * np.random.default_rng(raw["seed"]).dirichlet(np.ones(problem.k))
    _, slopes = problem(h)
    for i, step in enumerate(1e-6 * np.eye(problem.k)):
        slope = (problem(h + step)[0] - problem(h - step)[0]) / 2e-6
        wrong = abs(slope - slopes[i]) / max(1.0, np.abs(slopes).max())
        assert wrong < 1e-6, (raw["law"], raw["seed"], i, slope, slopes[i])


def slsqp(problem, start, bounds, ftol):
    ones = np.ones(problem.k)
    whole = {"type": "eq", "fun": lambda h: h.sum() - 1.0, "jac": lambda h: ones}
    return minimize(problem, start, jac=True, method="SLSQP", bounds=bounds, constraints=[whole],
                    options={"ftol": ftol, "maxiter": 1000})


def over_logarithms(problem, start, ftol):
    """L-BFGS-B over ln h, normalised: no bounds, and slopes that are finite at tiny weights."""
    def mixture(ln_h):
        h = np.exp(ln_h - ln_h.max())
        return h / h.sum()

    def objective(ln_h):
        h = mixture(ln_h)
        value, slopes = problem(h)
        return value, h * (slopes - slopes @ h)

    solution = minimize(objective, np.log(start), jac=True, method="L-BFGS-B",
                        options={"ftol": ftol, "gtol": 1e-12, "maxiter": 5000, "maxfun": 20000})
    solution.x = mixture(solution.x)
    return solution


def trust_constr(problem, start):
    return minimize(problem, start, jac=True, method="trust-constr",
                    bounds=Bounds(0.0, 1.0, keep_feasible=True),
                    constraints=[LinearConstraint(np.ones((1, problem.k)), 1.0, 1.0)],
                    options={"gtol": 1e-8, "xtol": 1e-10, "maxiter": 1000})


def candidates(problem, solutions):
    """The mixtures next to what a solver returned, also with the weights at FLOOR set to zero."""
    found = []
    for solution in solutions:
        value, h = problem.feasible(solution.x)
        if h is not None:
            found += [(value, h), problem.feasible(np.where(h > 2.0 * FLOOR, h, 0.0))]
    return found


def least(found):
    return min(found, key=lambda value_and_mixture: value_and_mixture[0])


def polished(problem, h):
    """Candidates from h, run to the end: all weights free, those that are not zero, logarithms."""
    face = [(1e-12, 1.0) if weight > 0.0 else (0.0, 0.0) for weight in h]
    return candidates(problem, [
        slsqp(problem, np.maximum(h, FLOOR), [(FLOOR, 1.0)] * problem.k, 1e-15),
        slsqp(problem, h, face, 1e-15), over_logarithms(problem, np.maximum(h, 1e-9), 1e-16)])


def compare(raw, slow):
    """What SciPy finds for a problem; with `slow` by trust-constr, too."""
    problem = Problem(raw)
    check(problem, raw)
    k = problem.k
    rng = np.random.default_rng(raw["seed"])
    starts = [np.full(k, 1.0 / k), *(0.9 * np.eye(k) + 0.1 / k),
              *rng.dirichlet(np.ones(k), 5), *rng.dirichlet(np.full(k, 0.3), 5)]
    bounds = [(FLOOR, 1.0)] * k
    scipy_own = candidates(problem, [
        *(slsqp(problem, np.maximum(start, FLOOR), bounds, 1e-12) for start in starts),
        *(over_logarithms(problem, np.maximum(start, FLOOR), 1e-12) for start in starts)])
    mixlaw = np.array(raw["mixlaw"]["weights"])
    from_mixlaw = polished(problem, mixlaw)
    if slow:
        inside = lambda h: 0.999 * h + 0.001 / k
        scipy_own += candidates(problem, [trust_constr(problem, inside(start))
                                          for start in (starts[0], least(scipy_own)[1])])
        from_mixlaw += candidates(problem, [trust_constr(problem, inside(mixlaw))])
    scipy_own += polished(problem, least(scipy_own)[1])

    own, _ = problem(mixlaw)
    value, weights = least([*scipy_own, *from_mixlaw, (own, mixlaw)])
    unit = max(1.0, abs(value))
    bound = raw["mixlaw"]["lower_bound"]
    return {
        **{key: raw[key] for key in ("law", "seed", "k")}, "targets": len(raw["weights"]),
        "mixlaw": raw["mixlaw"], "starts": len(starts), "best": value,
        "best_weights": weights.tolist(),
        # In units of the value: of mixlaw and its lower bound above the best, and of the best that
        # SciPy found by itself above mixlaw.
        "excess": (own - value) / unit,
        "bound_excess": None if bound is None else (bound - value) / unit,
        "scipy_excess": (least(scipy_own)[0] - own) / unit,
    }


def quiet():
    """Infinite slopes are a part of the problems; so are solvers that warn of them."""
    np.seterr(all="ignore")
    warnings.filterwarnings("ignore")


def compare_chunk(work):
    program, law, first, count, every = work
    problems = run_rust(program, "mixtures", laws=law, count=count, first_seed=first)
    return [compare(raw, raw["seed"] % every == 0) for raw in problems]


def compare_all(program, options):
    """Part 1, on as many processes as there are cores for it."""
    work = [(program, law, first, min(CHUNK, options.count - first), options.every)
            for first in range(0, options.count, CHUNK) for law in LAWS]
    with multiprocessing.Pool(options.processes, quiet) as pool:
        results = [result for chunk in pool.imap_unordered(compare_chunk, work) for result in chunk]
    return sorted(results, key=lambda result: (LAWS.index(result["law"]), result["seed"]))


def timed(call, repeats):
    """What a call returns, and its median seconds."""
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        out = call()
        seconds.append(time.perf_counter() - start)
    return out, median(seconds)


def verdict(problem, solution, best):
    """How a run of SciPy ended."""
    value, _ = problem.feasible(solution.x)
    reported = not solution.success
    nan = not (np.isfinite(solution.x).all() and np.isfinite(solution.fun))
    return {"excess": value - best, "iterations": solution.nit, "evaluations": solution.nfev,
            "reported": reported, "nan": bool(nan),
            "failed": bool(reported or nan or value - best > FAILED * max(1.0, best))}


def peers_of(k):
    """SciPy's solvers in the order of the tables, as functions of problem, start and ftol."""
    with_floor = lambda floor: lambda problem, start, ftol: slsqp(
        problem, np.maximum(start, floor), [(floor, 1.0)] * k, ftol)
    return {**{f"SLSQP, weights >= {floor:g}": with_floor(floor) for floor in (0.0, 1e-9, FLOOR)},
            "L-BFGS-B over ln h": over_logarithms}


# In the comparison of times: what does not fail from the uniform mixture.
TIMED = [f"SLSQP, weights >= {FLOOR:g}", "L-BFGS-B over ln h"]


def time_convex(program, options):
    """Part 2: SciPy and mixlaw on the same convex problems, in rounds on one core."""
    k, ftol = 7, 1e-10
    uniform = np.full(k, 1.0 / k)
    own = ("mixlaw", "coarse", "from_corner", "fixed")
    out = []
    for _ in range(options.rounds):
        raws = run_rust(program, "mixture-times", laws="additive", count=options.times, k=k,
                        targets=7, repeats=5)
        if not out:
            out = [{"law": raw["law"], "seed": raw["seed"], "rounds": []} for raw in raws]
        for entry, raw in zip(out, raws):
            problem = Problem(raw)
            check(problem, raw)
            times = {name: raw[name] for name in own}
            for name in TIMED:
                solve = peers_of(k)[name]
                solution, seconds = timed(lambda: solve(problem, uniform, ftol), 5)
                times[name] = {"seconds": seconds,
                               **verdict(problem, solution, raw["mixlaw"]["value"])}
            times["evaluation"] = {"seconds": timed(lambda: problem(uniform), 20)[1]}
            entry["rounds"].append(times)
    # What is found is the same in every round; of times the median counts.
    for entry in out:
        rounds = entry.pop("rounds")
        for name, first in rounds[0].items():
            if first is not None:
                first["seconds"] = median(times[name]["seconds"] for times in rounds)
            entry[name] = first
    return raws, out


STARTS = ["uniform", "corner", "corner, pulled in by 0.001"]


def time_failures(raws):
    """How single runs of SciPy end on the convex problems, by solver, tolerance and start."""
    out = []
    for ftol in (1e-10, 1e-13):
        for start in STARTS:
            for i, raw in enumerate(raws):
                problem = Problem(raw)
                k = problem.k
                # The corner from which mixlaw starts in mixture-times.
                h = np.full(k, 1.0 / k) if start == "uniform" else np.eye(k)[i % k]
                if start == "corner, pulled in by 0.001":
                    h = 0.999 * h + 0.001 / k
                for name, solve in peers_of(k).items():
                    # ln 0 is nowhere to start from.
                    if solve is over_logarithms and not h.all():
                        continue
                    solution, seconds = timed(lambda: solve(problem, h, ftol), 1)
                    out.append({"solver": name, "ftol": ftol, "start": start,
                                "seed": raw["seed"], "seconds": seconds,
                                **verdict(problem, solution, raw["mixlaw"]["value"])})
    return out


def time_certificates(program, options):
    """Part 3: mixlaw on problems that are not convex, with the certificate and without."""
    raws = run_rust(program, "mixture-times", "--nonconvex", laws="additive,joint",
                    count=options.certificates, k=7, targets=7, repeats=options.repeats)
    return [{key: raw[key] for key in ("law", "seed", "mixlaw", "local")} for raw in raws]


def listed(title, results, amount):
    """Prints which problems these are."""
    if results:
        print(f"{title}:\n")
        for result in results:
            print(f"- {result['law']}, k = {result['k']}, targets {result['targets']}, "
                  f"seed {result['seed']}: {amount(result):.1e}")
        print()


def report_comparison(results, options):
    starts = sorted({result["starts"] for result in results})
    print(f"Random problems of 7 to 17 domains and 1 to 7 targets. Best is the best mixture that "
          f"anyone found: mixlaw; SLSQP and L-BFGS-B over ln h, both from {starts[0]} to "
          f"{starts[-1]} starts and from mixlaw's mixture; on every {options.every}th problem also "
          "trust-constr. Differences in units of the value, where it is above one\n")
    rows = []
    for law in LAWS:
        of_law = [result for result in results if result["law"] == law]
        bounds = [r["bound_excess"] for r in of_law if r["bound_excess"] is not None]
        gaps = [r["excess"] - r["bound_excess"] for r in of_law if r["bound_excess"] is not None]
        rows.append([
            law, str(len(of_law)), str(sum(r["mixlaw"]["certified"] for r in of_law)),
            str(sum(r["excess"] > MISS for r in of_law)),
            f"{max(r['excess'] for r in of_law):.1e}",
            str(sum(excess > ROUNDING for excess in bounds)) if bounds else "-",
            f"{max(bounds):.1e}" if bounds else "-", f"{max(gaps):.1e}" if bounds else "-",
            *(str(sum(r["scipy_excess"] > far for r in of_law)) for far in (MISS, FAILED)),
        ])
    table(["law", "problems", "certified", f"mixlaw above best by > {MISS:.0e}", "by at most",
           f"lower bound above best by > {ROUNDING:.0e}", "by at most", "largest gap",
           f"SciPy by itself above mixlaw by > {MISS:.0e}", f"by > {FAILED:.0e}"], rows)
    full = [result for result in results if result["law"] == "full"]
    near = sum(result["excess"] <= MISS for result in full)
    print(f"Full law, no certificate: within {MISS:.0e} of the best in {near} of {len(full)} "
          f"problems ({100 * near / len(full):.2f}%)\n")
    excess = lambda result: result["excess"]
    listed("mixlaw above the best", [r for r in results if excess(r) > MISS], excess)
    excess = lambda result: result["bound_excess"]
    listed("A lower bound above the best",
           [r for r in results if excess(r) is not None and excess(r) > ROUNDING], excess)


def report_times(entries):
    print(f"{len(entries)} convex problems of 7 domains and 7 targets, each from the uniform "
          "mixture; medians over problems\n")
    ours = median(entry["mixlaw"]["seconds"] for entry in entries)
    titles = {"mixlaw": "mixlaw, default: gap 1e-10, certified",
              "coarse": "mixlaw, gap 1e-8, certified",
              "fixed": "mixlaw, the paper's fixed step at each problem's best eta, gap 1e-8",
              **{name: f"SciPy {name}, ftol 1e-10" for name in TIMED}}
    rows = []
    for name, title in titles.items():
        # A fixed step may not get there at all.
        runs = [entry for entry in entries if entry[name] is not None]
        own = median(entry[name]["seconds"] for entry in runs)
        ratio = median(entry[name]["seconds"] / entry["mixlaw"]["seconds"] for entry in runs)
        above = lambda entry: entry[name].get("excess", entry[name].get("value", math.nan)
                                              - entry["mixlaw"]["value"])
        rows.append([title, f"{1e6 * own:.0f} us", f"{own / ours:.1f}", f"{ratio:.1f}",
                     f"{median(entry[name]['iterations'] for entry in runs):g}",
                     f"{max(map(above, runs)):.1e}", f"{len(runs)} of {len(entries)}"])
    table(["", "time", "ratio", "median of ratios", "iterations",
           "above mixlaw's default by at most", "got there"], rows)
    evaluation = median(entry["evaluation"]["seconds"] for entry in entries)
    counts = " and ".join(f"{median(entry[name]['evaluations'] for entry in entries):g}"
                          for name in TIMED)
    etas = [entry["fixed"]["eta"] for entry in entries if entry["fixed"] is not None]
    print(f"SciPy's two evaluate {counts} times, at {1e6 * evaluation:.0f} us in NumPy each; the "
          f"rest of their time is SciPy's own. Best eta: {min(etas):.3g} to {max(etas):.3g}.\n")


def report_failures(entries, failures):
    print(f"Single runs on the same {len(entries)} problems: how many fail / say so / end in NaN, "
          f"and their median time. To end more than {FAILED:.0e} above the best is to fail, too; "
          "for mixlaw, so is to have no certificate\n")
    def cell(runs):
        count = lambda key: sum(run[key] for run in runs)
        return (f"{count('failed')} / {count('reported')} / {count('nan')}, "
                f"{1e3 * median(run['seconds'] for run in runs):.2f} ms")

    def own(name):
        def ended(entry):
            found = entry[name]
            reported = not found["certified"]
            excess = found["value"] - entry["mixlaw"]["value"]
            return {"seconds": found["seconds"], "reported": reported,
                    "nan": not math.isfinite(found["value"]),
                    "failed": reported or excess > FAILED * max(1.0, found["value"])}
        return cell([ended(entry) for entry in entries])

    rows = [["mixlaw, default", "", own("mixlaw"), own("from_corner"), "-"]]
    for name in dict.fromkeys(run["solver"] for run in failures):
        for ftol in dict.fromkeys(run["ftol"] for run in failures):
            row = [f"SciPy {name}", f"{ftol:.0e}"]
            for start in STARTS:
                runs = [run for run in failures
                        if (run["solver"], run["ftol"], run["start"]) == (name, ftol, start)]
                row.append(cell(runs) if runs else "-")
            rows.append(row)
    table(["", "ftol", *(f"from {start}" for start in STARTS)], rows)


def report_certificates(entries):
    print("What the certificate costs: problems of 7 domains and 7 targets that are not convex\n")
    rows = []
    for law in ("additive", "joint"):
        of_law = [entry for entry in entries if entry["law"] == law]
        seconds = lambda name: [entry[name]["seconds"] for entry in of_law]
        own, local = seconds("mixlaw"), seconds("local")
        gains = [entry["local"]["value"] - entry["mixlaw"]["value"] for entry in of_law]
        rows.append([
            law, str(len(of_law)), str(sum(entry["mixlaw"]["certified"] for entry in of_law)),
            f"{1e3 * median(own):.2f} ms", f"{1e3 * max(own):.0f} ms",
            f"{1e3 * median(local):.2f} ms", f"{1e3 * max(local):.0f} ms",
            f"{median(own) / median(local):.1f}", str(sum(gain > MISS for gain in gains)),
        ])
    table(["law", "problems", "certified", "with", "at most", "without", "at most", "ratio",
           f"better with it by > {MISS:.0e}"], rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="fewer problems")
    parser.add_argument("--json", metavar="OUT", help="write all measurements as JSON")
    parser.add_argument("--count", type=int, help="problems for each law")
    parser.add_argument("--processes", type=int, default=2, help="for the comparison of optima")
    options = parser.parse_args()
    count = options.count or (100 if options.quick else 1000)
    settings = dict(times=100, rounds=2, certificates=30, repeats=3, every=10) if options.quick \
        else dict(times=500, rounds=3, certificates=200, repeats=5, every=10)
    vars(options).update(settings, count=count)

    program = build()
    about = {**machine(["mixlaw"]), "numpy": np.__version__, "scipy": scipy.__version__}
    quiet()
    comparison = compare_all(program, options)
    # Times on one core; the Rust program inherits it.
    os.sched_setaffinity(0, {CORE})
    raws, times = time_convex(program, options)
    print("SciPy from several starts", file=sys.stderr)
    failures = time_failures(raws)
    certificates = time_certificates(program, options)
    print(", ".join(f"{name} {value}" for name, value in about.items()), end="\n\n")
    report_comparison(comparison, options)
    report_times(times)
    report_failures(times, failures)
    report_certificates(certificates)
    if options.json:
        everything = {"machine": about, "options": vars(options), "comparison": comparison,
                      "times": times, "failures": failures, "certificates": certificates}
        Path(options.json).write_text(json.dumps(everything, indent=1) + "\n")


if __name__ == "__main__":
    main()
