"""Ready-made comparisons that show one thing each; a preset is one entry of PRESETS."""

from collections.abc import Mapping
from dataclasses import dataclass

from bn_core.arms import arm_named
from bn_core.comparison import Comparison
from bn_core.config import Config
from bn_core.datasets.registry import DATASETS


@dataclass(frozen=True)
class Preset:
    """A comparison with its name and two sentences: what is set, and what to watch."""

    title: str
    words: str
    comparison: Comparison
    about_data: str = ""
    """A sentence about its data set, if it is not the one that it should be."""

    @property
    def text(self) -> str:
        """All that is said of it."""
        return f"{self.words} {self.about_data}".strip()


def _compared(base: Config, *names: str) -> Comparison:
    return Comparison(base, tuple(arm_named(name) for name in names))


def convolutional_listing(*, with_mnist: bool) -> Preset:
    """Return an article's convolutional net, with and without batch norm, each at both its rates.

    On MNIST, pooled to 14 x 14, for half an epoch of 8,000 images, when both effects are largest;
    without it, on the digits for three epochs.
    """
    base = Config(
        architecture="conv",
        channels=(32, 64),
        dense=(64,),
        initialization="xavier",
        optimizer="adam",
        learning_rate=0.01,
        steps=60,
    )
    if with_mnist:
        base = base.changed({"data": "mnist", "pooling": True, "train_examples": 8000, "steps": 62})
    return Preset(
        "An article's convolutional net",
        "Convolutions with 32 and 64 channels, each followed by a pool, and a dense layer of 64, "
        "trained by Adam: the listing has its plain net at rate 0.01, its other one at 0.001, and "
        "as printed neither has a norm layer. These four nets, with and without batch norm at both "
        "rates, show what each does, which two nets that differ in both mix: "
        + (_ON_MNIST if with_mnist else _ON_DIGITS),
        _compared(base, "none", "before", "none;lr:0.001", "before;lr:0.001"),
        "" if with_mnist else _INSTEAD_OF_MNIST,
    )


_ON_MNIST = (
    "with these seeds the lower rate costs over 5 points of accuracy without batch norm and about "
    "1 with it, so what batch norm gains depends on the rate."
)
_ON_DIGITS = "with these seeds the lower rate costs about what batch norm gains."

_INSTEAD_OF_MNIST = (
    "MNIST is not on this server, so these nets learn the digits of 8 x 8 pixels, which are "
    "another data set: whoever runs the server can add it, as the README says under Data."
)

PRESETS: Mapping[str, Preset] = {
    "rate": Preset(
        "Learning rate 1",
        "Ten ReLU layers take steps ten times the usual size. Without batch norm most nets blow up "
        "within a few steps and the rest stay at chance; with it the same weights and batches "
        "learn the digits.",
        Comparison(Config(depth=10, initialization="he", learning_rate=1.0, steps=600)),
    ),
    "sigmoid": Preset(
        "The first paper's net",
        "Three layers of 100 sigmoids and batches of 60, as in Ioffe & Szegedy (2015), section "
        "4.1, whose weights are “small random Gaussian values”; N(0, 0.1), the rate and SGD are "
        "our choice. Watch how long the loss stays flat without batch norm, and the percentiles "
        "drift.",
        Comparison(
            Config(
                depth=3,
                width=100,
                activation="sigmoid",
                initialization="normal",
                init_std=0.1,
                batch_size=60,
                steps=1000,
            )
        ),
    ),
    "scale": Preset(
        "Badly scaled start",
        "All initial weights are a tenth of He's, so signals and gradients shrink from layer to "
        "layer. Batch norm undoes the scale at every layer, and only that net learns.",
        Comparison(Config(initialization="he", gain=0.1, steps=600)),
    ),
    "honest": Preset(
        "Where plain nets win",
        "Ten ReLU layers, He's weights, learning rate 0.003: here the nets without batch norm "
        "learn faster. Much of batch norm's gain is that it tolerates higher rates; at a rate "
        "this small there is none to see.",
        Comparison(Config(depth=10, initialization="he", learning_rate=0.003, steps=400)),
    ),
    "layers": Preset(
        "Norm in some layers",
        "Ten ReLU layers at learning rate 1, with batch norm in no layer, in the first five, in "
        "the last alone, or in all ten. Only norm in every layer learns the digits with every "
        "seed: the last layer's alone keeps the nets finite but far behind, and with the first "
        "five they end far behind or blow up.",
        _compared(
            Config(depth=10, initialization="he", learning_rate=1.0, steps=300),
            "none",
            "before;normed:1-2-3-4-5",
            "before;normed:10",
            "before",
        ),
    ),
    "optimizers": Preset(
        "SGD or Adam",
        "Ten ReLU layers with PyTorch's initial weights, trained by SGD at rate 0.1 and by Adam at "
        "0.001. Without batch norm SGD stays at chance and Adam, which rescales each weight's "
        "gradient, gets part of the way; with batch norm both learn and end alike.",
        _compared(
            Config(depth=10, steps=300),
            "none",
            "none;opt:adam;lr:0.001",
            "before",
            "before;opt:adam;lr:0.001",
        ),
    ),
    "batches": Preset(
        "Batch size",
        "Batch norm with batches of 4, 16, 64 and 256, at one learning rate and for as many steps. "
        "With 4 the mean and variance of each unit jump from batch to batch and the net ends far "
        "behind; the others end close together, though 256 sees sixteen times as many examples as "
        "16.",
        _compared(
            Config(steps=600),
            "before;batch:4",
            "before;batch:16",
            "before;batch:64",
            "before;batch:256",
        ),
    ),
    "channels": Preset(
        "Batches of 2: channels or units",
        "Batch norm with batches of 2, in a convolutional net with 8, 16 and 16 channels and in "
        "five fully connected layers of 64 units. A channel's mean and variance come from all "
        "pixels of both images, 128 values in the first layer, and that net learns the digits; a "
        "unit's come from two values, which leave little more than their signs, and that net stays "
        "far behind.",
        _compared(
            Config(
                architecture="conv",
                channels=(8, 16, 16),
                initialization="he",
                learning_rate=0.0125,
                batch_size=2,
                steps=500,
            ),
            "before",
            "before;depth:5;arch:plain",
        ),
    ),
    "listing": convolutional_listing(with_mnist="mnist" in DATASETS),
    "dense": Preset(
        "An article's dense net",
        "Dense layers of 128 and 64 units with batch norm between linear map and activation, "
        "trained by Adam at rate 0.001, as in an article's listing. The net with batch norm is "
        "ahead at first, and in the end both are close: so shallow a net learns either way.",
        Comparison(
            Config(
                widths=(128, 64),
                initialization="xavier",
                optimizer="adam",
                learning_rate=0.001,
                steps=300,
            )
        ),
    ),
}
