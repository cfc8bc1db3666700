"""The controls of the app's pages that a condition may name, as the pages label them."""

from collections.abc import Mapping

LABELS: Mapping[str, str] = {
    "chapter": "Chapter",
    "asked_batch": "Batch size",
    "beta": "β (shift)",
    "epsilon": "ε",
    "factor": "Multiply W by",
    "gamma": "γ (scale)",
    "momentum": "Momentum",
    "offset": "Offset",
    "order": "Order",
    "scale": "Scale",
    "why_rate": "Learning rate, as a share of the largest stable one",
    "why_shown": "Steps drawn",
}
"""Each control's visible label by its name in the page's link."""

PAGE_TITLES: Mapping[str, str] = {
    "lab": "The Lab",
    "inside_the_layer": "Inside the layer",
    "training_and_inference": "Training and inference",
    "covariate_shift": "Internal covariate shift",
    "claims": "Claims",
    "experiment": "Experiment",
    "runs": "Runs",
    "when_it_hurts": "When batch norm hurts",
    "quiz": "Quiz",
    "challenges": "Challenges",
}
"""What the pages that a link may lead to are called, by the name in their address."""
