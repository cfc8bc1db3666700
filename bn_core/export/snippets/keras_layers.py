"""Normalizations that Keras lacks, or computes in another way than PyTorch and the Lab."""

import math

import keras
from keras import ops


class BranchScale(keras.layers.Layer):
    """SkipInit (De & Smith 2020): y = alpha x with one learned alpha, 0 at first."""

    def build(self, shape):
        self.alpha = self.add_weight(shape=(), initializer="zeros")

    def call(self, x):
        return self.alpha * x


class MoreChannels(keras.layers.Layer):
    """y = x with some more channels of zeros behind its own."""

    def __init__(self, count):
        super().__init__()
        self.count = count

    def call(self, x):
        return ops.pad(x, ((0, 0), (0, 0), (0, 0), (0, self.count)))


def inception(x, linear, number, inputs, sizes, use_bias=True, **weights):
    """Convolutions of 1x1, 3x3 and 5x5, and of 1x1 behind a max pool, side by side.

    ``sizes`` are the channels of the four, which are concatenated (Szegedy et al. 2015). Each has a
    number of its own, and so initial weights of its own; ``weights`` may normalize those of each.
    """
    pooled = keras.layers.MaxPooling2D(3, strides=1, padding="same")(x)
    found = [
        linear(number + 20 * branch, inputs, units, use_bias, kernel=kernel, **weights)(entering)
        for branch, (units, kernel, entering) in enumerate(
            zip(sizes, (1, 3, 5, 1), (x, x, x, pooled), strict=True)
        )
    ]
    return keras.layers.Concatenate()(found)


class Norm(keras.layers.Layer):
    """y = gamma xhat + beta; classes below say what xhat is.

    ``frozen`` norms use their running averages in training too; ``held`` values replace gamma and
    beta, which then do not matter any more, whatever an optimizer's memory does to them.
    """

    freezes, frozen, held = True, False, None

    def __init__(self, scale=True, center=True, gamma=1.0, beta=0.0):
        super().__init__()
        self.scale, self.center = scale, center
        self.first = keras.initializers.Constant(gamma), keras.initializers.Constant(beta)

    def build(self, shape):
        if hasattr(self, "gamma"):
            return  # time steps of a recurrent layer share them
        units, (gamma, beta) = (shape[-1],), self.first
        self.gamma = self.add_weight(shape=units, initializer=gamma, trainable=self.scale)
        self.beta = self.add_weight(shape=units, initializer=beta, trainable=self.center)

    def call(self, x, training=False):
        gamma, beta = self.gamma, self.beta
        if self.held is not None:
            gamma, beta = self.held[0] + 0 * gamma, self.held[1] + 0 * beta
        return gamma * self.normalized(x, training and not self.frozen) + beta


class BatchNorm(Norm):
    """Batch norm whose running average is one of the unbiased variance.

    Keras' own averages the biased one, too small by the factor (batch size - 1) / batch size.
    ``share`` is that of the newest batch, 1 minus Keras' momentum; None gives every batch since
    the start the same weight. With ``ghost_size`` parts of each batch are normalized apart from
    one another (Hoffer et al. 2017); a rest that fills no part joins the last one. With ``tracked``
    False nothing is averaged: batch statistics are used in inference too.
    """

    def __init__(self, epsilon, share, ghost_size=None, tracked=True, **learned):
        super().__init__(**learned)
        self.epsilon, self.share, self.ghost_size = epsilon, share, ghost_size
        self.tracked = tracked

    def build(self, shape):
        super().build(shape)
        units = (shape[-1],)
        self.mean = self.add_weight(shape=units, initializer="zeros", trainable=False)
        self.variance = self.add_weight(shape=units, initializer="ones", trainable=False)
        self.batches = self.add_weight(shape=(), initializer="zeros", trainable=False)

    def normalized(self, x, training):
        if self.tracked and not training:
            return (x - self.mean) / ops.sqrt(self.variance + self.epsilon)
        count = x.shape[0]
        size = self.ghost_size or count
        starts = [size * number for number in range(max(count // size, 1))]
        ends = [*starts[1:], count]
        parts = [x[start:end] for start, end in zip(starts, ends, strict=True)]
        return ops.concatenate([self.by_batch(part) for part in parts])

    def by_batch(self, x):
        axes = tuple(range(len(x.shape) - 1))
        mean, variance = ops.mean(x, axis=axes), ops.var(x, axis=axes)
        self.batches.assign(self.batches + 1)
        share = 1 / self.batches if self.share is None else self.share
        count = math.prod(x.shape[:-1])
        unbiased = variance * count / max(count - 1, 1)
        self.mean.assign((1 - share) * self.mean + share * mean)
        self.variance.assign((1 - share) * self.variance + share * unbiased)
        return (x - mean) / ops.sqrt(variance + self.epsilon)


class InputNorm(BatchNorm):
    """Batch norm of the inputs, which is not frozen with the others."""

    freezes = False


class BatchRenorm(Norm):
    """Batch renormalization (Ioffe 2017, Algorithm 1), which trains with what inference will use.

    xhat = (x - mu_B) / sigma_B * r + d, with r and d limited and without gradients. The limits are
    those of batch norm for 100 batches; then they grow, d until batch 500, r until batch 800.
    """

    def __init__(self, r_max, d_max, epsilon, share, **learned):
        super().__init__(**learned)
        self.r_max, self.d_max, self.epsilon, self.share = r_max, d_max, epsilon, share

    def build(self, shape):
        super().build(shape)
        units = (shape[-1],)
        self.mean = self.add_weight(shape=units, initializer="zeros", trainable=False)
        self.deviation = self.add_weight(shape=units, initializer="ones", trainable=False)
        self.batches = self.add_weight(shape=(), initializer="zeros", trainable=False)

    def normalized(self, x, training):
        if not training:
            return (x - self.mean) / self.deviation
        axes = tuple(range(len(x.shape) - 1))
        mean = ops.mean(x, axis=axes)
        deviation = ops.sqrt(ops.var(x, axis=axes) + self.epsilon)
        r_max = 1 + ops.clip((self.batches - 100) / 700, 0, 1) * (self.r_max - 1)
        d_max = ops.clip((self.batches - 100) / 400, 0, 1) * self.d_max
        fixed_mean, fixed = ops.stop_gradient(mean), ops.stop_gradient(deviation)
        r = ops.clip(fixed / self.deviation, 1 / r_max, r_max)
        d = ops.clip((fixed_mean - self.mean) / self.deviation, -d_max, d_max)
        self.batches.assign(self.batches + 1)
        share = 1 / self.batches if self.share is None else self.share
        self.mean.assign(self.mean + share * (fixed_mean - self.mean))
        self.deviation.assign(self.deviation + share * (fixed - self.deviation))
        return (x - mean) / deviation * r + d


class InstanceNorm(Norm):
    """Instance norm of a unit with one value: it is its own mean, so xhat is 0 and y is beta."""

    def normalized(self, x, training):
        return x - x


class RMSNorm(Norm):
    """RMS norm (Zhang, Sennrich 2019) over all units, or all channels and positions, of an example.

    Keras' own always learns gamma, and begins it with 1.
    """

    def __init__(self, epsilon, **learned):
        super().__init__(**learned)
        self.epsilon = epsilon

    def normalized(self, x, training):
        axes = tuple(range(1, len(x.shape)))
        return x / ops.sqrt(ops.mean(ops.square(x), axis=axes, keepdims=True) + self.epsilon)
