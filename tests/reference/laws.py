"""Reference values for the data-mixing scaling laws.

Computes losses and first derivatives of the laws in high precision and writes
them to laws.json next to this file, one case per line.  Needs Python 3 and
mpmath; run with

    python tests/reference/laws.py

The output is deterministic (fixed seed).  With h the mixture over k domains,

    L = E(h) + A(h) exp(-alpha(h) ln(N/N0)) + B(h) exp(-beta(h) ln(D/D0)),

and the laws differ in the five coefficient functions (table LAWS).  The vector
z holds the coordinates of E, A, alpha, B, beta in this order.  Those of COUPLED
have (T_N^(1/p) + T_D^(1/p))^p in place of the sum T_N + T_D of the last two
terms, and ln p after all other coordinates.  Those that are
not of this form (None in the table) have terms and derivatives of their own:
ge24, d-cpt, autoscale and data-constrained.

Derivatives of the whole loss are difference quotients at 200 digits or more
(step 1e-50, central; one-sided where h_i = 0 makes it necessary), h being
perturbed one component at a time, off the simplex.  They are then asserted to
agree with the chain rule over hand-derived gradients.

Fields of a case: law, k, domain (ge24 and d-cpt), unique (data-constrained: the
unique tokens of each domain), n0, d0, n, d, h, z (exact inputs);
loss, dz, dh, dlog_n, dlog_d (rounded to the nearest double, or "inf"/"-inf");
and for each of those a "_scale": the sum of the absolute values of the terms
that make up the quantity, against which an error should be measured.
  loss:         bias + mixture part of E + N term + D term
  derivatives:  sum over slots (bias, mixture part of E, A, alpha, B, beta) of
                |dL/dslot * dslot/dx|, where the power mean, with value V = e^F,
                counts  V (|l_i| + |F|) max(e^(q(l_i-F)), 1)       for d/dh_i,
                        V sum_i w_i (|l_i| + |F|)^2 max(e^(q(l_i-F)), 1) for d/dq,
                and the geometric mean  V (|l_i| + |F|)            for d/dh_i.
Of the laws with terms of their own a derivative counts every factor of a sum or
difference that makes it up, with ln(n0 + n) and ln(r + epsilon) as |ln| + 1.
At h_i = 0 derivatives are one-sided limits.
"""

import json
import math
import os
import random

from mpmath import mp, mpf

mp.dps = 200
STEP = mpf(10) ** -50
TINY = mpf(10) ** -60  # difference quotients below TINY * loss are zero


# ---------------------------------------------------------------- coefficients
# Each form is a value function of its coordinates c and of h.

def weights(h):
    total = mp.fsum(h)
    return [x / total for x in h]


def constant(c, h):
    return mp.exp(c[0])


def inverse_sum(c, h):
    k = len(h)
    return 1 / mp.fsum(mp.exp(c[i]) * h[i] ** mp.exp(c[k + i]) for i in range(k) if h[i] != 0)


def linear_power(c, h):
    w, q = weights(h), c[-1]
    if q == 0:
        return mp.exp(mp.fdot(w, c[:-1]))
    return mp.fsum(wi * mp.exp(q * l) for wi, l in zip(w, c)) ** (1 / q)


def geometric_mean(c, h):
    return mp.exp(mp.fdot(weights(h), c))


def exp_sum(c, h):
    k = len(h)
    return mp.fsum(mp.exp(c[i] + c[k + i] * h[i]) for i in range(k))


def shared_exp_sum(c, h):
    return mp.exp(c[0]) * mp.fsum(mp.exp(g * x) for g, x in zip(c[1:], h))


def exp_product(c, h):
    return mp.exp(c[0]) * mp.exp(c[1] * mp.fprod(len(h) * x for x in h))


SIZE = {  # number of coordinates
    constant: lambda k: 1,
    inverse_sum: lambda k: 2 * k,
    linear_power: lambda k: k + 1,
    geometric_mean: lambda k: k,
    exp_sum: lambda k: 2 * k,
    shared_exp_sum: lambda k: k + 1,
    exp_product: lambda k: 2,
}

