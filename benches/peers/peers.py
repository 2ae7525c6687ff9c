#!/usr/bin/env python3
"""mixlaw beside the usual tools, on the same problems, on one core, in one run.

    python3 -m pip install -r benches/peers/requirements.txt
    python3 benches/peers/peers.py [--quick] [--json OUT]

Prints versions, machine and date, and tables of medians and ratios in markdown. The problems, the
box of the law's coordinates and the starts come from the Rust program beside this file, which is
built first. README.md says what is measured.
"""

import os

# One core for everything, before a library counts them; the Rust program inherits both.
CORE = max(os.sched_getaffinity(0))
os.sched_setaffinity(0, {CORE})
for name in ("OMP", "OPENBLAS", "MKL", "RAYON"):
    os.environ[f"{name}_NUM_THREADS"] = "1"
os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
os.environ["JAX_PLATFORMS"] = "cpu"
os.environ["JAX_ENABLE_X64"] = "1"

import argparse
import functools
import itertools
import json
import math
import statistics
import sys
import tempfile
import time
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import scipy
from scipy.optimize import basinhopping, least_squares, minimize

from common import build, machine, run_rust, table

# Evaluations are timed in bursts of about this many seconds.
BURST = 0.02


class Problem:
    """A joint law's data, coordinates and starts, as the Rust program wrote them."""

    def __init__(self, name, path):
        raw = json.loads(path.read_text())
        array = lambda key: np.array(raw[key], dtype=float)
        self.name = name
        self.k = raw["domains"]
        self.h = array("h").reshape(-1, self.k)
        self.n, self.d, self.losses = array("n"), array("d"), array("losses")
        self.n0, self.d0, self.delta = raw["n0"], raw["d0"], raw["delta"]
        self.lower, self.upper = array("lower"), array("upper")
        self.starts = array("starts")
        self.values = [(value, np.array(gradient)) for value, gradient in raw["values"]]


def split(z, k):
    """E, ln C, gamma, and (ln v, q, exponent) of the terms of N and of D.

    The coordinates are ln E; ln C_i, ln gamma_i; ln v_A_i, q_A, ln alpha; ln v_B_i, q_B, ln beta.
    """
    c, g, a, b = 1, 1 + k, 1 + 2 * k, 3 + 3 * k
    # The formulas divide by q; nothing of a fit is seen of so small a change.
    away = lambda q: q if abs(q) > 1e-6 else math.copysign(1e-6, q)
    return (math.exp(z[0]), z[c:g], np.exp(z[g:a]),
            (z[a:a + k], away(z[a + k]), math.exp(z[a + k + 1])),
            (z[b:b + k], away(z[b + k]), math.exp(z[b + k + 1])))


