"""What the reader chose to see. It changes no number of a run, only which are drawn."""

from dataclasses import dataclass

from bn_core.settings import check_all, choice, switch, whole


@dataclass(frozen=True)
class View:
    """The settings of the figures; they travel in the link beside the comparison."""

    site: str = choice(
        "pre_activation",
        {
            "pre_activation": "into the activation",
            "post_activation": "out of the activation",
            "normalized": "out of the normalization",
        },
        key="site",
        label="Distributions of",
        help="Where in each layer the values are measured. A normalization before the activation "
        "hands its values straight to it, so there the first and the third are the same.",
    )
    layer: int = whole(
        0,
        0,
        20,
        key="layer",
        label="Layer for percentiles",
        help="The hidden layer whose percentiles are drawn over the steps; 0 is the last.",
    )
    unit: str = choice(
        "all",
        {"all": "all units", "first": "one unit"},
        key="unit",
        label="Percentiles of",
        help="All units of the layer together, or its first unit alone as in the first paper.",
    )
    loss_scale: str = choice(
        "linear",
        {"linear": "linear", "log": "log"},
        key="loss",
        label="Loss axis",
        help="A logarithmic axis shows small losses and large ones at once.",
    )
    axis: str = choice(
        "steps",
        {"steps": "steps", "examples": "examples seen", "seconds": "seconds"},
        key="axis",
        label="Horizontal axis",
        help="Where curves stand: after so many steps, after so many training examples, which "
        "differ where batch sizes do, or after so many seconds of computing on this server.",
    )
    distributions: str = choice(
        "ridges",
        {"ridges": "all layers", "percentiles": "over time"},
        key="dist",
        label="Distributions",
        help="Every layer's distribution at one step, or one layer's percentiles over all steps.",
    )
    gradients: str = choice(
        "map",
        {"map": "heat map", "ratio": "update : data"},
        key="grad",
        label="Gradients",
        help="The size of each layer's gradient over the steps, or how large a step is compared "
        "with the weights it changes.",
    )
    moment: str = choice(
        "boundary",
        {"boundary": "decision boundary", "output": "output gradient"},
        key="now",
        label="At this step",
        help="For 2-D data the decision boundary; for any data the gradient at the outputs.",
    )
    speed: str = choice(
        "normal",
        {
            "slow": "Slow motion: 3 steps a second",
            "walk": "25 steps a second",
            "normal": "100 steps a second",
            "full": "As fast as possible",
        },
        key="speed",
        label="Speed",
        help="How fast the run is shown. It changes no number of it.",
    )
    earlier: bool = switch(
        True,
        key="earlier",
        label="Show earlier runs",
        help="Draws the runs before this one, on the same data, as faint curves behind the loss "
        "and the accuracy. Hidden runs are still kept: the page “Runs” lists them all.",
    )
    projector: bool = switch(
        False,
        key="big",
        label="Projector",
        help="Larger text and thicker lines for the back row.",
    )

    def __post_init__(self) -> None:
        check_all(self)


STEPS_PER_SECOND = {"slow": 3.0, "walk": 25.0, "normal": 100.0, "full": 0.0}
"""Training steps a second at each speed; 0 is no limit."""
