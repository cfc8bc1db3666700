"""Linear maps and convolutions with normalized weights, which Keras lacks."""

import math

import keras
from keras import ops


class NormalizedLinear(keras.layers.Layer):
    """A linear map or convolution by a function of its weights; classes below say which.

    ``size`` is the height and width of a convolution's kernel, 0 for a linear map.
    """

    def __init__(self, units, size, use_bias, kernel_initializer, bias_initializer, **settings):
        super().__init__()
        self.units, self.size, self.use_bias = units, size, use_bias
        self.first = kernel_initializer, bias_initializer
        self.regularizer = settings["kernel_regularizer"]

    def build(self, shape):
        sizes = (*(self.size, self.size) * bool(self.size), shape[-1], self.units)
        weights, biases = self.first
        settings = {"initializer": weights, "regularizer": self.regularizer}
        self.weight = self.add_weight(shape=sizes, **settings)
        if self.use_bias:
            self.bias = self.add_weight(shape=(self.units,), initializer=biases)

    def call(self, x):
        weight = self.normalized(self.weight)
        y = ops.conv(x, weight, padding="same") if self.size else ops.matmul(x, weight)
        return y + self.bias if self.use_bias else y


class WeightNorm(NormalizedLinear):
    """The weights of each output are g v / |v|; g, at first |v|, and v are learned.

    Salimans, Kingma 2016.
    """

    def build(self, shape):
        super().build(shape)
        self.length = self.add_weight(shape=(self.units,), initializer="ones")
        self.length.assign(self.norm(self.weight))

    def norm(self, weight):
        return ops.sqrt(ops.sum(ops.square(weight), axis=tuple(range(len(weight.shape) - 1))))

    def normalized(self, weight):
        return weight * (self.length / self.norm(weight))


class StandardizedWeights(NormalizedLinear):
    """The weights of each output are (W - mean) / sqrt(variance + epsilon) (Qiao et al. 2019).

    With a gain they are also multiplied by gamma gain / sqrt(inputs) (Brock et al. 2021).
    """

    def __init__(self, *sizes, epsilon, gain=None, gamma=1.0, learned=True, **settings):
        super().__init__(*sizes, **settings)
        self.epsilon, self.gain, self.first_gamma = epsilon, gain, gamma
        self.learned = learned

    def build(self, shape):
        super().build(shape)
        if self.gain is not None:
            first = keras.initializers.Constant(self.first_gamma)
            settings = {"initializer": first, "trainable": self.learned}
            self.gamma = self.add_weight(shape=(self.units,), **settings)

    def normalized(self, weight):
        axes = tuple(range(len(weight.shape) - 1))
        mean, variance = ops.mean(weight, axis=axes), ops.var(weight, axis=axes)
        weight = (weight - mean) / ops.sqrt(variance + self.epsilon)
        if self.gain is None:
            return weight
        return weight * (self.gamma * self.gain / math.sqrt(math.prod(weight.shape[:-1])))