# name: mixture part of E (None: E is a plain constant), A, alpha, B, beta
LAWS = {
    "chinchilla": (None, constant, constant, constant, constant),
    "simple": (linear_power, constant, constant, constant, constant),
    "additive": (inverse_sum, constant, constant, constant, constant),
    "joint": (inverse_sum, linear_power, constant, linear_power, constant),
    "full": (inverse_sum, linear_power, linear_power, linear_power, linear_power),
    "additive-fixed-n": (inverse_sum, None, None, constant, constant),
    "additive-fixed-nd": (inverse_sum, None, None, None, None),
    "ye-m1": (exp_sum, None, None, None, None),
    "ye-m2": (shared_exp_sum, None, None, None, None),
    "ye-m3": (exp_product, None, None, None, None),
    "ye-m4": (geometric_mean, None, None, None, None),
    "ge24": None,
    "data-constrained": None,
    "autoscale": None,
    "d-cpt": None,
    "coupled": (inverse_sum, constant, constant, constant, constant),
    "coupled-full": (inverse_sum, linear_power, linear_power, linear_power, linear_power),
}
COUPLED = {"coupled", "coupled-full"}


# ------------------------------------------------------------------------ laws
# A law is a list of slots (form, first coordinate, end) and terms(values, x, y)
# giving the additive terms of the loss from slot values, x = ln(N/N0), y = ln(D/D0).

def slots_of(law, k):
    forms = (constant,) + LAWS[law] + ((constant,) if law in COUPLED else (None,))
    slots, start = [], 0
    for form in forms:
        if form is not None:
            end = start + SIZE[form](k)
            slots.append((form, start, end))
            start = end
        else:
            slots.append(None)
    return slots, start


def general_terms(values, x, y):
    bias, mix, a, alpha, b, beta, _ = values
    return [bias,
            mpf(0) if mix is None else mix,
            mpf(0) if a is None else a * mp.exp(-alpha * x),
            mpf(0) if b is None else b * mp.exp(-beta * y)]


def coupled(values, x, y):
    """T_N, T_D and p."""
    _, _, t_n, t_d = general_terms(values, x, y)
    return t_n, t_d, values[6]


def slot_values(slots, z, h):
    return [None if s is None else s[0](z[s[1]:s[2]], h) for s in slots]


def terms(case, z, h, x, y):
    if case["law"] == "ge24":
        hg = h[case["domain"]] ** -mp.exp(z[1])
        return [mp.exp(z[0]) * hg, mp.exp(z[2]) * hg * mp.exp(-mp.exp(z[3]) * y)]
    if case["law"] in OWN:
        return OWN[case["law"]][0](case, z, h, x, y)
    values = slot_values(slots_of(case["law"], len(h))[0], z, h)
    if case["law"] in COUPLED:
        t_n, t_d, p = coupled(values, x, y)
        return [values[0], values[1], (t_n ** (1 / p) + t_d ** (1 / p)) ** p]
    return general_terms(values, x, y)


# ------------------------------------------------------- laws of another form
# For each its terms, and its derivatives by hand: (dz, their scales, dh, their
# scales, dlog_n, dlog_d).  A sum is a list of its parts; its scale is the sum of
# their absolute values.

def sums(parts):
    return [mp.fsum(p) for p in parts], [mp.fsum(abs(v) for v in p) for p in parts]


def d_cpt_terms(case, z, h, x, y):
    e, a, alpha, b, beta, eta, c, gamma, eps = map(mp.exp, z)
    r = h[case["domain"]]
    return [e, a * mp.exp(-alpha * x), b * r ** eta * mp.exp(-beta * y), c * (r + eps) ** -gamma]


