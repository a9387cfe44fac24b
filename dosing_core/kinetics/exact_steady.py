"""Areas to infinity of linear systems, by elimination of one compartment after another."""

from __future__ import annotations

from dosing_core.kinetics.compiled import compiled
from dosing_core.population.individual import FloatArray


@compiled
def areas(matrices: FloatArray, entered: FloatArray, seen: FloatArray) -> FloatArray:
    """seen · (-matrix)^-1 entered, [n], for rate matrices [n, m, m] (1/h) and vectors [n, m].

    States that lie on no way from what enters to what is seen (a bag that collects what is excreted) may
    have no outflow: they are left out. Elimination down the diagonal needs no pivots, since the rest of what
    leaves a compartment is never more than what left it. Overwrites its arguments.
    """
    n, m = entered.shape
    result = entered[:, 0] * 0.0
    for i in range(n):
        matrix, amount, look = matrices[i], entered[i], seen[i]
        total = 0.0
        for k in range(m):
            out = -matrix[k, k]
            # What passes through compartment k, on its way to those after it.
            if amount[k] == 0.0 and _empty_row(matrix, k):
                continue
            if look[k] == 0.0 and _empty_column(matrix, k):
                continue
            total += look[k] * (amount[k] / out)
            for row in range(k + 1, m):
                share = matrix[row, k] / out
                amount[row] += share * amount[k]
                for column in range(k + 1, m):
                    matrix[row, column] += share * matrix[k, column]
            for column in range(k + 1, m):
                look[column] += look[k] * (matrix[k, column] / out)
        result[i] = total
    return result


@compiled
def _empty_row(matrix: FloatArray, k: int) -> bool:
    """True if nothing after ``k`` flows into it."""
    links = 0
    for column in range(k + 1, matrix.shape[1]):
        links += 1 if matrix[k, column] != 0.0 else 0
    return links == 0


@compiled
def _empty_column(matrix: FloatArray, k: int) -> bool:
    """True if ``k`` flows into nothing after it."""
    links = 0
    for row in range(k + 1, matrix.shape[0]):
        links += 1 if matrix[row, k] != 0.0 else 0
    return links == 0