class Joint:
    """The joint law in NumPy: value and gradient of the mean Huber, residuals and Jacobian.

    Coefficients are evaluated for each of `h`, powers for each of `n` and `d`, and rows pick theirs:
    with `grouped`, these are the distinct mixtures, N and D of the rows; otherwise the rows.
    """

    def __init__(self, problem, grouped):
        p = self.problem = problem
        every = slice(None)
        if grouped:
            self.h, mixture = np.unique(p.h, axis=0, return_inverse=True)
            self.mixture = mixture.reshape(-1)
            n, self.at_n = np.unique(p.n, return_inverse=True)
            d, self.at_d = np.unique(p.d, return_inverse=True)
            count = len(self.h)
            self.gather = lambda values, index: np.take(values, index, axis=0)
            self.by_mixture = lambda w: np.bincount(self.mixture, w, count)
        else:
            self.h, n, d = p.h, p.n, p.d
            self.mixture = self.at_n = self.at_d = every
            self.gather = lambda values, _: values
            self.by_mixture = lambda w: w
        self.ln_h, self.ln_n, self.ln_d = np.log(self.h), np.log(n / p.n0), np.log(d / p.d0)
        self.row_ln_n = self.gather(self.ln_n, self.at_n)
        self.row_ln_d = self.gather(self.ln_d, self.at_d)

    def power(self, ln_v, q):
        """(sum_i h_i v_i^q)^(1/q) for every mixture, its logarithm, v^q and their weighted sums."""
        powers = np.expm1(q * ln_v)
        sums = self.h @ powers
        ln_mean = np.log1p(sums) / q
        return np.exp(ln_mean), ln_mean, powers + 1.0, sums + 1.0

    def evaluate(self, z):
        """Residuals and what the gradient and the Jacobian need of their making."""
        e, ln_c, gamma, (ln_a, q_a, alpha), (ln_b, q_b, beta) = split(z, self.problem.k)
        terms = np.exp(ln_c + gamma * self.ln_h)
        inverse = 1.0 / terms.sum(axis=1)
        a, b = self.power(ln_a, q_a), self.power(ln_b, q_b)
        row_n = self.gather(np.exp(-alpha * self.ln_n), self.at_n)
        row_d = self.gather(np.exp(-beta * self.ln_d), self.at_d)
        n_term = self.gather(a[0], self.mixture) * row_n
        d_term = self.gather(b[0], self.mixture) * row_d
        bias = e + self.gather(inverse, self.mixture)
        return bias + n_term + d_term - self.problem.losses, (
            e, gamma, terms, inverse, (ln_a, q_a, alpha, a, row_n, n_term),
            (ln_b, q_b, beta, b, row_d, d_term))

    def value_gradient(self, z):
        r, (e, gamma, terms, inverse, *both) = self.evaluate(z)
        delta = self.problem.delta
        clipped = np.clip(r, -delta, delta)
        value = float(clipped @ (r - 0.5 * clipped)) / len(r)
        w = clipped / len(r)
        g = np.empty(len(z))
        k = self.problem.k
        g[0] = e * w.sum()
        outer = -self.by_mixture(w) * inverse**2
        g[1:1 + k] = outer @ terms
        g[1 + k:1 + 2 * k] = (outer @ (terms * self.ln_h)) * gamma
        at = 1 + 2 * k
        for (ln_v, q, exponent, (mean, ln_mean, powers, sums), row, term), ln_x in zip(
                both, (self.row_ln_n, self.row_ln_d)):
            level = self.by_mixture(w * row) * mean
            corners = powers * (self.h.T @ (level / sums))
            g[at:at + k] = corners
            g[at + k] = (corners @ ln_v - level @ ln_mean) / q
            g[at + k + 1] = -exponent * (w @ (term * ln_x))
            at += k + 2
        return value, g

    def jacobian(self, z):
        _, (e, gamma, terms, inverse, *both) = self.evaluate(z)
        k = self.problem.k
        j = np.empty((len(self.problem.losses), len(z)))
        j[:, 0] = e
        by_c = -terms * (inverse**2)[:, None]
        by_gamma = by_c * self.ln_h * gamma
        j[:, 1:1 + 2 * k] = self.gather(np.hstack([by_c, by_gamma]), self.mixture)
        at = 1 + 2 * k
        for (ln_v, q, exponent, (mean, ln_mean, powers, sums), row, term), ln_x in zip(
                both, (self.row_ln_n, self.row_ln_d)):
            by_v = self.h * powers * (mean / sums)[:, None]
            by_q = (by_v @ ln_v - mean * ln_mean) / q
            both_levels = np.hstack([by_v, by_q[:, None]])
            j[:, at:at + k + 1] = self.gather(both_levels, self.mixture) * row[:, None]
            j[:, at + k + 1] = -exponent * term * ln_x
            at += k + 2
        return j


def with_jax(problem, grouped):
    """Value and gradient by JAX, compiled, from the formula alone."""
    numpy = Joint(problem, grouped)
    h, ln_h, ln_n, ln_d = map(jnp.asarray, (numpy.h, numpy.ln_h, numpy.ln_n, numpy.ln_d))
    losses, delta, k = jnp.asarray(problem.losses), problem.delta, problem.k

    def power(ln_v, q):
        return jnp.exp(jnp.log1p(h @ jnp.expm1(q * ln_v)) / q)

    def value(z):
        c, g, a, b = 1, 1 + k, 1 + 2 * k, 3 + 3 * k
        bias = jnp.exp(z[0]) + 1.0 / jnp.exp(z[c:g] + jnp.exp(z[g:a]) * ln_h).sum(axis=1)
        n_power = jnp.exp(-jnp.exp(z[a + k + 1]) * ln_n)
        d_power = jnp.exp(-jnp.exp(z[b + k + 1]) * ln_d)
        pick = lambda values, index: values[index] if grouped else values
        predicted = (pick(bias, numpy.mixture)
                     + pick(power(z[a:a + k], z[a + k]), numpy.mixture) * pick(n_power, numpy.at_n)
                     + pick(power(z[b:b + k], z[b + k]), numpy.mixture) * pick(d_power, numpy.at_d))
        r = predicted - losses
        clipped = jnp.clip(r, -delta, delta)
        return jnp.mean(clipped * (r - 0.5 * clipped))

    compiled = jax.jit(jax.value_and_grad(value))
    return lambda z: jax.block_until_ready(compiled(z))


def seconds_each(call, points, repeats):
    """Seconds for one call, once for each repeat, over points that change every time."""
    def burst(count):
        start = time.perf_counter()
        for z in itertools.islice(itertools.cycle(points), count):
            call(z)
        return (time.perf_counter() - start) / count
    count = max(10, math.ceil(BURST / burst(50)))
    return [burst(count) for _ in range(repeats)]