def d_cpt_derivatives(case, z, h, x, y):
    e, a, alpha, b, beta, eta, c, gamma, eps = map(mp.exp, z)
    t_e, t_n, t_d, t_r = d_cpt_terms(case, z, h, x, y)
    r, n0, d0 = h[case["domain"]], mpf(case["n0"]), mpf(case["d0"])
    ln_n0, ln_d0 = mp.log(n0), mp.log(d0)
    ln_r = mp.log(r) if r != 0 else mpf(0)
    dz, dzs = sums([[t_e], [t_n], [alpha * t_n * ln_n0, -alpha * t_n * (ln_n0 + x)], [t_d],
                    [beta * t_d * ln_d0, -beta * t_d * (ln_d0 + y)], [eta * t_d * ln_r],
                    [t_r], [-gamma * t_r * mp.log(r + eps)], [-gamma * t_r * eps / (r + eps)]])
    dzs[7] += gamma * t_r
    if r != 0:
        rise = eta * t_d / r
    else:
        rise = mp.inf if eta < 1 else b * mp.exp(-beta * y) if eta == 1 else mpf(0)
    dh, dhs = sums([[rise, -gamma * t_r / (r + eps)] if i == case["domain"] else []
                    for i in range(len(h))])
    return dz, dzs, dh, dhs, -alpha * t_n, -beta * t_d


def autoscale_terms(case, z, h, x, y):
    k = len(h)
    units = [k * v * mp.exp(y) for v in h]
    return [z[0]] + [(mp.exp(z[1 + i]) + units[i]) ** -mp.exp(z[1 + k + i]) for i in range(k)]


def autoscale_derivatives(case, z, h, x, y):
    k = len(h)
    t = autoscale_terms(case, z, h, x, y)[1:]
    n0, gamma = [mp.exp(v) for v in z[1:1 + k]], [mp.exp(v) for v in z[1 + k:]]
    base = [n0[i] + k * h[i] * mp.exp(y) for i in range(k)]
    slope = [-gamma[i] * t[i] / base[i] for i in range(k)]
    dz, dzs = sums([[mpf(1)]] + [[slope[i] * n0[i]] for i in range(k)]
                   + [[-gamma[i] * t[i] * mp.log(base[i])] for i in range(k)])
    dzs = dzs[:1 + k] + [s + g * v for s, g, v in zip(dzs[1 + k:], gamma, t)]
    dh, dhs = sums([[s * k * mp.exp(y)] for s in slope])
    return dz, dzs, dh, dhs, mpf(0), mp.fdot(dh, h)


def saturated(unique, total, star):
    if total <= unique:
        return total
    return unique * (1 + star * (1 - mp.exp((1 - total / unique) / star)))


def constrained(case, z, h, x, y):
    """alpha, beta, N, D, ln A, ln B, unique tokens, ln G, the size that is best for them, U_N."""
    n0, d0 = mpf(case["n0"]), mpf(case["d0"])
    alpha, beta = mp.exp(z[2]), mp.exp(z[4])
    n, d = n0 * mp.exp(x), d0 * mp.exp(y)
    ln_a, ln_b = z[1] + alpha * mp.log(n0), z[3] + beta * mp.log(d0)
    unique = mp.fsum(min(v * d, mpf(u)) for v, u in zip(h, case["unique"]))
    ln_g = (z[2] + ln_a - z[4] - ln_b) / (alpha + beta)
    best = mp.exp(beta / alpha * (mp.log(unique) + ln_g) + ln_g)
    return alpha, beta, n, d, ln_a, ln_b, unique, ln_g, best, min(n, best)


def constrained_terms(case, z, h, x, y):
    alpha, beta, n, d, ln_a, ln_b, _, _, _, u_n = constrained(case, z, h, x, y)
    size = saturated(u_n, n, mp.exp(z[6]))
    worth = mp.fsum(saturated(mpf(u), v * d, mp.exp(z[5])) for v, u in zip(h, case["unique"]))
    return [mp.exp(z[0]), mp.exp(ln_a) * size ** -alpha, mp.exp(ln_b) * worth ** -beta]


