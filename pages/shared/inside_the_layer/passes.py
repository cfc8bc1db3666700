"""The forward and the backward pass, step by step."""

import streamlit as st

from pages.shared.demo_widgets import compute, compute_now, explain, slide
from pages.shared.inside_the_layer.numbers import BATCH, batch, parameters
from pages.shared.widgets.tables import steps, table
from pages.shared.widgets.terms import prose

_UPSTREAM = (
    (0.1, 0.2, -0.1), (-0.3, 0.1, 0.0), (0.2, 0.0, 0.4), (0.1, 0.5, -0.2), (0.0, -0.4, 0.1),
)  # fmt: skip


def forward() -> None:
    """Show the forward pass."""
    st.latex(
        # On a phone lines break between the equations, and the braces keep them from it within one.
        r"{\mu=\tfrac1m\sum_n x_n}\qquad\allowbreak {\sigma^2=\tfrac1m\sum_n (x_n-\mu)^2}"
        r"\qquad\allowbreak {\hat x=\frac{x-\mu}{\sqrt{\sigma^2+\epsilon}}}"
        r"\qquad\allowbreak {y=\gamma\hat x+\beta}"
    )
    st.caption(
        "Ioffe & Szegedy 2015 (1502.03167), Algorithm 1. Each row is an example, each column a "
        "unit with a mean and variance of its own. Point at a value, or walk with the arrow keys."
    )
    explain(
        "**Why γ and β?** They let a layer undo the normalization: with γ = √(σ² + ε) and β = μ "
        "the output is x again. A sigmoid fed with standardized values alone would stay nearly "
        "linear."
    )
    rows, columns = batch()
    gamma, beta, epsilon = parameters()
    if rows is None:
        return
    found = compute_now("forward", "forward", rows=rows, gamma=gamma, beta=beta, epsilon=epsilon)
    if found is not None:
        steps("forward_steps", found, columns)
        compute("forward", "forward", rows=rows, gamma=gamma, beta=beta, epsilon=epsilon)
    prose(
        "**A batch is a sample.** Its mean and variance differ from the data's, the more the "
        "smaller it is. (Batch norm divides by m; for inference PyTorch stores the unbiased "
        "variance, Keras 3 this biased one.) Here 400 batches of each size are drawn from the "
        "first column."
    )
    compute("noise", "noise", rows=rows)


def backward() -> None:
    """Show the backward pass and its checks."""
    st.latex(
        # As in the forward pass: on a phone lines break between the equations.
        r"{d\hat x=dy\,\gamma}\qquad\allowbreak {d\sigma^2=\sum d\hat x\,(x-\mu)\cdot"
        r"\left(-\tfrac12\right)(\sigma^2+\epsilon)^{-3/2}}\qquad\allowbreak "
        r"{d\mu=-\sum\frac{d\hat x}{\sqrt{\sigma^2+\epsilon}}"
        r"-d\sigma^2\,\tfrac2m\sum(x-\mu)}"
    )
    st.latex(
        r"{dx=\frac{d\hat x}{\sqrt{\sigma^2+\epsilon}}+d\sigma^2\,\tfrac2m(x-\mu)+\tfrac1m d\mu}"
        r"\qquad\allowbreak {d\gamma=\sum dy\,\hat x}\qquad\allowbreak {d\beta=\sum dy}"
    )
    st.caption(
        "Ioffe & Szegedy 2015, section 3. The mean and the variance depend on every example, so "
        "every example's gradient depends on all."
    )
    left, right = st.columns(2, gap="medium")
    columns = ["unit 1", "unit 2", "unit 3"]
    with left:
        st.markdown("**x**, the batch of the forward pass")
        rows = table("batch", BATCH, columns, of_page=True)
    with right:
        st.markdown("**dy**, the gradient that arrives")
        upstream = table("upstream", _UPSTREAM, columns)
    gamma, _, epsilon = parameters()
    if rows is None or upstream is None:
        return
    arguments = {"rows": rows, "upstream": upstream, "gamma": gamma, "epsilon": epsilon}
    found = compute_now("backward", "backward", **arguments)
    if found is not None:
        steps("backward_steps", found, columns)
        compute("backward", "backward", **arguments)
        prose(
            "The sum of dx vanishes: to push all examples of a unit the same way changes nothing. "
            "The sum of dx · x̂ vanishes too, up to ε: stretching them changes nothing either. "
            "Batch norm takes both out again."
        )
    prose(
        "**Scale invariance.** Multiply the weights in front of batch norm by a factor: what "
        "becomes of the loss and of their gradient? A small net in 64 bits:"
    )
    explain(
        "The length of these weights does not matter, for the same reason: the loss stays, and "
        "the gradient is divided by the factor (van Laarhoven 2017, 1706.05350). The law concerns "
        "what the layer computes, not how it learns: longer weights turn less per step. So weight "
        "decay in front of batch norm does not shrink the function; it keeps the effective "
        "learning rate η / ‖W‖² from dying away."
    )
    factor = slide(
        "Multiply W by", "factor", 10.0, [0.001, 0.1, 0.5, 1.0, 2.0, 10.0, 1000.0], "Any factor."
    )
    compute("scale", "scale invariance", factor=factor)