def assert_agrees(problem, call, what):
    """Asserts that values and gradients are mixlaw's."""
    for z, (value, gradient) in zip(problem.starts, problem.values):
        own_value, own_gradient = call(z)
        assert abs(own_value / value - 1) < 1e-9, (what, own_value, value)
        worst = np.abs(np.asarray(own_gradient) - gradient).max() / np.abs(gradient).max()
        assert worst < 1e-9, (what, worst)


class Stopped(Exception):
    """A search reached its target, or its time is over."""


class Scaled:
    """The objective in units of delta^2, so that it is of order 1 and SciPy's tolerances and its
    temperature mean what they say; stops at a target or when the time is over."""

    def __init__(self, law, target=-math.inf, cap=math.inf):
        self.law, self.unit = law, law.problem.delta**2
        self.target, self.cap = target, cap
        self.start = time.perf_counter()
        self.reached = None

    def __call__(self, z):
        value, gradient = self.law.value_gradient(z)
        elapsed = time.perf_counter() - self.start
        if value <= self.target:
            self.reached = elapsed
            raise Stopped
        if elapsed > self.cap:
            raise Stopped
        return value / self.unit, gradient / self.unit


def lbfgsb_arguments(problem):
    options = {"maxiter": 5000, "maxfun": 20000, "ftol": 1e-9, "gtol": 1e-9}
    bounds = list(zip(problem.lower, problem.upper))
    return {"method": "L-BFGS-B", "jac": True, "bounds": bounds, "options": options}


def multi_start_lbfgsb(law):
    """The objectives that L-BFGS-B reaches from the starts."""
    arguments = lbfgsb_arguments(law.problem)
    objective = Scaled(law)
    return [objective.unit * minimize(objective, z, **arguments).fun for z in law.problem.starts]


def hop(law, seed, target, cap):
    """Seconds until basin-hopping with L-BFGS-B comes to the target; None if the cap is first."""
    objective = Scaled(law, target, cap)
    try:
        basinhopping(objective, law.problem.starts[seed], niter=10**9, rng=seed,
                     minimizer_kwargs=lbfgsb_arguments(law.problem))
    except Stopped:
        pass
    return objective.reached


def multi_start_trf(law):
    """The objectives that TRF reaches from the starts, least squares first and then Huber.

    In units of delta, SciPy's sum for the loss `huber` is the sum of eq. (6), and its curvature the
    true one. Steps are scaled by the Jacobian, and a fit ends by the fall of the sum alone.
    """
    problem = law.problem
    margin = 1e-9 * (problem.upper - problem.lower)
    inside = lambda z: np.clip(z, problem.lower + margin, problem.upper - margin)
    solve = lambda z, **settings: least_squares(
        lambda z: law.evaluate(z)[0] / problem.delta, inside(z),
        lambda z: law.jacobian(z) / problem.delta, method="trf", x_scale="jac",
        bounds=(problem.lower, problem.upper), xtol=None, gtol=None, max_nfev=1000, **settings)
    reached = []
    for start in problem.starts:
        smooth = solve(start, ftol=1e-3)
        fit = solve(smooth.x, ftol=1e-6, loss="huber", f_scale=1.0)
        reached.append(law.value_gradient(fit.x)[0])
    return reached


def timed(call):
    """The objectives that a call returns, and its seconds."""
    start = time.perf_counter()
    objectives = call()
    return {"seconds": [time.perf_counter() - start], "objectives": objectives}


def measure(program, options):
    """Runs everything on both problems."""
    rust = functools.partial(run_rust, program)
    results = {}
    with tempfile.TemporaryDirectory() as directory:
        rust("export", directory, starts=options.starts)
        problems = [Problem(name, Path(directory) / f"{name}.json") for name in ("P3", "P8")]
    for problem in problems:
        name = problem.name
        rows, grouped = Joint(problem, False), Joint(problem, True)
        calls = {"NumPy, row by row": rows.value_gradient,
                 "NumPy, grouped": grouped.value_gradient,
                 "JAX jit, row by row": with_jax(problem, False),
                 "JAX jit, grouped": with_jax(problem, True)}
        for what, call in calls.items():
            assert_agrees(problem, call, what)
        evaluations = {what: [] for what in ["mixlaw", *calls]}
        # In rounds, so that a busy minute of the machine meets all of them.
        for _ in range(options.rounds):
            evaluations["mixlaw"] += rust("evaluate", name, repeats=5)["seconds"]
            for what, call in calls.items():
                points = problem.starts[:8]
                if what.startswith("JAX"):
                    points = [jnp.asarray(z) for z in points]
                evaluations[what] += seconds_each(call, points, 5)

        fits = {"mixlaw, default fit": rust("fit", name, repeats=options.fits)}
        peers = {
            "SciPy TRF, multi-start": lambda: timed(lambda: multi_start_trf(grouped)),
            "SciPy L-BFGS-B, multi-start": lambda: timed(lambda: multi_start_lbfgsb(grouped)),
            "basin L-BFGS-B, multi-start": lambda: rust(
                "basin-multi-start", name, starts=options.starts, repeats=1),
        }
        for _ in range(options.repeats):
            for what, peer in peers.items():
                print(name, what, file=sys.stderr)
                run = peer()
                fits.setdefault(what, {**run, "seconds": []})["seconds"] += run["seconds"]

        best = min(min(fit["objectives"]) for fit in fits.values())
        target = 1.01 * best
        seeds = range(options.seeds)
        print(name, "SciPy basinhopping", file=sys.stderr)
        hops = {
            "SciPy basinhopping": [hop(grouped, seed, target, options.cap) for seed in seeds],
            "basin basin-hopping": rust("basin-hopping", name, starts=options.seeds,
                                        cap=options.cap, target=target)["seconds"],
        }
        results[name] = {"evaluations": evaluations, "fits": fits, "hops": hops, "best": best}
    return results