def constrained_derivatives(case, z, h, x, y):
    alpha, beta, n, d, ln_a, ln_b, unique, ln_g, best, u_n = constrained(case, z, h, x, y)
    star_d, star_n = mp.exp(z[5]), mp.exp(z[6])
    t_e, t_n, t_d = constrained_terms(case, z, h, x, y)
    size = saturated(u_n, n, star_n)
    ratio = beta / alpha
    ln_n0, ln_d0 = mp.log(mpf(case["n0"])), mp.log(mpf(case["d0"]))

    # N' through U_N (two parts that nearly cancel where N is little more), N and R*_N.
    by_best, by_size, by_star_n = [mpf(0)], mpf(1), [mpf(0)]
    if n > best:
        repeats = n / best - 1
        fading = mp.exp(-repeats / star_n)
        by_best = [mpf(1), -n * fading / size]
        by_size = n * fading / size
        by_star_n = [star_n * u_n / size * (1 - fading), -u_n / size * repeats * fading]
    steep = [-alpha * t_n * v for v in by_best]
    # ln of the best size is ratio (ln U_D + ln G) + ln G.
    total = alpha + beta
    g_a, g_b = 1 / total, -1 / total
    g_alpha = [(1 + alpha * ln_n0) / total, -ln_g * alpha / total]
    g_beta = [-(1 + beta * ln_d0) / total, -ln_g * beta / total]
    inner = ratio * (mp.log(unique) + ln_g)
    times = lambda parts, factors: [p * f for p in parts for f in factors]
    through = lambda factors: times(steep, factors)

    worth, by_h, by_star_d = mpf(0), [], []
    for v, u in zip(h, case["unique"]):
        tokens, u = v * d, mpf(u)
        worth += saturated(u, tokens, star_d)
        repeats = tokens / u - 1
        fading = mp.exp(-repeats / star_d) if tokens > u else mpf(1)
        by_h.append((d * fading, d if tokens <= u else mpf(0)))
        if tokens > u:
            by_star_d += [u * star_d * (1 - fading), -u * repeats * fading]
    slope = -beta * t_d / worth
    dz, dzs = sums([
        [t_e],
        [t_n] + through([(ratio + 1) * g_a]),
        [t_n * alpha * ln_n0, -t_n * alpha * mp.log(size)]
        + through([(ratio + 1) * g for g in g_alpha] + [-inner]),
        [t_d] + through([(ratio + 1) * g_b]),
        [t_d * beta * ln_d0, -t_d * beta * mp.log(worth)]
        + through([(ratio + 1) * g for g in g_beta] + [inner]),
        [slope * v for v in by_star_d],
        [-alpha * t_n * v for v in by_star_n],
    ])
    dh, dhs = sums([[slope * w] + through([ratio / unique * u]) for w, u in by_h])
    return dz, dzs, dh, dhs, -alpha * t_n * by_size, mp.fdot(dh, h)


OWN = {
    "d-cpt": (d_cpt_terms, d_cpt_derivatives),
    "autoscale": (autoscale_terms, autoscale_derivatives),
    "data-constrained": (constrained_terms, constrained_derivatives),
}


# ------------------------------------------------------------- differentiation

def with_added(v, i, t):
    return v[:i] + [v[i] + t] + v[i + 1:]


def central(f):
    """Derivative of f(t) at t = 0."""
    return (f(STEP) - f(-STEP)) / (2 * STEP)


def one_sided(f, gamma):
    """Right derivative at t = 0 of f, which depends on t smoothly and through t^gamma."""
    if gamma < 1:  # the quotient grows like t^(gamma-1)
        with mp.workdps(500):
            q1, q2 = ((f(t) - f(mpf(0))) / t for t in (mpf(10) ** -100, mpf(10) ** -200))
            assert mp.sign(q1) == mp.sign(q2) and abs(q2 / q1) > 10
            return mp.sign(q2) * mp.inf
    digits = 100 if gamma == 1 else int(mp.ceil(100 / (gamma - 1)))
    with mp.workdps(digits + 200):
        t = mpf(10) ** -digits
        return (f(t) - f(mpf(0))) / t


