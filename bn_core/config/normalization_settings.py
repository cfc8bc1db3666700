"""What normalizes the layers, and where."""

from dataclasses import dataclass

from bn_core.config.training_settings import MOST_STEPS
from bn_core.settings import choice, log_number, number, switch, whole, wholes


@dataclass(frozen=True)
class NormalizationSettings:
    """The normalization, the layers that have it, and its arguments."""

    normalization: str = choice(
        "none",
        {
            "none": "None",
            "batch": "Batch norm",
            "layer": "Layer norm",
            "group": "Group norm",
            "instance": "Instance norm",
            "ghost": "Ghost batch norm",
            "renorm": "Batch renormalization",
            "rms": "RMS norm",
            "weightnorm": "Weight norm",
            "weightstd": "Weight standardization",
        },
        key="norm",
        label="Normalization",
        help="What normalizes each hidden layer. Batch norm, its ghost version and "
        "renormalization take a unit's mean and variance over examples; layer and group norm take "
        "an example's over its units; RMS norm divides by its root mean square and subtracts no "
        "mean; instance norm takes them within one channel of one example, a single value in fully "
        "connected layers. Weight norm and weight standardization act on the weights instead. In "
        "the Lab the arms choose it.",
    )
    normalized_layers: tuple[int, ...] = wholes(
        1,
        20,
        key="normed",
        label="Normalized layers",
        help="Which hidden layers are normalized, counted from 1; empty: every layer. In a "
        "residual net the norm in front of the output belongs to the last hidden layer.",
        read_if=lambda config: config.is_normalized,
    )
    placement: str = choice(
        "before",
        {"before": "Before the activation", "after": "After the activation"},
        key="place",
        label="Place",
        help="Where the normalization stands. In the Lab the arms choose it.",
        read_if=lambda config: config.value_norm != "none",
    )
    moved_layers: tuple[int, ...] = wholes(
        1,
        20,
        key="moved",
        label="Layers with the other place",
        help="Hidden layers, counted from 1, whose normalization stands on the other side of the "
        "activation than the place above says; empty: none.",
        shown=False,
        read_if=lambda config: config.value_norm != "none",
    )
    time_norm: str = choice(
        "steps",
        {"steps": "Each time step its own", "shared": "One for all time steps"},
        key="tnorm",
        label="Running statistics over time",
        help="In training each time step of a recurrent net is normalized by its own batch. For "
        "inference each has its own running mean and variance (Cooijmans et al. 2016), or one "
        "pair, which every time step moves in turn, serves all: what a single BatchNorm layer does "
        "that is called in the loop over time. All time steps share gamma and beta.",
        read_if=lambda config: config.is_recurrent and config.has_running_statistics,
        shown=False,
    )
    bn_momentum: float = number(
        0.1,
        0.0,
        1.0,
        key="bnm",
        label="Momentum of the running statistics",
        help="Share of the newest batch in the running mean and variance (PyTorch's meaning; "
        "Keras' momentum is one minus this).",
        read_if=lambda config: config.has_running_statistics and not config.bn_cumulative,
    )
    bn_cumulative: bool = switch(
        False,
        key="bnc",
        label="Cumulative average instead",
        help="Average all batches since the start with equal weight (momentum=None in PyTorch).",
        read_if=lambda config: config.has_running_statistics,
    )
    bn_epsilon: float = log_number(
        1e-5,
        1e-8,
        1.0,
        key="eps",
        label="Epsilon",
        help="Added to the variance before the square root, so that a constant unit divides by "
        "something. In weight standardization it is the variance of the weights.",
        read_if=lambda config: config.has_gamma,
    )
    bn_scale: bool = switch(
        True,
        key="gamma",
        label="Scale (gamma)",
        help="Whether each unit learns a factor for its normalized value.",
        read_if=lambda config: config.has_gamma,
    )
    bn_shift: bool = switch(
        True,
        key="beta",
        label="Shift (beta)",
        help="Whether each unit learns an offset for its normalized value. RMS norm has none.",
        read_if=lambda config: config.has_beta,
    )
    initial_gamma: float = number(
        1.0,
        0.0,
        3.0,
        key="gamma0",
        label="Initial gamma",
        help="What gamma is before the first step, in every normalized layer that learns it "
        "(weight in PyTorch, gamma_initializer in Keras). In front of tanh 0.1 starts near the "
        "straight part. With 0 every normalized unit puts out beta alone at first.",
        read_if=lambda config: config.has_gamma and config.bn_scale,
    )
    initial_beta: float = number(
        0.0,
        -3.0,
        3.0,
        key="beta0",
        label="Initial beta",
        help="What beta is before the first step, where it is learned (bias in PyTorch, "
        "beta_initializer in Keras). In front of ReLU it says how many units begin active: of "
        "normal values one half at 0, 84 % at 1, 16 % at -1.",
        read_if=lambda config: config.has_beta and config.bn_shift,
    )
    groups: int = whole(
        8,
        1,
        64,
        key="groups",
        label="Groups of group norm",
        help="Into how many groups of one size group norm splits a layer's units; each example has "
        "a mean and a variance for each. It must divide the width. One group is layer norm; groups "
        "of two units leave only signs, groups of one leave nothing.",
        read_if=lambda config: config.value_norm == "group",
    )
    standardized_groups: bool = switch(
        False,
        key="wsgn",
        label="Group norm with standardized weights",
        help="Weight standardization was proposed with group norm behind each layer "
        "(1903.10520); on: so it is here. Off: the weights are scaled so that values keep their "
        "variance, with a learned factor gamma for each unit (2101.08692), and nothing else is "
        "normalized.",
        shown=False,
        read_if=lambda config: config.normalization == "weightstd",
    )
    ghost_size: int = whole(
        16,
        1,
        512,
        key="ghost",
        label="Ghost batch size",
        help="Ghost batch norm cuts each batch into parts of this many examples, with a mean and a "
        "variance of their own. The last part takes in what is left over.",
        read_if=lambda config: config.normalization == "ghost",
    )
    renorm_rmax: float = log_number(
        3.0,
        1.0,
        100.0,
        key="rmax",
        label="Limit of r",
        help="Batch renormalization corrects a batch's standard deviation by at most this factor. "
        "1, with d at 0, is batch norm. It is plain batch norm for 100 batches; then this limit "
        "grows until batch 800.",
        read_if=lambda config: config.normalization == "renorm",
    )
    renorm_dmax: float = number(
        5.0,
        0.0,
        20.0,
        key="dmax",
        label="Limit of d",
        help="Batch renormalization corrects a batch's mean by at most this many running standard "
        "deviations. It is plain batch norm for 100 batches; then this limit grows until batch "
        "500.",
        read_if=lambda config: config.normalization == "renorm",
    )
    bn_track: bool = switch(
        True,
        key="track",
        label="Track running statistics",
        help="Off: batch norm keeps no running mean and variance, and validates with those of the "
        "validation batch (track_running_stats=False in PyTorch). An answer then depends on what "
        "else is in the batch.",
        shown=False,
        read_if=lambda config: config.normalization == "batch" and not config.is_recurrent,
    )
    freeze: str = choice(
        "none",
        {
            "none": "Nothing",
            "statistics": "Running statistics",
            "parameters": "Gamma and beta",
            "both": "Statistics, gamma and beta",
        },
        key="freeze",
        label="Freeze",
        help="What stays as it is from a step on, as in fine-tuning. With frozen statistics the "
        "layer normalizes by its running mean and variance in training too, and they no longer "
        "move (eval() of the layer in PyTorch). Frozen gamma and beta no longer learn "
        "(requires_grad=False); batch statistics stay. Keras' trainable=False freezes both.",
        shown=False,
        read_if=lambda config: config.can_freeze,
    )
    freeze_at: int = whole(
        200,
        0,
        MOST_STEPS,
        key="freezeat",
        label="Freeze after step",
        help="How many steps are trained before it is frozen. With 0, running statistics stay at "
        "mean 0 and variance 1: nothing is normalized.",
        shown=False,
        read_if=lambda config: config.freezes_statistics or config.freezes_parameters,
    )
    input_norm: bool = switch(
        False,
        key="bnin",
        label="Batch norm of the inputs",
        help="A batch norm in front of the first layer: of each input, or of each channel of an "
        "image, with gamma, beta, epsilon 1e-5 and momentum 0.1. Compare it, on raw inputs, with "
        "inputs that were standardized once (Data).",
        shown=False,
        read_if=lambda config: not config.is_recurrent,
    )
    evaluate_with: str = choice(
        "running",
        {"running": "running averages (eval)", "batch": "batch statistics (train)"},
        key="eval",
        label="Validate with",
        help="Which mean and variance batch norm uses on validation data: the running averages, "
        "as a deployed net (one that answers, and no longer learns) does, or those of the "
        "validation batch, as if eval() were forgotten.",
        read_if=lambda config: config.has_running_statistics or config.normalizes_inputs,
    )
