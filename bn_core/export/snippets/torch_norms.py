"""Layers that PyTorch lacks, or refuses for a batch of one."""

import math

import torch
from torch import nn


class Shortcut(nn.Module):
    """y = x + branch(x); channels that x lacks of the branch count as zero."""

    def __init__(self, *stages):
        super().__init__()
        self.branch = nn.Sequential(*stages)

    def forward(self, x):
        y = self.branch(x)
        lacking = y.shape[1] - x.shape[1]
        if lacking:
            x = torch.cat([x, x.new_zeros(len(x), lacking, *x.shape[2:])], dim=1)
        return x + y


class BranchScale(nn.Module):
    """SkipInit (De & Smith 2020): y = alpha x with one learned alpha, 0 at first."""

    def __init__(self):
        super().__init__()
        self.alpha = nn.Parameter(torch.zeros(()))

    def forward(self, x):
        return self.alpha * x


class Inception(nn.Module):
    """Convolutions of 1x1, 3x3 and 5x5, and of 1x1 behind a max pool, side by side.

    ``sizes`` are the channels of the four, which are concatenated (Szegedy et al. 2015);
    ``weights`` may normalize the weights of each.
    """

    def __init__(self, inputs, sizes, bias=True, weights=lambda conv: conv):
        super().__init__()
        one, three, five, pooled = sizes
        self.one = weights(nn.Conv2d(inputs, one, kernel_size=1, bias=bias))
        self.three = weights(nn.Conv2d(inputs, three, kernel_size=3, padding=1, bias=bias))
        self.five = weights(nn.Conv2d(inputs, five, kernel_size=5, padding=2, bias=bias))
        self.pool = nn.MaxPool2d(3, stride=1, padding=1)
        self.behind_pool = weights(nn.Conv2d(inputs, pooled, kernel_size=1, bias=bias))

    def forward(self, x):
        found = self.one(x), self.three(x), self.five(x), self.behind_pool(self.pool(x))
        return torch.cat(found, dim=1)


def without(norm, parameter):
    """Return a norm whose "weight" (gamma) stays 1, or whose "bias" (beta) stays 0."""
    getattr(norm, parameter).requires_grad_(False)
    return norm


def starting(norm, gamma, beta=None):
    """Return a norm whose gamma and beta begin with other values than 1 and 0."""
    nn.init.constant_(norm.weight, gamma)
    if beta is not None:
        nn.init.constant_(norm.bias, beta)
    return norm


class BatchNorm(nn.BatchNorm1d):
    """Batch norm that takes a batch of one too, where PyTorch raises an error, and images.

    A unit's only value is its own mean: xhat is 0, y is beta, and the variance counts as 0.
    """

    def _check_input_dim(self, x):
        """Take (N, C) and (N, C, H, W) alike."""

    def forward(self, x):
        if not self.training or x[:, 0].numel() > 1:
            return super().forward(x)
        if self.track_running_stats:
            self.num_batches_tracked += 1
            share = 1 / self.num_batches_tracked if self.momentum is None else self.momentum
            self.running_mean.mul_(1 - share).add_(share * x.detach()[0])
            self.running_var.mul_(1 - share)
        return (x - x) * self.weight + self.bias


class GhostBatchNorm(BatchNorm):
    """Batch norm on parts of each batch, apart from one another (Hoffer et al. 2017).

    A rest that fills no part joins the last one.
    """

    def __init__(self, units, ghost_size, **settings):
        super().__init__(units, **settings)
        self.ghost_size = ghost_size

    def forward(self, x):
        if not self.training:
            return super().forward(x)
        ghosts = max(len(x) // self.ghost_size, 1)
        cuts = [self.ghost_size * number for number in range(1, ghosts)]
        normalized = [super(GhostBatchNorm, self).forward(part) for part in x.tensor_split(cuts)]
        return torch.cat(normalized)


class BatchRenorm(nn.Module):
    """Batch renormalization (Ioffe 2017, Algorithm 1), which trains with what inference will use.

    xhat = (x - mu_B) / sigma_B * r + d, with r and d limited and without gradients. The limits are
    those of batch norm for 100 batches; then they grow, d until batch 500, r until batch 800.
    """

    def __init__(self, units, r_max, d_max, eps, momentum):
        super().__init__()
        self.r_max, self.d_max, self.eps, self.momentum = r_max, d_max, eps, momentum
        self.weight = nn.Parameter(torch.ones(units))
        self.bias = nn.Parameter(torch.zeros(units))
        self.register_buffer("mean", torch.zeros(units))
        self.register_buffer("deviation", torch.ones(units))
        self.batches = 0

    def forward(self, x):
        x = x.movedim(1, -1)  # units last, or the channels of images
        xhat = self.corrected(x) if self.training else (x - self.mean) / self.deviation
        return (xhat * self.weight + self.bias).movedim(-1, 1)

    def corrected(self, x):
        axes = tuple(range(x.dim() - 1))
        mean = x.mean(dim=axes)
        deviation = torch.sqrt((x - mean).square().mean(dim=axes) + self.eps)
        r_max = 1 + min(max((self.batches - 100) / 700, 0), 1) * (self.r_max - 1)
        d_max = min(max((self.batches - 100) / 400, 0), 1) * self.d_max
        with torch.no_grad():
            r = (deviation / self.deviation).clamp(1 / r_max, r_max)
            d = ((mean - self.mean) / self.deviation).clamp(-d_max, d_max)
            self.batches += 1
            share = 1 / self.batches if self.momentum is None else self.momentum
            self.mean += share * (mean - self.mean)
            self.deviation += share * (deviation - self.deviation)
        return (x - mean) / deviation * r + d


class RMSNorm(nn.Module):
    """RMS norm of images (Zhang, Sennrich 2019): the mean square of all channels and positions.

    PyTorch's own learns a factor for each position too.
    """

    def __init__(self, channels, eps):
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(channels))

    def forward(self, x):
        mean_square = x.square().mean(dim=(1, 2, 3), keepdim=True)
        return x / torch.sqrt(mean_square + self.eps) * self.weight.view(-1, 1, 1)


class InstanceNorm(nn.Module):
    """Instance norm of a unit with one value: it is its own mean, so xhat is 0 and y is beta."""

    def __init__(self, units):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(units))
        self.bias = nn.Parameter(torch.zeros(units))

    def forward(self, x):
        return (x - x) * self.weight + self.bias


class StandardizedWeights(nn.Module):
    """(W - mean) / sqrt(variance + eps) of each output's weights (Qiao et al. 2019).

    With a gain they are also multiplied by gamma gain / sqrt(inputs) (Brock et al. 2021).
    """

    def __init__(self, outputs, eps, gain=None, gamma=1.0, learned=True):
        super().__init__()
        self.eps, self.gain = eps, gain
        if gain is not None:
            self.gamma = nn.Parameter(torch.full((outputs, 1), gamma), requires_grad=learned)

    def forward(self, weight):
        flat = weight.flatten(1)
        variance, mean = torch.var_mean(flat, dim=1, correction=0, keepdim=True)
        flat = (flat - mean) / torch.sqrt(variance + self.eps)
        if self.gain is not None:
            flat = flat * (self.gamma * self.gain / math.sqrt(flat.shape[1]))
        return flat.view_as(weight)

    def right_inverse(self, weight):
        return weight


def standardized_weights(linear, eps, **settings):
    """Return a linear map or convolution that multiplies by standardized weights."""
    rule = StandardizedWeights(len(linear.weight), eps, **settings)
    return nn.utils.parametrize.register_parametrization(linear, "weight", rule)