def h_derivative(f, h, i, gammas):
    g = lambda t: f(with_added(h, i, t))
    if h[i] == 0 and gammas is not None:
        return one_sided(g, gammas[i])
    return central(g)


# ------------------------------------------------- hand-derived form gradients

def hand_gradients(form, c, h):
    """(d/dc, d/dh) of a form by formula, to check the difference quotients."""
    k, v = len(h), form(c, h)
    if form is constant:
        return [v], [mpf(0)] * k
    if form is inverse_sum:
        dc, dg, dh = [], [], []
        for i in range(k):
            gamma, ci = mp.exp(c[k + i]), mp.exp(c[i])
            if h[i] == 0:
                dc.append(mpf(0))
                dg.append(mpf(0))
                dh.append(-mp.inf if gamma < 1 else -v * v * ci if gamma == 1 else mpf(0))
            else:
                p = -v * v * ci * h[i] ** gamma
                dc.append(p)
                dg.append(p * gamma * mp.log(h[i]))
                dh.append(p * gamma / h[i])
        return dc + dg, dh
    if form is linear_power:
        w, q, l, f = weights(h), c[-1], c[:-1], mp.log(v)
        tilt = [mp.exp(q * (x - f)) for x in l]
        dl = [v * wi * t for wi, t in zip(w, tilt)]
        if q == 0:
            dq = v * mp.fsum(wi * (x - f) ** 2 for wi, x in zip(w, l)) / 2
            dh = [v * (x - f) for x in l]
        else:
            dq = v * (mp.fsum(wi * t * x for wi, t, x in zip(w, tilt, l)) - f) / q
            dh = [v * (t - 1) / q for t in tilt]
        return dl + [dq], [d / mp.fsum(h) for d in dh]
    if form is geometric_mean:
        return [v * wi for wi in weights(h)], [v * (x - mp.log(v)) / mp.fsum(h) for x in c]
    if form is exp_sum:
        e = [mp.exp(c[i] + c[k + i] * h[i]) for i in range(k)]
        return e + [a * x for a, x in zip(e, h)], [e[i] * c[k + i] for i in range(k)]
    if form is shared_exp_sum:
        e = [mp.exp(c[0] + g * x) for g, x in zip(c[1:], h)]
        return [v] + [a * x for a, x in zip(e, h)], [a * g for a, g in zip(e, c[1:])]
    if form is exp_product:
        p = mp.fprod(k * x for x in h)
        others = [k * mp.fprod(k * h[j] for j in range(k) if j != i) for i in range(k)]
        return [v, v * p], [v * c[1] * o for o in others]
    raise ValueError(form)


def conditioned_scales(form, c, h, dc, dh):
    """Absolute gradients, with the subtraction l_i - F counted by its operands."""
    dc, dh = [abs(d) for d in dc], [abs(d) for d in dh]
    if form in (linear_power, geometric_mean):
        v = form(c, h)
        f, l = mp.log(v), c[:len(h)]
        q = c[-1] if form is linear_power else mpf(0)
        size = [abs(x) + abs(f) for x in l]
        tilt = [mp.exp(max(q * (x - f), 0)) for x in l]
        dh = [v * s * t for s, t in zip(size, tilt)]
        if form is linear_power:
            dc[-1] = v * mp.fsum(wi * s * s * t for wi, s, t in zip(weights(h), size, tilt))
    return dc, dh


# ------------------------------------------------------------------ evaluation

def close(a, b, scale):
    if mp.isinf(a) or mp.isinf(b):
        return a == b
    return abs(a - b) <= mpf(10) ** -35 * scale


