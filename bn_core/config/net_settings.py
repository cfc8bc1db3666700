"""What the nets are: layers, their sizes and initial weights."""

from dataclasses import dataclass

from bn_core.settings import choice, log_number, whole, wholes


@dataclass(frozen=True)
class NetSettings:
    """The layers of a net, without their normalization."""

    depth: int = whole(
        6,
        1,
        20,
        key="depth",
        label="Hidden layers",
        help="How many hidden layers the net has. The deeper, the harder it is to train without "
        "normalization. Nets of images have as many as All settings lists channels and dense "
        "layers; nets with a width for each layer as many as it lists widths.",
        read_if=lambda config: not config.needs_images and not config.widths,
    )
    width: int = whole(
        64,
        4,
        256,
        key="width",
        label="Units per layer",
        help="How many units each hidden layer has, or the hidden state of a recurrent net.",
        read_if=lambda config: config.is_recurrent or not (config.needs_images or config.widths),
    )
    widths: tuple[int, ...] = wholes(
        4,
        256,
        key="widths",
        label="Units of each layer",
        help="How many units each hidden layer has, from the first to the last; the number of "
        "hidden layers follows. Empty: every layer has as many as chosen above.",
        read_if=lambda config: not config.needs_images,
    )
    architecture: str = choice(
        "plain",
        {
            "plain": "Fully connected (MLP)",
            "residual": "Residual MLP (shortcuts)",
            "conv": "Convolutional",
            "conv_residual": "Residual convolutional",
            "inception": "Inception blocks",
            "recurrent": "Recurrent",
        },
        key="arch",
        label="Architecture",
        help="Fully connected: hidden layers of units (a multi-layer perceptron). Residual: from "
        "the second layer on, each adds W a(norm(x)) to its input instead of replacing it, and a "
        "last norm and activation stand before the output (He et al. 2016, 1603.05027). "
        "Convolutional, for images: blocks of a 3x3 convolution, normalization, activation and "
        "2x2 max pooling, then dense layers; batch norm takes a channel's mean and variance over "
        "examples and pixels. Residual convolutional: behind a first convolution each block adds "
        "conv(a(norm(x))) to x, and the output reads the mean of each channel. Inception: like "
        "convolutional, but from the second block on with 1x1, 3x3 and 5x5 convolutions and a 3x3 "
        "max pool side by side. History: GoogLeNet had Inception blocks in 2014 (1409.4842); batch "
        "norm was introduced in 2015 on a net of that family (1502.03167); ResNet (2015, "
        "1512.03385) and Xception (2016, 1610.02357) have it behind every convolution. "
        "Recurrent, for images: the rows are read one after the other, top to bottom, and the last "
        "hidden state is classified. Unrolled over time it has a layer for each row, and all of "
        "them share their weights: the charts show time steps as layers.",
    )
    cell: str = choice(
        "rnn",
        {"rnn": "RNN (tanh)", "gru": "GRU", "lstm": "LSTM"},
        key="cell",
        label="Recurrent cell",
        help="How a recurrent net makes its hidden state of a row and the state before. RNN: tanh "
        "of the sum of two linear maps (Elman 1990); its gradients vanish or explode through time "
        "(Bengio et al. 1994). LSTM (Hochreiter & Schmidhuber 1997) has a cell state that gates "
        "write and erase; GRU (Cho et al. 2014, 1406.1078) has gates without one. In 2016 came "
        "batch norm inside them (Cooijmans et al., 1603.09025: W x and W h are normalized apart, "
        "and so is an LSTM's cell state) and layer norm (Ba et al., 1607.06450).",
        read_if=lambda config: config.is_recurrent,
        shown=False,
    )
    channels: tuple[int, ...] = wholes(
        1,
        128,
        most=6,
        key="channels",
        label="Channels of each block",
        help="How many channels each convolution has, from the first block to the last, such as "
        "16-32. Each block is a 3x3 convolution with padding 1, normalization, activation and a "
        "2x2 max pool, which is left out where images have become smaller than 4 pixels; in a "
        "residual net the pool stands where channels become more. Empty: 16-32, or 16-16-32-32 in "
        "a residual net.",
        read_if=lambda config: config.has_blocks,
    )
    dense: tuple[int, ...] = wholes(
        4,
        256,
        most=6,
        key="dense",
        label="Dense layers",
        help="Units of each fully connected hidden layer behind the convolutions, such as 64; they "
        "are normalized like the others. Empty: the output layer follows the last block.",
        read_if=lambda config: config.has_blocks and not config.has_shortcuts,
    )
    branch_start: str = choice(
        "full",
        {
            "full": "As they are",
            "skipinit": "SkipInit: alpha from 0",
            "zero_gamma": "Zero-gamma: gamma from 0",
        },
        key="branch",
        label="Start of residual branches",
        help="What a residual block adds to its input before the first step. SkipInit (De & Smith "
        "2020, 2002.10444): each branch is multiplied by one learned number, alpha, which begins "
        "at 0; it needs no normalization. Zero-gamma (Goyal et al. 2017, 1706.02677): the branch's "
        "norm stands at its end, in front of the addition, and its gamma begins at 0; placed after "
        "the activation it stays there. Both let every block begin as the identity.",
        shown=False,
        read_if=lambda config: config.has_shortcuts,
    )
    activation: str = choice(
        "relu",
        {
            "relu": "ReLU",
            "tanh": "tanh",
            "sigmoid": "sigmoid",
            "leaky_relu": "leaky ReLU",
            "gelu": "GELU",
        },
        key="act",
        label="Activation",
        help="The nonlinear function behind each hidden layer. Leaky ReLU has slope 0.01 below "
        "zero. The cells of recurrent nets have tanh.",
        read_if=lambda config: not config.is_recurrent,
    )
    initialization: str = choice(
        "torch",
        {
            "he": "He",
            "xavier": "Xavier (Glorot)",
            "torch": "PyTorch's default",
            "normal": "N(0, std)",
            "orthogonal": "Orthogonal",
        },
        key="init",
        label="Initial weights",
        help="How the weights are drawn. He: normal, variance 2 / inputs. Xavier: normal, variance "
        "2 / (inputs + outputs). PyTorch's default: uniform within 1 / sqrt(inputs), biases too. "
        "N(0, std): one standard deviation for every layer. Orthogonal: a random matrix with "
        "orthonormal rows or columns, so that a square one keeps every length. Biases are zero but "
        "for PyTorch's.",
    )
    init_std: float = log_number(
        0.1,
        1e-4,
        10.0,
        key="std",
        label="std of N(0, std)",
        help="Standard deviation of the initial weights, where N(0, std) is chosen above.",
        read_if=lambda config: config.initialization == "normal",
    )
    gain: float = log_number(
        1.0,
        0.01,
        100.0,
        key="gain",
        label="Gain",
        help="Multiplies every initial weight. 1 leaves them as chosen above; try 0.1 or 3 to see "
        "which nets still learn from weights of the wrong scale.",
    )
