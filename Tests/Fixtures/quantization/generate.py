"""Makes feedback.f32: inputs of a matrix, its weights, and the weights packed with error feedback, computed here with numpy.

Usage: python generate.py   (needs numpy; the same file every time)

This is GPTQ (Frantar et al., arXiv 2210.17323) as it is usually written, by the Cholesky factor of the inverse of the damped
Gram matrix in float64, with the scale of a block chosen when its first column is reached.  Little-endian float32, row-major:

    inputs   [96, 72]   x of 96 tokens, strongly correlated
    weights  [20, 72]
    int8, int6, int4 (linear), int4 (table)   [20, 72] each, what the packed weights stand for
"""

import hashlib
from pathlib import Path

import numpy as np

FOLDER = Path(__file__).parent
TOKENS, ROWS, COLUMNS, BLOCK = 96, 20, 72, 32
FACTORS = [1, 0.94, 1.06, 0.88, 1.13]
TABLE = np.array([-32, -23, -18, -14, -10, -7, -4, -1, 1, 4, 7, 10, 14, 18, 22, 28], dtype=np.float64)
DAMPING_MEAN, DAMPING_OWN = 0.0003, 0.5


def grid(least, greatest):
    return lambda x: np.clip(np.round(x), least, greatest)


def nearest_of_table(x):
    # The packer rounds to a quarter first; of two values equally near it takes the lower one.
    quarters = np.clip(np.round(4 * x), -128, 127)
    return TABLE[np.abs(quarters[..., None] - 4 * TABLE).argmin(-1)]


GRIDS = dict(
    int8=([-127], grid(-127, 127)), int6=([-32], grid(-32, 31)), int4=([-8], grid(-8, 7)),
    table=([-32, 28], nearest_of_table))


def half(scale):
    return scale.astype(np.float16).astype(np.float64)


def code_block(weights, inverse_root, scale, nearest):
    """Columns one after another, each error passed on to those after it.

    inverse_root: the block's part of U with inv(H) = Uᵀ U.  Returns the values, the loss, the best scale for the codes
    and the errors divided by U's diagonal.
    """
    work = weights.copy()
    values, errors = np.zeros_like(work), np.zeros_like(work)
    loss = correlation = energy = 0
    for column in range(work.shape[1]):
        diagonal = inverse_root[column, column]
        code = nearest(np.divide(work[:, column], scale, out=np.zeros(len(work)), where=scale != 0))
        values[:, column] = code * scale
        errors[:, column] = (work[:, column] - values[:, column]) / diagonal
        loss = loss + errors[:, column] ** 2
        correlation = correlation + work[:, column] * code / diagonal**2
        energy = energy + code**2 / diagonal**2
        work[:, column:] -= np.outer(errors[:, column], inverse_root[column, column:])
    return values, loss, half(correlation / energy), errors


def pack(weights, gram, ends, nearest):
    damped = gram + np.diag(np.diag(gram) * DAMPING_OWN + np.diag(gram).mean() * DAMPING_MEAN)
    root = np.linalg.cholesky(np.linalg.inv(damped)).T
    work, result = weights.copy(), np.zeros_like(weights)
    for start in range(0, COLUMNS, BLOCK):
        end = min(start + BLOCK, COLUMNS)
        block, part = work[:, start:end], root[start:end, start:end]
        extreme = np.take_along_axis(block, np.abs(block).argmax(1)[:, None], 1)[:, 0]
        best_scale, best_loss, fit = np.zeros(ROWS), np.full(ROWS, np.inf), np.zeros(ROWS)
        for factor in FACTORS:
            for end_code in ends:
                scale = half(extreme / (factor * end_code))
                _, loss, fitted, _ = code_block(block, part, scale, nearest)
                better = loss < best_loss
                best_scale, fit = np.where(better, scale, best_scale), np.where(better, fitted, fit)
                best_loss = np.where(better, loss, best_loss)
        _, loss, _, _ = code_block(block, part, fit, nearest)
        best_scale = np.where(loss < best_loss, fit, best_scale)
        result[:, start:end], _, _, errors = code_block(block, part, best_scale, nearest)
        work[:, end:] -= errors @ root[start:end, end:]
    return result


def main():
    random = np.random.default_rng(7)
    mixing = random.normal(size=(COLUMNS, COLUMNS)) * (random.random(COLUMNS) < 0.3) + 0.3 * np.eye(COLUMNS)
    inputs = (random.normal(size=(TOKENS, COLUMNS)) @ mixing).astype(np.float32)
    weights = (random.normal(size=(ROWS, COLUMNS)) * 0.05).astype(np.float32)
    gram = inputs.astype(np.float64).T @ inputs.astype(np.float64) / TOKENS
    parts = [inputs, weights]
    for name, (ends, nearest) in GRIDS.items():
        packed = pack(weights.astype(np.float64), gram, ends, nearest)
        error = packed - weights
        print(f"{name}: tr(E G E^T) = {np.einsum('ri,ij,rj', error, gram, error):.3e}")
        parts.append(packed)
    data = b"".join(part.astype("<f4").tobytes() for part in parts)
    (FOLDER / "feedback.f32").write_bytes(data)
    (FOLDER / "SHA256SUMS").write_text(f"{hashlib.sha256(data).hexdigest()}  feedback.f32\n")


if __name__ == "__main__":
    main()