def chain_rule(case, z, h, x, y):
    """Derivatives by hand-derived chain rule, and their scales."""
    k, zero = len(h), mpf(0)
    if case["law"] == "ge24":
        t1, t2 = terms(case, z, h, x, y)
        gamma, beta, i = mp.exp(z[1]), mp.exp(z[3]), case["domain"]
        slope = -gamma * mp.log(h[i])
        dz = [t1, slope * (t1 + t2), t2, -t2 * beta * y]
        dh = [-gamma / h[i] * (t1 + t2) if j == i else zero for j in range(k)]
        return dz, [abs(d) for d in dz], dh, [abs(d) for d in dh], zero, -beta * t2
    if case["law"] in OWN:
        return OWN[case["law"]][1](case, z, h, x, y)
    slots, size = slots_of(case["law"], k)
    values = slot_values(slots, z, h)
    _, _, n_term, d_term = general_terms(values, x, y)
    _, _, a, alpha, b, beta, p = values
    outer = [mpf(1), mpf(1),
             None if a is None else n_term / a, -n_term * x,
             None if b is None else d_term / b, -d_term * y, None]
    by_n, by_d = mpf(1), mpf(1)
    if p is not None:
        # The sum of powers, the logarithm of which is taken times p.
        powers = [n_term ** (1 / p), d_term ** (1 / p)]
        total = mp.fsum(powers)
        by_n, by_d = [total ** (p - 1) * w / t for w, t in zip(powers, (n_term, d_term))]
        logs = mp.fdot(powers, [mp.log(n_term), mp.log(d_term)])
        outer[6] = total ** p * (mp.log(total) - logs / (p * total))
        outer = [o * f for o, f in zip(outer, [1, 1, by_n, by_n, by_d, by_d, 1])]
    dz, dzs = [zero] * size, [zero] * size
    dh, dhs = [zero] * k, [zero] * k
    for slot, out in zip(slots, outer):
        if slot is None:
            continue
        form, start, end = slot
        c = z[start:end]
        gc, gh = hand_gradients(form, c, h)
        sc, sh = conditioned_scales(form, c, h, gc, gh)
        dz[start:end] = [out * g for g in gc]
        dzs[start:end] = [abs(out) * s for s in sc]
        dh = [d + out * g for d, g in zip(dh, gh)]
        dhs = [d + abs(out) * s for d, s in zip(dhs, sh)]
    return (dz, dzs, dh, dhs,
            zero if a is None else -alpha * n_term * by_n,
            zero if b is None else -beta * d_term * by_d)


def evaluate(case):
    z, h = [mpf(v) for v in case["z"]], [mpf(v) for v in case["h"]]
    k = len(h)
    x = mp.log(mpf(case["n"]) / mpf(case["n0"]))
    y = mp.log(mpf(case["d"]) / mpf(case["d0"]))
    loss = lambda z=z, h=h, x=x, y=y: mp.fsum(terms(case, z, h, x, y))
    gammas = None
    if LAWS[case["law"]] and LAWS[case["law"]][0] is inverse_sum:
        gammas = [mp.exp(v) for v in z[1 + k:1 + 2 * k]]
    if case["law"] == "d-cpt":
        gammas = [mp.exp(z[5]) if i == case["domain"] else mpf(1) for i in range(k)]

    value, scale = loss(), mp.fsum(abs(t) for t in terms(case, z, h, x, y))
    snap = lambda d: mpf(0) if abs(d) < TINY * scale else d
    dz = [snap(central(lambda t: loss(z=with_added(z, i, t)))) for i in range(len(z))]
    dh = [snap(h_derivative(lambda g: loss(h=g), h, i, gammas)) for i in range(k)]
    dn = snap(central(lambda t: loss(x=x + t)))
    dd = snap(central(lambda t: loss(y=y + t)))

    cz, dz_scale, ch, dh_scale, cn, cd = chain_rule(case, z, h, x, y)
    for a, b, s in zip(dz + dh + [dn, dd], cz + ch + [cn, cd], dz_scale + dh_scale + [abs(cn), abs(cd)]):
        assert close(a, b, s) or abs(a - b) < TINY * scale, (case, mp.nstr(a, 20), mp.nstr(b, 20))

    # What repetition has worn down to less than TINY counts as zero.
    least = TINY if case["law"] in OWN else mpf(0)
    floored = lambda scales: [max(v, least) for v in scales]
    (dn_scale, dd_scale), dz_scale, dh_scale = map(floored, ([abs(dn), abs(dd)], dz_scale, dh_scale))
    out = dict(case)
    for name, v in [("loss", value), ("loss_scale", scale), ("dz", dz), ("dz_scale", dz_scale),
                    ("dh", dh), ("dh_scale", dh_scale), ("dlog_n", dn), ("dlog_n_scale", dn_scale),
                    ("dlog_d", dd), ("dlog_d_scale", dd_scale)]:
        out[name] = [rounded(t) for t in v] if isinstance(v, list) else rounded(v)
    return out


