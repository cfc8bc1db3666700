"""What the nets are trained on."""

from dataclasses import dataclass

from bn_core.datasets.registry import DATASETS, LINK_NAMES
from bn_core.settings import choice, number, switch, whole


@dataclass(frozen=True)
class DataSettings:
    """The data, and what becomes of them before the first layer."""

    data: str = choice(
        "digits",
        {name: spec.title for name, spec in DATASETS.items()},
        key="data",
        label="Data set",
        help="What the nets learn. Digits: 1,797 real handwritten digits of 8 x 8 pixels. Moons, "
        "circles, spirals and blobs are points in a plane, made anew from the seed. MNIST and the "
        "like are there where the server has their files, your own data once you have opened them.",
        also=LINK_NAMES,
    )
    noise: float = number(
        0.15,
        0.0,
        0.5,
        key="noise",
        label="Noise",
        help="Standard deviation of the random shift of each point of a 2-D set.",
        read_if=lambda config: config.data_spec.generated,
    )
    points: int = whole(
        400,
        20,
        2000,
        key="points",
        label="Points",
        help="How many points of a 2-D set are trained on; half as many are held out.",
        read_if=lambda config: config.data_spec.generated,
    )
    train_examples: int = whole(
        4000,
        20,
        60_000,
        key="n",
        label="Training examples",
        help="How many examples of a set from files are trained on; fewer where the set has fewer. "
        "More examples take more memory and make epochs longer, not steps.",
        shown=False,
        read_if=lambda config: config.data_spec.from_files,
    )
    pooling: bool = switch(
        False,
        key="pool",
        label="2 x 2 mean pooling of images",
        help="Each 2 x 2 pixels become one, their mean: 28 x 28 pixels become 14 x 14, and a "
        "first layer has a quarter of the weights.",
        shown=False,
        read_if=lambda config: config.data_spec.pooled or config.data_spec.can_be_pooled,
    )
    normalize_inputs: str = choice(
        "standardize",
        {
            "standardize": "Standardized",
            "unit": "From 0 to 1 (min-max)",
            "none": "Raw, as in the file",
        },
        key="inputs",
        label="Inputs",
        help="What becomes of the inputs before the first layer. Standardized: minus the mean, "
        "divided by the standard deviation of the training part; points and tables feature by "
        "feature, pixels all alike. Raw: pixels from 0 to 16 or 255, columns in their own units. "
        "An arm may have a choice of its own.",
        shown=False,
    )
