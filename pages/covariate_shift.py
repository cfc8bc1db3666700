"""Internal covariate shift: the story, measured on the reader's own nets."""

from collections.abc import Callable

import streamlit as st

from bn_core.demos.defaults import nets_to_measure
from pages.shared.demo_widgets import compute, slide
from pages.shared.lab.url_state import nets_of_the_lab
from pages.shared.session import this_session
from pages.shared.tasks.controls import experiment_here
from pages.shared.tasks.verdicts import ICONS, verdict_lines
from pages.shared.widgets.chapters import show_chapters
from pages.shared.widgets.terms import prose


def what() -> None:
    """Say what covariate shift is, with real data."""
    prose(
        "**Covariate shift** means that the inputs a model meets later come from another "
        "distribution than those it learned from, while what an input *means* stays the same "
        "(Shimodaira 2000). Here nets learn digits where they stand, and are then asked about "
        "held-out ones that were moved a little: a moved 3 is still a 3."
    )
    pixels = slide("Moved by", "pixels", 1, [0, 1, 2, 3], "Pixels to the right, of eight.")
    compute("data_shift", "data shift", pixels=int(pixels))


def inside() -> None:
    """Measure both kinds of internal shift on the reader's nets."""
    prose(
        "A hidden layer learns from what the layers below put out, and they change at every step. "
        "Ioffe & Szegedy (2015) called this **internal covariate shift**: the distribution of a "
        "layer's inputs drifts. Santurkar et al. (2018) asked what that does to learning: how much "
        "does a layer's **gradient** change when the layers below take their step? The two are not "
        "the same. Both are measured here on the nets that you have set up in the Lab, at most "
        "three of them and three seeds; until you have changed the Lab, on its usual nets with "
        "He's initial weights, because both of these learn."
    )
    prose(
        "Read them with care: a net that does not learn hardly moves, and then its gradients "
        "hardly shift either. So the table also says how far each net has got."
    )
    compute(
        "inner_shift", "inner shift", comparison=nets_to_measure(nets_of_the_lab(this_session()))
    )
    st.page_link("pages/lab.py", label="Change the nets in the Lab")


def noisy() -> None:
    """Bring the shift back on purpose."""
    prose(
        "If holding inputs still were the reason why batch norm helps, then making them unstable "
        "again should undo its help. Santurkar et al. (2018, section 2.1) added noise behind batch "
        "norm that changes at every step."
    )
    experiment_here("noisy")


def landscape() -> None:
    """Show the explanation offered instead."""
    prose(
        "What Santurkar et al. (2018, sections 3.1 and 3.2, Figure 4) offer instead: along the "
        "gradient the loss becomes smoother, so a step can be trusted further."
    )
    experiment_here("landscape")


def conclusion() -> None:
    """Say what was measured, what is contested, and by whom."""
    st.markdown("#### What you have measured")
    runs = {slug: this_session().experiments.get(slug) for slug in ("ics", "noisy", "landscape")}
    decided = {slug: run for slug, run in runs.items() if run and run.verdict}
    if not decided:
        st.info("Nothing yet. Run the experiments of the chapters before this one.")
    for run in decided.values():
        assert run.verdict is not None
        found = run.verdict
        st.markdown(f"**{run.spec.claim}** {ICONS[found.kind]} {found.headline}. {found.summary}")
        st.markdown(verdict_lines(found))
    prose(
        "#### What is agreed, and what is not\n"
        "- **Agreed:** batch norm lets deep plain nets train at rates and from initial weights "
        "that fail without it (Ioffe & Szegedy 2015; Bjorck et al. 2018).\n"
        "- **Contested:** that it does so *by* reducing internal covariate shift. Santurkar et al. "
        "(2018) found fast training with unstable inputs, and gradients that shift no less with "
        "batch norm; in our linear nets which side shifts less depends on the rate.\n"
        "- **Contested too:** the smoother landscape as *the* reason. It is measured along the way "
        "that training takes, and batch norm by itself makes gradients of very deep plain nets "
        "explode at the start (Yang et al. 2019, 1902.08129).\n"
        "- **Other accounts:** larger rates as the cause of the gain (Bjorck et al. 2018), the "
        "length of weights that no longer matters (van Laarhoven 2017), the noise of the batch as "
        "a regularizer (Luo et al. 2019) or as approximate Bayesian inference (Teye et al. 2018)."
    )


CHAPTERS: dict[str, Callable[[], None]] = {
    "Covariate shift": what,
    "Inside a net": inside,
    "Noise on purpose": noisy,
    "The landscape": landscape,
    "What follows": conclusion,
}

st.html(
    "<h1 class='bn-title'>Internal covariate shift</h1><p class='bn-lead'>The first explanation of "
    "batch norm, put to the test on your own nets.</p>"
)
show_chapters(CHAPTERS)
