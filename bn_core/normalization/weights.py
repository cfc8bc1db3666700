"""What normalizations of weights share: a linear map multiplies by a function of its parameter.

Nothing is measured of the values that pass, so the batch does not matter and inference is the same
computation as training. Weights are (K, I, O) in a linear map and (K, O, I, 3, 3) in a convolution;
``input_axes`` are those over which one output sums.
"""

from torch import Tensor, nn

OF_LINEAR_MAP = (1,)
OF_CONVOLUTION = (2, 3, 4)
"""The input axes of the two layouts."""


class Reparametrization(nn.Module):
    """A function of the weights of one linear map or convolution, for K nets at once."""

    def __init__(self, input_axes: tuple[int, ...]) -> None:
        super().__init__()
        self.input_axes = input_axes

    def forward(self, weight: Tensor) -> Tensor:
        """Return what the linear map multiplies by, in the shape of ``weight``."""
        raise NotImplementedError
