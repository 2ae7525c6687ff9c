#!/usr/bin/env python3
"""The formulas of the docs as MathML, which browsers show without a script or a network.

    pip install latex2mathml==3.81.1
    python3 docs/formulas/render.py
"""

from pathlib import Path

from latex2mathml.converter import convert

BIAS = r"E + \frac{1}{\sum_i C_i h_i^{\gamma_i}}"
N_TERM = r"\frac{A}{N^{\alpha}}"
D_TERM = r"\frac{B}{D^{\beta}}"


def power(name: str) -> str:
    return rf"\left(\sum_i C^{name}_i h_i\right)^{{\gamma_{name}}}"


FORMULAS = {
    "power_law": r"L(N, D, h) = E(h) + \frac{A(h)}{N^{\alpha(h)}} + \frac{B(h)}{D^{\beta(h)}}",
    "inverse_sum": r"\frac{1}{\sum_i C_i h_i^{\gamma_i}}",
    "linear_power": r"\left(\sum_i C_i h_i\right)^{\gamma} = \left(\sum_i h_i v_i^{q}\right)^{1/q},"
    r" \qquad v_i = C_i^{\gamma}, \quad q = \frac{1}{\gamma}",
    "chinchilla": rf"L = E + {N_TERM} + {D_TERM}",
    "simple": rf"L = E + \left(\sum_i C_i h_i\right)^{{\gamma}} + {N_TERM} + {D_TERM}",
    "additive": rf"L = {BIAS} + {N_TERM} + {D_TERM}",
    "additive_fixed_n": rf"L = {BIAS} + {D_TERM}",
    "additive_fixed_d": rf"L = {BIAS} + {N_TERM}",
    "additive_fixed_nd": rf"L = {BIAS}",
    "joint": rf"L = {BIAS} + \frac{{{power('A')}}}{{N^{{\alpha}}}} + \frac{{{power('B')}}}{{D^{{\beta}}}}",
    "full": rf"L = {BIAS} + \frac{{A(h)}}{{(N/N_0)^{{\alpha(h)}}}} + \frac{{B(h)}}{{(D/D_0)^{{\beta(h)}}}},"
    rf" \qquad A(h) = {power('A')}, \; \ldots",
    "coupled": rf"L = {BIAS} + \left(\left({N_TERM}\right)^{{1/p}} + \left({D_TERM}\right)^{{1/p}}\right)^p",
    "coupled_full": rf"L = {BIAS} + \left(\left(\frac{{A(h)}}{{(N/N_0)^{{\alpha(h)}}}}\right)^{{1/p}}"
    rf" + \left(\frac{{B(h)}}{{(D/D_0)^{{\beta(h)}}}}\right)^{{1/p}}\right)^p",
    "ye_m1": r"L = E + \sum_i C_i e^{\gamma_i h_i}",
    "ye_m2": r"L = E + C \sum_i e^{\gamma_i h_i}",
    "ye_m3": r"L = E + C e^{\prod_i \gamma_i h_i}",
    "ye_m4": r"L = E + C e^{\sum_i \gamma_i h_i}",
    "ge24": r"L_i = \left(\frac{B}{D^{\beta}} + E\right) \frac{C}{h_i^{\gamma}}",
    "data_constrained": r"L = E + \frac{A}{{(N')}^{\alpha}} + \frac{B}{{(D')}^{\beta}}",
    "repeated": r"\begin{matrix}"
    r"D' = U_D + U_D R^*_D \left(1 - e^{-R_D / R^*_D}\right) & R_D = \frac{D}{U_D} - 1 \\"
    r"N' = U_N + U_N R^*_N \left(1 - e^{-R_N / R^*_N}\right)"
    r" & R_N = \max\left(\frac{N}{U_N} - 1, 0\right) \\"
    r"U_N = \min\left(N, G \left(G U_D\right)^{\beta / \alpha}\right)"
    r" & G = \left(\frac{\alpha A}{\beta B}\right)^{1 / (\alpha + \beta)}"
    r"\end{matrix}",
    "autoscale": r"L = E + \sum_i \left(n_{0,i} + \frac{h_i D}{u}\right)^{-\gamma_i}",
    "d_cpt": rf"L = E + {N_TERM} + \frac{{B r^{{\eta}}}}{{D^{{\beta}}}} + \frac{{C}}{{(r + \epsilon)^{{\gamma}}}}",
    "huber": r"\frac{\sum_j w_j \, \mathrm{Huber}_{\delta}(r_j)}{\sum_j w_j}, \qquad"
    r" \mathrm{Huber}_{\delta}(r) = \begin{cases}"
    r" \frac{1}{2} r^2 & |r| < \delta \\"
    r" \delta \left(|r| - \frac{1}{2} \delta\right) & \text{otherwise}"
    r"\end{cases}",
}

for name, latex in FORMULAS.items():
    path = Path(__file__).with_name(f"{name}.html")
    # Room above and below, which rustdoc would cut off.
    math = f'<div style="padding: 0.4em 0">{convert(latex, display="block")}</div>'
    path.write_text(math + "\n", encoding="utf-8")
