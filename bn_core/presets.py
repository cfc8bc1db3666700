"""Ready-made comparisons that show one thing each; a preset is one entry of PRESETS."""

from collections.abc import Mapping
from dataclasses import dataclass

from bn_core.comparison import Comparison
from bn_core.config import Config


@dataclass(frozen=True)
class Preset:
    """A comparison with its name and two sentences: what is set, and what to watch."""

    title: str
    words: str
    comparison: Comparison


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
}