def rounded(v):
    """Nearest double; infinities as strings."""
    if mp.isinf(v):
        return "inf" if v > 0 else "-inf"
    return float(mp.nstr(v, 60)) if v != 0 else 0.0


# ----------------------------------------------------------------------- cases

QS = [-5.0, -1.0, -0.3, -1e-9, 0.0, 1e-9, 1e-4, 0.05, 0.5, 1.0, 2.5, 5.0]
GAMMAS = [0.05, 0.3, 0.7, 0.95, 1.0, 1.0, 1.1, 1.5, 2.0, 3.0]
REFERENCE = (3e8, 2e10)
SIZES = [1e6, 3e8, 2e10, 1e13]
SHAPES = ["interior", "face", "interior", "corner", "face", "tiny", "interior", "face",
          "uniform", "corner", "interior", "face"]
COUNT = {"simple": 24, "joint": 24, "full": 24, "additive": 14}  # others: 10


def mixture(rng, k, shape, index):
    if k == 1:
        return [1.0]
    if shape == "corner":
        return [1.0 if i == index % k else 0.0 for i in range(k)]
    if shape == "uniform":
        return [1.0 / k] * k
    raw = [rng.random() + 0.02 for _ in range(k)]
    if shape == "face":
        for i in rng.sample(range(k), 1 if k == 2 else rng.randint(1, k - 2)):
            raw[i] = 0.0
    if shape == "tiny":
        raw[index % k] = 1e-12
    total = math.fsum(raw)
    return [v / total for v in raw]


def coordinates(rng, form, k, low, high, shift, q):
    """Random coordinates of a form whose logarithm lies about in [low, high] + shift."""
    ln = lambda: round(rng.uniform(low, high) + shift, 4)
    if form is constant:
        return [ln()]
    if form is linear_power:
        if rng.random() < 0.05:  # all equal
            return [ln()] * k + [q]
        return [ln() for _ in range(k)] + [q]
    if form is geometric_mean:
        return [ln() for _ in range(k)]
    if form is inverse_sum:
        return ([round(math.log(rng.uniform(0.3, 1) * rng.choice([1, 5, 30])), 4) for _ in range(k)]
                + [round(math.log(rng.choice(GAMMAS)), 4) for _ in range(k)])
    rates = lambda count: [round(rng.uniform(-4, 2), 4) for _ in range(count)]
    if form is exp_sum:
        return [round(rng.uniform(-1.2, 0.5), 4) for _ in range(k)] + rates(k)
    if form is shared_exp_sum:
        return [round(rng.uniform(-1.2, 0.5), 4)] + rates(k)
    return [round(rng.uniform(-1.2, 0.5), 4)] + rates(1)


