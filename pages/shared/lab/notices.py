"""Sentences above the figures: what fell back, what was refused, what a setting means here."""

from collections.abc import Iterator

import streamlit as st

from bn_core.comparison import Comparison
from bn_core.config import Config
from bn_core.net_shapes import layer_shapes
from pages.shared.lab.arm_edits import same_nets
from pages.shared.plain_text import plain_text
from pages.shared.session import Session

_BATCH_OF_ONE = (
    "**A batch of one has nothing to normalize by.** Its mean is the example itself and its "
    "variance is 0, so x̂ = 0 and every normalized unit puts out β, whatever the input: the net "
    "cannot tell examples apart while it trains. PyTorch refuses such a batch with a ValueError, "
    "Keras puts out β without a word. Here it is computed, so that you can see it."
)
_GHOST_OF_ONE = (
    "**Ghost batches of one have nothing to normalize by.** Each example is its own mean, so x̂ = 0 "
    "and ghost batch norm puts out β alone while it trains, whatever the input."
)
_RENORM_OF_ONE = (
    "**Batch renormalization with a batch of one** tells examples apart by its correction d alone, "
    "and for the first 100 batches d is 0: until then the net sees β alone. d counts as a constant "
    "when gradients are taken, so none pass the layer: only the last one's γ and β and what stands "
    "behind it learn."
)
_INSTANCE = (
    "**Instance norm has a single value to normalize by here.** It averages over the positions of "
    "an image in each unit; these units have one value for each example, so x̂ = 0, the layer puts "
    "out β alone, whatever the input, and the net stays at chance."
)
_INSTANCE_DENSE = (
    "**Instance norm has a single value to normalize by in the dense layers.** In a convolution it "
    "averages over a channel's positions; a dense unit has one value for each example, so x̂ = 0, "
    "the layer puts out β alone, whatever the input, and the net stays at chance. Leave the dense "
    "layers out."
)
_GROUPS_OF_ONE = (
    "**Groups of one unit have nothing to normalize by.** Each value is its own mean, so x̂ = 0 and "
    "group norm puts out β alone. Lower the number of groups."
)
_GROUPS_OF_TWO = (
    "**Groups of two units leave only signs.** Of two values one comes out as +1 and the other as "
    "-1, however far apart they were. Lower the number of groups to keep more."
)


def notices(session: Session, comparison: Comparison) -> None:
    """Show what there is to say about the link and the settings."""
    for warning in session.lab.link_warnings:
        st.warning(plain_text(warning))
    if session.notice:
        st.warning(plain_text(session.notice))
        session.notice = ""
    _planned_rates(session, comparison)
    _step_of_the_link(session)
    for one, other in same_nets(comparison):
        st.info(
            f"**{plain_text(one)}** and **{plain_text(other)}** are the same net with these "
            "settings: their curves cover each other. Change or remove one of them."
        )
    for sentence in freezes_too_late(comparison):
        st.info(plain_text(sentence))
    for text in dict.fromkeys(t for config in comparison.configs for t in _without_spread(config)):
        st.info(text)


def _planned_rates(session: Session, comparison: Comparison) -> None:
    """Say which changes of the learning rate the link holds that have not come yet."""
    run = session.run
    done = run.record.step if run and run.record else 0
    planned = run.comparison.base.rate_changes if run else comparison.base.rate_changes
    ahead = [f"{rate:g} after step {step:,}" for step, rate in planned if step >= done]
    if ahead:
        st.caption(f"The link repeats changes of the learning rate: {', '.join(ahead)}.")


def freezes_too_late(comparison: Comparison) -> list[str]:
    """Return a sentence for each net that ends before the step after which it is to be frozen."""
    steps = comparison.base.steps
    return [
        f"“{arm.label}” is never frozen: the run ends at step {steps:,}, and it is to be frozen "
        f"after step {config.freeze_at:,}. Lower “Freeze after step”, or train more steps."
        for arm, config in zip(comparison.arms, comparison.configs, strict=True)
        if config.reads("freeze_at") and config.freeze_at >= steps
    ]


def _step_of_the_link(session: Session) -> None:
    """Say which step the link shows while the run has not come there."""
    run, cursor = session.run, session.lab.cursor
    if cursor is not None and (run is None or run.record is None or run.record.step < cursor):
        st.caption(
            f"The link shows step {cursor:,}: press Train; once the nets have come there, the "
            "figures stay at it. The right end of the time slider is the newest step."
        )


def _without_spread(config: Config) -> Iterator[str]:
    """Yield what there is to say of a normalization that averages over one or two values."""
    one, widths = config.batch_size == 1, _units_without_positions(config)
    match config.value_norm:
        case "batch" if one and widths:
            yield _BATCH_OF_ONE
        case "ghost" if (one or config.ghost_size == 1) and widths:
            yield _BATCH_OF_ONE if one else _GHOST_OF_ONE
        case "renorm" if one and widths:
            yield _RENORM_OF_ONE
        case "instance" if widths:
            yield _INSTANCE_DENSE if config.has_blocks else _INSTANCE
        case "group" if config.groups in widths:
            yield _GROUPS_OF_ONE
        case "group" if 2 * config.groups in widths:
            yield _GROUPS_OF_TWO


def _units_without_positions(config: Config) -> list[int]:
    """Return the numbers of units of the normalized layers whose units are no channels."""
    shapes = layer_shapes(config)[: config.depth]
    return [
        shape.units
        for index, shape in enumerate(shapes)
        if not shape.positions and config.normalizes_values(index)
    ]
