"""Residual nets of convolutions: each block adds conv(a(norm(x))) to its input."""

from bn_core.config import Config
from bn_core.net_shapes import image_shapes
from bn_core.nets.convolution import ChannelMean, MaxPool, convolution
from bn_core.nets.convolutional import checked_image, convolution_block
from bn_core.nets.net import Net
from bn_core.nets.residual import normalized_output, residual_layer


def convolutional_residual(config: Config, input_shape: tuple[int, ...], classes: int) -> Net:
    """Return the config's residual net for images (C, H, W).

    A convolution with norm and activation, then blocks, each with one 3x3 convolution as its
    branch; norm, activation, the mean of each channel and the output. Where channels become more,
    a 2x2 max pool precedes the block, and the shortcut has zeros for the new channels. Source: He
    et al. 2016 (1603.05027), and 2015 (1512.03385), option A, for the shortcuts. Errors:
    ``ValueError`` if examples are no images.
    """
    stem, *blocks, last = image_shapes(config, checked_image(input_shape), classes)
    layers = [convolution_block(config, 0, stem)]
    layers += [
        residual_layer(
            config,
            index,
            shape.entering[0],
            shape.units,
            convolution,
            pool=MaxPool() if shape.pooled else None,
            example_shape=shape.entering,
        )
        for index, shape in enumerate(blocks, start=1)
    ]
    output = normalized_output(config, len(layers), last.fan_in, classes, average=ChannelMean())
    return Net(config, input_shape, layers, output)
