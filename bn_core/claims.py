"""What is said of batch norm: sixteen claims, who makes them, and what of them is contested."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from bn_core.results import Verdict


@dataclass(frozen=True)
class Claim:
    """One claim: ``who`` speaks for it, ``note`` against it, or says what limits it.

    If it is contested, the note names the paper that contests it.
    """

    number: int
    title: str
    words: str
    who: str
    contested: bool
    note: str
    measured_by: str = ""
    """The experiment that measures the claim as it is stated, where others test a part of it."""


Bearing = Literal["for", "against", "beside"]

BEARINGS: Mapping[tuple[str, int], Bearing] = {
    ("small", 7): "against",
    ("dropout", 9): "beside",
    ("final", 8): "beside",
    ("eval", 13): "beside",
    ("lag", 13): "beside",
    ("noniid", 13): "beside",
    ("accumulation", 13): "beside",
    ("figure1", 1): "beside",
    ("noise", 8): "beside",
    ("gain", 10): "beside",
    ("gain", 11): "beside",
    ("init", 11): "beside",
    ("scale", 6): "beside",
    ("landscape", 1): "beside",
    ("landscape", 4): "beside",
    ("noisy", 5): "beside",
    ("rank", 14): "beside",
    ("relatives", 7): "beside",
    ("convolution", 13): "beside",
    ("confound", 5): "beside",
    ("inputs", 3): "beside",
    ("updates", 4): "beside",
    ("finetune", 13): "beside",
    ("finetune", 4): "beside",
    ("decay", 11): "beside",
    ("edge", 4): "beside",
}
"""What it says of a claim if what an experiment tests holds, where that is not "for" it."""


def bearing_words(slug: str, number: int, verdict: Verdict) -> str:
    """Return whether a verdict speaks for or against a claim, in words."""
    bearing = BEARINGS.get((slug, number), "for")
    if verdict.kind == "untested":
        return "says nothing: it could not be tested"
    if verdict.kind == "depends":
        return "speaks for it in part" if verdict.settled else "does not decide it yet"
    if bearing == "beside":
        return "bears on it, but speaks neither for nor against it"
    return f"speaks {'for' if (verdict.kind == 'holds') == (bearing == 'for') else 'against'} it"


_FIRST = "Ioffe & Szegedy 2015 (1502.03167)"

CLAIMS: tuple[Claim, ...] = (
    Claim(
        15,
        "Normalized inputs need fewer steps",
        "If all features have mean 0 and spread 1, gradient descent reaches the minimum in fewer "
        "steps. The contours of the loss become rounder, so one rate suits every direction.",
        "LeCun et al. 1998 (Efficient BackProp), section 4.3",
        False,
        "They advise it for a net's inputs; batch norm applies it inside the net. Scaling each "
        "feature does nothing about features that depend on one another, and optimizers that "
        "scale each step themselves gain less.",
        measured_by="inputs",
    ),
    Claim(
        10,
        "Means and variances stay steady through the depth",
        "Without batch norm the activations of a deep net grow or shrink from layer to layer, "
        "often exponentially. With it every layer has the same mean and spread.",
        "Bjorck et al. 2018 (1806.02375), section 3",
        True,
        "In plain nets He's initial weights keep the size too (He et al. 2015, 1502.01852). In "
        "residual nets batch norm does not stop the growth, it makes it linear: one unit of "
        "variance for each block, De & Smith 2020 (2002.10444).",
    ),
    Claim(
        1,
        "It reduces internal covariate shift",
        "Every step changes what the layers above get to see, and they must follow. Batch norm "
        "holds these distributions still, and that is why training is fast.",
        f"{_FIRST}, sections 1 and 2",
        True,
        "Santurkar et al. 2018 (1805.11604) trained fast with inputs made unstable on purpose, and "
        "found no less shift of the gradients; they credit a smoother landscape instead.",
    ),
    Claim(
        2,
        "It lessens vanishing gradients",
        "Normalized inputs stay where tanh and the logistic function are steep. So gradients "
        "reach the first layers.",
        f"{_FIRST}, sections 1 and 3.3",
        False,
        "It is not the only remedy: ReLUs with suitable initial weights (He et al. 2015, "
        "1502.01852) and shortcuts around layers keep gradients alive too.",
    ),
    Claim(
        3,
        "It prevents exploding gradients",
        "As each layer is scaled back to spread 1, neither activations nor gradients can grow "
        "without bound.",
        f"{_FIRST}, section 3.3",
        True,
        "It holds for activations. In deep nets without shortcuts batch norm itself makes "
        "gradients grow at the start, by a factor for each layer that cannot be removed but is "
        "reduced near the linear regime: Yang et al. 2019 (1902.08129).",
    ),
    Claim(
        6,
        "Training is less sensitive to initial weights",
        "With batch norm one may be careless about the scale of the first weights. A net that "
        "would otherwise die or blow up still learns.",
        f"{_FIRST}, abstract and section 1",
        False,
        "The scale is not without effect: it sets how large the first steps are, compared with "
        "the weights. Very large weights learn slowly.",
    ),
    Claim(
        11,
        "Gradients depend less on the scale of the parameters",
        "Multiply the weights in front of a batch norm by ten: its output stays as it was, and so "
        "does the gradient that it passes down.",
        f"{_FIRST}, section 3.3",
        True,
        "The gradient of those weights themselves becomes ten times smaller: the scale lives on "
        "as an effective learning rate, as van Laarhoven 2017 (1706.05350) shows.",
    ),
    Claim(
        4,
        "It allows larger learning rates",
        "Rates that make a plain net diverge still train the net with batch norm.",
        f"{_FIRST}, section 3.3; Bjorck et al. 2018 (1806.02375) hold it for the main benefit",
        True,
        "De & Smith 2020 (2002.10444): the larger rate pays only in certain compute regimes, "
        "hardly with small batches.",
    ),
    Claim(
        5,
        "It needs fewer steps",
        "With batch norm, five times the rate and six more changes (no dropout, a fifth of the L2 "
        "penalty, faster decay of the rate, ...) the first paper's net needed 7 % of the steps. "
        "Batch norm alone, at the old rate, needed 43 %.",
        f"{_FIRST}, sections 4.2.1 and 4.2.2, Figure 3",
        True,
        "Bjorck et al. 2018 (1806.02375) found no better accuracy at matched small rates. A step "
        "also takes longer.",
    ),
    Claim(
        14,
        "Gradients depend on the input again",
        "At the start of a deep net without batch norm, nearly every image moves the outputs the "
        "same way. With batch norm each image has a gradient of its own.",
        "Bjorck et al. 2018 (1806.02375), section 3",
        False,
        "They used a ResNet of 110 layers. It takes much depth, or initial weights that are too "
        "large.",
    ),
    Claim(
        13,
        "Small batches make training and inference differ",
        "A few examples estimate mean and variance poorly, so a net that trains well may do badly "
        "with its running averages. Batch renormalization helps.",
        "Ioffe 2017 (1702.03275), sections 1 and 3",
        False,
        "Layer norm and group norm (Wu & He 2018, 1803.08494) avoid the matter: they take no "
        "statistics over the batch.",
    ),
    Claim(
        8,
        "It regularizes, with small batches",
        "Each example is seen with the statistics of its random batch-mates, and that noise acts "
        "against overfitting. The smaller the batch, the more.",
        f"{_FIRST}, section 3.4; Luo et al. 2019 (1809.00846) read the noise as a regularizer, "
        "Teye et al. 2018 (1802.06455) as approximate Bayesian inference",
        True,
        "Bjorck et al. 2018 (1806.02375) see the cause in the larger learning rate, not in the "
        "noise of the statistics. Whether it helps must be measured.",
    ),
    Claim(
        9,
        "It makes dropout unnecessary",
        "As batch norm regularizes, dropout may be weakened or left out.",
        f"{_FIRST}, sections 3.4 and 4.2.1",
        True,
        "The paper removed dropout together with other changes, and its best ensemble kept 5 to "
        "10 % in some nets (section 4.2.3); in Mishkin's caffenet-benchmark batch norm scored .527 "
        "with a dropout of 0.2 and .513 without. In front of a batch norm dropout shifts the "
        "variance between training and inference, behind the last one it can still help: Li et "
        "al. 2019 (1801.05134).",
    ),
    Claim(
        12,
        "Its place is before the activation",
        "Batch norm goes between the linear map and the activation. For sigmoidal functions such "
        "as tanh some put it behind.",
        f"{_FIRST}, section 3.2, for before, as Wu + b is “more Gaussian”; the advice by "
        "activation comes from tutorials",
        True,
        "Mishkin et al. 2016 (1606.02228) and the caffenet-benchmark, ImageNet at 128 pixels: "
        "CaffeNet .471 without, .474 before and .499 after it without γ and β, .478 and .493 with "
        "them; a GoogLeNet .619 without, .603 to .607 before, .584 to .596 after. There is no "
        "general winner.",
    ),
    Claim(
        7,
        "Training is less sensitive to hyper-parameters",
        "Learning rate, initial weights and depth need less care once batch norm is in.",
        "Santurkar et al. 2018 (1805.11604), section 3, name it among the known benefits",
        True,
        "Nets without it depend on the batch size too. Batch norm adds two settings: how many "
        "examples share statistics, on which its accuracy comes to depend (Wu & He 2018, "
        "1803.08494), and the momentum of its averages.",
        measured_by="grid",
    ),
    Claim(
        16,
        "It improves the final accuracy",
        "Nets with batch norm are not only trained sooner, they also end up better.",
        f"{_FIRST}, sections 4.2.2 and 4.2.3",
        True,
        "ResNets without any normalization reach comparable accuracy on ImageNet: Brock et al. "
        "2021 (2102.06171). On small, clean data the differences may be smaller than those between "
        "seeds.",
    ),
)
"""In the order in which a learner needs them; the numbers are names and have no order."""
