"""The stages of a plain MLP, each with its derivative written beside it.

K replicas, N examples, I inputs and O outputs of a linear map, C units, g = dl/dy. Activations lie
in memory as (N, K, C): torch's batch-norm kernel takes them as K C units, and matrix products take
them as K matrices (N, C) with rows K C apart. Buffers are allocated once and overwritten in every
step.

A replica computes the same alone (K = 1) and in company, but not always to the bit: where C is no
multiple of 32, products and sums over rows that lie apart are added in another order. The logits,
few units as a rule, lie as (K, N, O) for that reason.
"""

from collections.abc import Callable, Mapping
from typing import Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional

from bn_core.nets import Linear
from bn_core.normalization import BatchNorm
from bn_core.normalization.fused import batch_norm_backward, batch_norm_forward

aten = torch.ops.aten


class Stage(Protocol):
    """A part of the net with its derivative."""

    def forward(self, x: Tensor) -> Tensor:
        """Return y, (N, K, O), of x (N, K, I), and keep what the derivative needs."""
        ...

    def backward(self, g: Tensor) -> Tensor:
        """Return dl/dx, (N, K, I), of g = dl/dy (N, K, O); set the gradients of parameters."""
        ...


class LinearStage:
    """y = x W + b for each replica: x (N, K, I), W (K, I, O), b (K, 1, O), y (N, K, O)."""

    def __init__(self, linear: Linear, examples: int, *, first: bool, last: bool) -> None:
        self._parameters = linear.weight, linear.bias
        self.first = first
        # The parameters' own memory, without autograd's record of them.
        self.weight = linear.weight.detach()
        self.bias = None if linear.bias is None else linear.bias.detach()
        self._weight_transposed = self.weight.transpose(1, 2)
        self.weight_gradient = torch.empty_like(self.weight)
        self.bias_gradient = None if self.bias is None else torch.empty_like(self.bias)
        replicas, inputs, outputs = linear.weight.shape
        if last:  # logits, see the module's text
            self.y = self.weight.new_empty(replicas, examples, outputs).transpose(0, 1)
        else:
            self.y = self.weight.new_empty(examples, replicas, outputs)
        self.x_gradient = self.weight.new_empty(examples, replicas, inputs)
        # The same memory as matrix products take it, (K, N, O) and (K, N, I).
        self._y_matrices = self.y.transpose(0, 1)
        self._x_gradient_matrices = self.x_gradient.transpose(0, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Return x W + b."""
        self._x = x.transpose(0, 1)  # (K, N, I), a view
        if self.bias is None:
            torch.bmm(self._x, self.weight, out=self._y_matrices)
        else:
            torch.baddbmm(self.bias, self._x, self.weight, out=self._y_matrices)
        return self.y

    def backward(self, g: Tensor) -> Tensor:
        """Return dl/dx = g W^T; set dl/dW = x^T g and dl/db = sum_n g_n."""
        g = g.transpose(0, 1)  # (K, N, O), a view
        torch.bmm(self._x.transpose(1, 2), g, out=self.weight_gradient)
        weight, bias = self._parameters
        weight.grad = self.weight_gradient
        if bias is not None and self.bias_gradient is not None:
            torch.sum(g, 1, keepdim=True, out=self.bias_gradient)
            bias.grad = self.bias_gradient
        if not self.first:  # nothing uses the gradient of the net's inputs
            torch.bmm(g, self._weight_transposed, out=self._x_gradient_matrices)
        return self.x_gradient


class BatchNormStage:
    """y = gamma (x - mu) / sqrt(var + epsilon) + beta with the moments of the batch, (N, K, C)."""

    def __init__(self, norm: BatchNorm, examples: int) -> None:
        self.norm, self._parameters = norm, (norm.flat_gamma, norm.flat_beta)
        self.gamma = None if norm.flat_gamma is None else norm.flat_gamma.detach()
        self.beta = None if norm.flat_beta is None else norm.flat_beta.detach()
        mean, variance = norm.averages  # (K, C) each
        self.averages = mean.view(-1), variance.view(-1)
        self.y = mean.new_empty(examples, *mean.shape)
        self.saved = torch.empty_like(self.averages[0]), torch.empty_like(self.averages[0])
        self._out = self.y.flatten(1), *self.saved

    def forward(self, x: Tensor) -> Tensor:
        """Return y, and move the running averages towards the moments of this batch."""
        self._x = x.flatten(1)  # (N, K C), a view
        momentum = self.norm.share_of_new_batch()
        averages = None if momentum is None else self.averages
        settings = (averages, momentum or 0.0, self.norm.epsilon, self._out)
        batch_norm_forward(self._x, self.gamma, self.beta, *settings)
        return self.y

    def backward(self, g: Tensor) -> Tensor:
        """Return dl/dx as ``batch_norm_backward`` derives it; set dl/dgamma and dl/dbeta."""
        settings = (self.gamma, self.saved, self.norm.epsilon)
        x_gradient, of_gamma, of_beta = batch_norm_backward(g.flatten(1), self._x, *settings)
        gamma, beta = self._parameters
        if gamma is not None:
            gamma.grad = of_gamma
        if beta is not None:
            beta.grad = of_beta
        return x_gradient.view(g.shape)


class ActivationStage:
    """y = a(x) in the memory of x: the derivative of each function here follows from y alone."""

    def __init__(self, activation: nn.Module) -> None:
        self.apply, self.times_derivative = IN_PLACE[type(activation)]

    def forward(self, x: Tensor) -> Tensor:
        """Return a(x), which replaces x."""
        self._y = self.apply(x)
        return self._y

    def backward(self, g: Tensor) -> Tensor:
        """Return g a'(x), which replaces g."""
        return self.times_derivative(g, self._y)


_threshold_backward = aten.threshold_backward.grad_input
_leaky_relu_backward = aten.leaky_relu_backward.grad_input
_tanh_backward = aten.tanh_backward.grad_input
_sigmoid_backward = aten.sigmoid_backward.grad_input
_SLOPE = nn.LeakyReLU().negative_slope
_InPlace = tuple[Callable[[Tensor], Tensor], Callable[[Tensor, Tensor], Tensor]]

IN_PLACE: Mapping[type[nn.Module], _InPlace] = {
    nn.ReLU: (  # y = max(x, 0); a' = 1 where y > 0, else 0
        torch.relu_,
        lambda g, y: _threshold_backward(g, y, 0, grad_input=g),
    ),
    nn.LeakyReLU: (  # y = x where x > 0, else slope x; a' = 1 where y > 0, else the slope
        lambda x: functional.leaky_relu_(x, _SLOPE),
        lambda g, y: _leaky_relu_backward(g, y, _SLOPE, True, grad_input=g),
    ),
    nn.Tanh: (  # a' = 1 - y^2
        torch.tanh_,
        lambda g, y: _tanh_backward(g, y, grad_input=g),
    ),
    nn.Sigmoid: (  # a' = y (1 - y)
        torch.sigmoid_,
        lambda g, y: _sigmoid_backward(g, y, grad_input=g),
    ),
}
"""Each activation with a(x) in place, and g a'(x) in place of g."""


class CrossEntropyStage:
    """l_n = -log softmax(z_n)[label_n] for logits z (N, K, O) and labels (K, N)."""

    def __init__(self, output: Linear, examples: int) -> None:
        replicas, _, classes = output.weight.shape
        self._share = 1 / examples
        weight = output.weight.detach()
        self._gradient = weight.new_empty(replicas, examples, classes)
        self._minus_one = weight.new_full((1, replicas, examples), -1.0)

    def forward(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Return the cross entropy of each example in nats, (K, N)."""
        self._labels = labels.unsqueeze(0)  # (1, K, N)
        # Classes first, (O, K, N): torch's kernel takes many examples at once only that way.
        self._log_shares = torch.log_softmax(logits.permute(2, 1, 0), 0)
        return self._log_shares.gather(0, self._labels).squeeze(0).neg_()

    def backward(self) -> Tensor:
        """Return the gradient of mean_n l_n, (softmax(z) - onehot(label)) / N, (N, K, O)."""
        g = self._log_shares.exp().scatter_add_(0, self._labels, self._minus_one)  # (O, K, N)
        torch.mul(g.permute(1, 2, 0), self._share, out=self._gradient)
        return self._gradient.transpose(0, 1)