def make_case(rng, law, j):
    cycle, within = divmod(j, 12)
    k = (2, 3, 7)[(j + cycle) % 3]
    if law in ("additive", "joint") and j == COUNT[law] - 1:
        k = 1
    shape = SHAPES[(within + 5 * cycle) % 12]
    n0, d0 = ((1.0, 1.0), REFERENCE)[(j + j // 2 + j // 6) % 2]
    case = {"law": law, "k": k, "n0": n0, "d0": d0,
            "n": SIZES[j % 4], "d": SIZES[(j + j // 4 + 1) % 4],
            "h": mixture(rng, k, shape, j)}
    if law == "ge24":
        case["domain"] = rng.choice([i for i in range(k) if case["h"][i] != 0])
        gain = math.log(rng.uniform(0.05, 0.8))
        beta = math.log(rng.uniform(0.03, 1.5))
        shift = math.exp(beta) * math.log(REFERENCE[1] / d0)
        case["z"] = [round(v, 4) for v in
                     (rng.uniform(-0.7, 0.7), gain, rng.uniform(-1, 1) + shift, beta)]
        return case

    logs = lambda *ranges: [round(math.log(rng.uniform(*r)), 4) for r in ranges]
    term = lambda exponent, ratio: round(rng.uniform(-1.5, 1) + math.exp(exponent) * math.log(ratio), 4)
    if law == "d-cpt":
        case["domain"] = rng.randrange(k)
        e, alpha, beta, eta, c, gamma, eps = logs(
            (0.3, 3), (0.1, 0.8), (0.1, 0.8), (0.2, 0.8), (0.1, 2), (0.05, 1.5), (1e-3, 0.3))
        eta = [eta, 0.0, round(math.log(1.7), 4)][j % 3]
        case["z"] = [e, term(alpha, REFERENCE[0] / n0), alpha, term(beta, REFERENCE[1] / d0), beta,
                     eta, c, gamma, eps]
        return case
    if law == "autoscale":
        case["z"] = ([round(rng.uniform(-1, 3), 4)] + logs(*[(0.01, 20)] * k)
                     + logs(*[(0.05, 1.5)] * k))
        return case
    if law == "data-constrained":
        case["unique"] = [REFERENCE[1] * s for s in [0.3, 0.05, 2.0, 1.0, 0.01, 100.0, 0.5][:k]]
        e, alpha, beta, star_d, star_n = logs((0.3, 3), (0.15, 0.7), (0.15, 0.7), (1, 40), (1, 40))
        case["z"] = [e, term(alpha, REFERENCE[0] / n0), alpha, term(beta, REFERENCE[1] / d0), beta,
                     star_d, star_n]
        return case

    qs = [QS[(within + 5 * s * (1 + cycle)) % 12] for s in range(5)]
    mix, a, alpha, b, beta = LAWS[law]
    h = [mpf(v) for v in case["h"]]
    spread = 3.0 if j % 3 == 0 else 1.2
    z = [round(math.log(rng.uniform(0.5, 2)), 4)]
    if mix:
        z += coordinates(rng, mix, k, -spread, spread, 0.0, qs[0])
    for coefficient, exponent, q, ratio in ((a, alpha, qs[1:3], REFERENCE[0] / n0),
                                            (b, beta, qs[3:5], REFERENCE[1] / d0)):
        if coefficient:
            c = coordinates(rng, exponent, k, math.log(0.03), math.log(1.5), 0.0, q[1])
            shift = float(exponent([mpf(v) for v in c], h)) * math.log(ratio)
            z += coordinates(rng, coefficient, k, -spread, spread, shift, q[0]) + c
    if law in COUPLED:
        z.append(0.0 if j == 3 else round(math.log(rng.uniform(0.1, 1)), 4))
    case["z"] = z
    return case


def main():
    rng = random.Random(20240917)
    cases = [evaluate(make_case(rng, law, j)) for law in LAWS for j in range(COUNT.get(law, 10))]
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "laws.json")
    with open(path, "w", encoding="ascii", newline="\n") as file:
        lines = (json.dumps(c, separators=(",", ":"), allow_nan=False) for c in cases)
        file.write("[\n" + ",\n".join(lines) + "\n]\n")


if __name__ == "__main__":
    main()