def report(results, options):
    """Prints the tables: medians, and ratios to mixlaw."""
    names = list(results)
    columns = lambda *titles: [f"{name}: {title}" for name in names for title in titles]
    median = statistics.median

    print(f"Value and gradient of the mean Huber of the joint law, median of "
          f"{5 * options.rounds} repeats\n")
    rows = []
    for what in results[names[0]]["evaluations"]:
        row = [what]
        for name in names:
            times = results[name]["evaluations"]
            own, ours = median(times[what]), median(times["mixlaw"])
            row += [f"{1e6 * own:.1f} us", f"{own / ours:.1f}"]
        rows.append(row)
    table(["", *columns("time", "ratio")], rows)

    print(f"A fit from cold, all its starts included; the peers from the same {options.starts} "
          f"starts. Excess is that of the best (mixlaw: of the worst of {options.fits} seeds) over "
          "the best objective known; beside it, how many starts (mixlaw: seeds) come within 1%\n")
    rows = []
    for what in results[names[0]]["fits"]:
        row = [what]
        for name in names:
            fits, best = results[name]["fits"], results[name]["best"]
            own, ours = median(fits[what]["seconds"]), median(fits["mixlaw, default fit"]["seconds"])
            reached = fits[what]["objectives"]
            shown = max(reached) if what.startswith("mixlaw") else min(reached)
            near = sum(value <= 1.01 * best for value in reached)
            row += [f"{1e3 * own:.1f} ms", f"{own / ours:.1f}", f"{100 * (shown / best - 1):.3f}%",
                    f"{near} of {len(reached)}"]
        rows.append(row)
    table(["", *columns("time", "ratio", "excess", "within 1%")], rows)

    print(f"Basin-hopping over L-BFGS-B until it is within 1% of the best objective known, median "
          f"of {options.seeds} seeds; given up after {options.cap:g} s\n")
    rows = []
    for what in results[names[0]]["hops"]:
        row = [what]
        for name in names:
            seconds = results[name]["hops"][what]
            ours = median(results[name]["fits"]["mixlaw, default fit"]["seconds"])
            # The upper median where the number is even: a time that was measured, or none.
            own = sorted(math.inf if s is None else s for s in seconds)[len(seconds) // 2]
            found = sum(s is not None for s in seconds)
            row += ([f"not within {options.cap:g} s", f"> {options.cap / ours:.0f}"]
                    if own == math.inf else [f"{1e3 * own:.0f} ms", f"{own / ours:.1f}"])
            row.append(f"{found} of {len(seconds)}")
        rows.append(row)
    table(["", *columns("time", "ratio", "got there")], rows)

    for name in names:
        print(f"{name}: best objective known {results[name]['best']:.9e}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="fewer repeats, seeds and seconds")
    parser.add_argument("--json", metavar="OUT", help="write all measurements as JSON")
    # As many as a default fit of mixlaw draws.
    parser.add_argument("--starts", type=int, default=24)
    options = parser.parse_args()
    settings = dict(rounds=2, fits=10, repeats=1, seeds=3, cap=5.0) if options.quick else dict(
        rounds=6, fits=50, repeats=5, seeds=11, cap=30.0)
    vars(options).update(settings)

    program = build()
    about = {**machine(["mixlaw", "basin"]), "numpy": np.__version__,
             "scipy": scipy.__version__, "jax": jax.__version__}
    results = measure(program, options)
    print(", ".join(f"{name} {value}" for name, value in about.items()), end="\n\n")
    report(results, options)
    if options.json:
        everything = {"machine": about, "options": vars(options), "results": results}
        Path(options.json).write_text(json.dumps(everything, indent=1) + "\n")


if __name__ == "__main__":
    main()
