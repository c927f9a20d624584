"""The monotone integer network: training on the integers that are shipped, calibration, the TSM1 file.

The forward pass in training *is* the shipped network: weights are rounded to 0..127 and activations to 0..127 at every
step, gradients pass the rounding as if it were not there. All matrix products are of integers below 2^53, so they are
exact whatever the order of summation; the rest is single IEEE-754 additions, multiplications, divisions and roots. That
is why two machines train the same bytes.
"""

import hashlib
import struct

import numpy as np

SHAPE = (64, 32, 16, 1)
SHIFT = (8, 8)
TOP = 127
WHOLE = 10_000
BATCH = 64
EPOCHS = 60
PATIENCE = 15
RATE = 0.1
# One step of a bias counts as much as one step of a weight at a middling input.
BIAS_UNIT = 64
OUTPUT_UNIT = 128
GRADIENT_UNIT = 1 << 20


def inputs(features):
    """Basis points to 0..127."""
    return (127 * features + 5_000) // 10_000


class Network:
    """Integer weights and biases per layer, and the knots of the calibration."""

    def __init__(self, weights, biases, knots=()):
        self.weights, self.biases, self.knots = weights, biases, list(knots)

    def activations(self, features):
        """Outputs of the hidden layers and the last accumulator, for rows of basis points."""
        layer, stages = inputs(np.asarray(features, dtype=np.int64)), []
        for weights, bias, shift in zip(self.weights[:-1], self.biases[:-1], SHIFT, strict=True):
            sums = layer @ weights.T + bias
            layer = np.clip((sums + (1 << (shift - 1))) >> shift, 0, TOP)
            stages.append(layer)
        stages.append(layer @ self.weights[-1].T + self.biases[-1])
        return stages

    def accumulate(self, features):
        return self.activations(features)[-1][:, 0]

    def calibrated(self, sums):
        """Basis points of last accumulators: linear between knots, flat beyond."""
        out = np.full(np.shape(sums), self.knots[-1][1], dtype=np.int64)
        for (x0, y0), (x1, y1) in reversed(list(zip(self.knots, self.knots[1:], strict=False))):
            out = np.where(sums < x1, y0 + (y1 - y0) * (sums - x0) // (x1 - x0), out)
        return np.where(sums <= self.knots[0][0], self.knots[0][1], out)

    def evaluate(self, features):
        return self.calibrated(self.accumulate(features))

    def file(self):
        """The TSM1 bytes."""
        out = [b"TSM1", bytes([len(self.weights)])]
        for at, (weights, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            last = at + 1 == len(self.weights)
            out.append(struct.pack(">HH", *weights.shape))
            out.append(weights.astype(np.int8).tobytes())
            out.append(bias.astype(">i4").tobytes())
            out.append(struct.pack(">IB", 0, 0) if last else struct.pack(">IB", 1, SHIFT[at]))
        out.append(bytes([len(self.knots)]))
        out.extend(struct.pack(">iH", x, y) for x, y in self.knots)
        return b"".join(out)

    def sha256(self):
        return hashlib.sha256(self.file()).digest()


class Trainer:
    """Adam on real-valued shadows of the integers."""

    def __init__(self, rng, sample):
        layer = inputs(sample).astype(np.float64)
        self.parameters = []
        for at in range(len(SHAPE) - 1):
            weights = rng.integers(0, 24, size=(SHAPE[at + 1], SHAPE[at])).astype(np.float64)
            sums = layer @ np.rint(weights).T
            centre = np.floor(sums.sum(axis=0) / len(sums))
            if at < len(SHIFT):
                # Activations start in the middle of their range.
                centre -= 64 << SHIFT[at]
                layer = np.clip(np.floor((sums - centre) / (1 << SHIFT[at]) + 0.5), 0, TOP)
            self.parameters += [weights, -centre / BIAS_UNIT]
        self.moments = [[np.zeros_like(p), np.zeros_like(p)] for p in self.parameters]
        self.decay = [1.0, 1.0]

    def integers(self):
        weights = [np.rint(p) for p in self.parameters[0::2]]
        biases = [np.rint(p * BIAS_UNIT) for p in self.parameters[1::2]]
        return weights, biases

    def network(self):
        weights, biases = self.integers()
        return Network([w.astype(np.int64) for w in weights], [b.astype(np.int64) for b in biases])

    def step(self, x, genuine, rate):
        weights, biases = self.integers()
        layers, open_ = [x], []
        for at, shift in enumerate(SHIFT):
            real = (layers[-1] @ weights[at].T + biases[at]) / (1 << shift)
            open_.append((real > -TOP) & (real < 2 * TOP))
            layers.append(np.clip(np.floor(real + 0.5), 0, TOP))
        sums = layers[-1] @ weights[-1].T + biases[-1]
        # Integers again, so that sums over the batch stay exact.
        error = np.rint((belief(sums[:, 0]) - genuine) * GRADIENT_UNIT)[:, None]
        gradients = []
        for at in reversed(range(len(weights))):
            gradients[:0] = [error.T @ layers[at], error.sum(axis=0)]
            if at:
                error = (error @ weights[at]) * open_[at - 1]
        self.adam(gradients, rate)

    def adam(self, gradients, rate):
        self.decay = [self.decay[0] * 0.9, self.decay[1] * 0.999]
        first, second = self.decay
        for at, (moment, gradient) in enumerate(zip(self.moments, gradients, strict=True)):
            moment[0] = 0.9 * moment[0] + (1 - 0.9) * gradient
            moment[1] = 0.999 * moment[1] + (1 - 0.999) * (gradient * gradient)
            change = (moment[0] / (1 - first)) / (np.sqrt(moment[1] / (1 - second)) + 1e-6)
            self.parameters[at] = self.parameters[at] - rate * change
            if at % 2 == 0:
                # No weight below zero: raising a feature never lowers the score.
                self.parameters[at] = np.clip(self.parameters[at], 0, TOP)


def belief(sums):
    """Accumulator to a chance of being genuine, rising, without the exponential function."""
    z = sums / OUTPUT_UNIT
    return 0.5 + 0.5 * z / (1 + np.abs(z))


def loss(network, features, genuine):
    """Squared error in integers, so that the order of summation does not matter."""
    error = belief(network.accumulate(features)) - genuine
    return int(np.rint(error * error * GRADIENT_UNIT).astype(np.int64).sum())


def train(dataset, rows, seed, log):
    """The network with the least loss on the validation rows, calibrated on them."""
    rng = np.random.Generator(np.random.PCG64(seed))
    train_rows, validation = rows[0], rows[1]
    x, genuine = inputs(dataset.features).astype(np.float64), dataset.genuine
    trainer = Trainer(rng, dataset.features[train_rows])
    best, best_loss, since = None, None, 0
    for epoch in range(EPOCHS):
        order = rng.permutation(train_rows)
        rate = RATE / (1 + epoch / 4)
        for start in range(0, len(order), BATCH):
            batch = order[start:start + BATCH]
            trainer.step(x[batch], genuine[batch], rate)
        network = trainer.network()
        now = loss(network, dataset.features[validation], genuine[validation])
        log(f"epoch {epoch + 1}: validation loss {now / GRADIENT_UNIT / len(validation):.5f}")
        if best is None or now < best_loss:
            best, best_loss, since = network, now, 0
        else:
            since += 1
        if since == PATIENCE:
            break
    best.knots = calibrate(best.accumulate(dataset.features[validation]), genuine[validation])
    return best


def calibrate(sums, genuine):
    """At most 33 knots of an isotonic fit: pools of equal mass, joined where they would fall, in integers."""
    order = np.lexsort((genuine, sums))
    pools = [[int(genuine[p].sum()), len(p), int(sums[p].sum())] for p in np.array_split(order, 33)]
    joined = []
    for pool in pools:
        joined.append(pool)
        while len(joined) > 1 and joined[-2][0] * joined[-1][1] >= joined[-1][0] * joined[-2][1]:
            last = joined.pop()
            joined[-1] = [a + b for a, b in zip(joined[-1], last, strict=True)]
    knots = []
    for good, count, total in joined:
        x, y = total // count, (2 * WHOLE * good + count) // (2 * count)
        if not knots or knots[-1][0] < x:
            knots.append((x, y))
    return knots
