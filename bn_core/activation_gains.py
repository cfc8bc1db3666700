"""By how much an activation shrinks the spread of standard normal values; no torch is needed."""

from collections.abc import Mapping

ACTIVATION_GAINS: Mapping[str, float] = {
    "relu": 1.7128585504497,
    "tanh": 1.5925374197228,
    "sigmoid": 4.8013133720400,
    "leaky_relu": 1.7048316271709,
    "gelu": 1.7009262433633,
}
"""1 / std of a(z) for z ~ N(0, 1): with it the variance of the values stays about the same from
layer to layer, as Brock, De, Smith 2021 (arXiv 2101.08692) propose. By numerical integration."""
