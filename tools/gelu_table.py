#!/usr/bin/env python3
"""Fit h(t) = t * erfc(t / sqrt 2) / 2, so that gelu(x) = max(x, 0) - h(|x|), and its
derivative, each by 16 polynomials of degree 5, and print the tables as
ops/kernels/gelu_table.h.

usage: tools/gelu_table.py > ops/kernels/gelu_table.h

Segment j holds t within WIDTH / 2 of j * WIDTH; its polynomial is in u = t - j * WIDTH.
Segment 0 starts 0 + u / 2, so that gelu(0) = 0 and small x keep their relative accuracy;
segment 15 is 0, so that large |x| are exact. Segment 0 of the derivative starts at 1 / 2.
Each fit is the minimax polynomial, found by Remez exchange in float64."""

import math
import struct

SEGMENTS, DEGREE = 16, 5
WIDTH = 25 / 64  # few bits, so that j * WIDTH is exact


def h(t):
    return t * math.erfc(t / math.sqrt(2)) / 2


def slope(t):
    density = math.exp(-t * t / 2) / math.sqrt(2 * math.pi)
    return math.erfc(t / math.sqrt(2)) / 2 - t * density


def solve(a, b):
    """Gaussian elimination with partial pivoting."""
    n = len(b)
    a = [row[:] + [value] for row, value in zip(a, b)]
    for i in range(n):
        pivot = max(range(i, n), key=lambda r: abs(a[r][i]))
        a[i], a[pivot] = a[pivot], a[i]
        for r in range(i + 1, n):
            f = a[r][i] / a[i][i]
            a[r] = [v - f * w for v, w in zip(a[r], a[i])]
    x = [0.0] * n
    for i in reversed(range(n)):
        x[i] = (a[i][n] - sum(a[i][k] * x[k] for k in range(i + 1, n))) / a[i][i]
    return x


def remez(f, powers, lo, hi):
    """Coefficients of sum c[i] u**powers[i] nearest to f on [lo, hi] in the maximum."""
    n = len(powers)
    grid = [lo + (hi - lo) * (1 - math.cos(math.pi * i / 2000)) / 2 for i in range(2001)]
    points = [
        lo + (hi - lo) * (1 - math.cos(math.pi * (i + 0.5) / (n + 1))) / 2
        for i in range(n + 1)
    ]
    for _ in range(30):
        rows = [[u**p for p in powers] + [(-1.0) ** i] for i, u in enumerate(points)]
        c = solve(rows, [f(u) for u in points])[:n]
        error = [f(u) - sum(k * u**p for k, p in zip(c, powers)) for u in grid]
        # The largest error between every two changes of sign.
        peaks = []
        for i, e in enumerate(error):
            if peaks and (error[peaks[-1]] > 0) == (e > 0):
                if abs(e) > abs(error[peaks[-1]]):
                    peaks[-1] = i
            else:
                peaks.append(i)
        while len(peaks) > n + 1:
            peaks.pop(0 if abs(error[peaks[0]]) < abs(error[peaks[-1]]) else -1)
        if len(peaks) < n + 1:
            break
        points = [grid[i] for i in peaks]
    return c


def segment(j):
    centre = j * WIDTH
    if j == 0:
        c = remez(lambda u: h(u) - u / 2, [2, 3, 4, 5], 0, WIDTH / 2)
        return [0.0, 0.5] + c
    if j == SEGMENTS - 1:
        return [0.0] * (DEGREE + 1)
    return remez(lambda u: h(centre + u), list(range(DEGREE + 1)), -WIDTH / 2, WIDTH / 2)


def slope_segment(j):
    centre = j * WIDTH
    if j == 0:
        return [0.5] + remez(lambda u: slope(u) - 0.5, [1, 2, 3, 4, 5], 0, WIDTH / 2)
    if j == SEGMENTS - 1:
        return [0.0] * (DEGREE + 1)
    powers = list(range(DEGREE + 1))
    return remez(lambda u: slope(centre + u), powers, -WIDTH / 2, WIDTH / 2)


def as_float(value):
    rounded = struct.unpack("f", struct.pack("f", value))[0]
    text = rounded.hex()
    mantissa, exponent = text.split("p")
    if "." in mantissa:
        mantissa = mantissa.rstrip("0").rstrip(".")
    return f"{mantissa}p{exponent}f" if rounded else "0"


def print_table(name, table):
    print(f"static const float {name}[DP_GELU_DEGREE + 1][DP_GELU_SEGMENTS] = {{")
    for power in range(DEGREE + 1):
        values = [as_float(c[power]) for c in table]
        lines = [", ".join(values[i : i + 4]) for i in range(0, SEGMENTS, 4)]
        print("    {" + ",\n     ".join(lines) + "},")
    print("};")


def main():
    print("/* gelu_table.h - written by tools/gelu_table.py, which explains it */")
    print("#ifndef DP_OPS_KERNELS_GELU_TABLE_H")
    print("#define DP_OPS_KERNELS_GELU_TABLE_H\n")
    print(f"#define DP_GELU_SEGMENTS {SEGMENTS}")
    print(f"#define DP_GELU_DEGREE   {DEGREE}")
    print(f"#define DP_GELU_WIDTH    {WIDTH}f /* of a segment */\n")
    print("/* [power of u][segment] */")
    print("/* clang-format off */")
    print_table("dp_gelu_table", [segment(j) for j in range(SEGMENTS)])
    print("/* of the derivative */")
    print_table("dp_gelu_slope_table", [slope_segment(j) for j in range(SEGMENTS)])
    print("/* clang-format on */\n\n#endif")


if __name__ == "__main__":
    main()
