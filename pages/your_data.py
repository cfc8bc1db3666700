"""A reader's own data: a file is opened, looked at, and given to the nets of the Lab."""

from dataclasses import replace

import numpy as np
import streamlit as st

from bn_core.datasets.own import MOST_CLASSES, MOST_EXAMPLES, MOST_NUMBERS, OwnData
from bn_core.datasets.reading import MOST_FILE_BYTES
from bn_core.datasets.thumbnails import own_thumbnail
from bn_core.service.pool import PoolFull
from pages.shared.lab.events import ControlsChanged
from pages.shared.lab.runs import dispatch, keep_data
from pages.shared.live.component import component
from pages.shared.own_data.choices import data_of_file
from pages.shared.own_data.drawing import draw_points
from pages.shared.plain_text import plain_text
from pages.shared.session import Session, this_session

_UPLOAD = """<div class="bn-upload"><label>Open a file<input type="file" multiple
 accept=".csv,.tsv,.txt,.npz,.gz,.idx,.data,text/csv"></label>
<p class="bn-upload-words" role="status"></p></div>"""
_SHOWN_CLASSES = 20


def introduction() -> None:
    """Say what can be opened, and what becomes of it."""
    st.html(
        "<h1 class='bn-title'>Your own data</h1><p class='bn-lead'>Open a table or an array of "
        "examples with classes, or draw points, and train the nets of the Lab on them.</p>"
    )
    st.caption(
        "A table (CSV, with or without names in its first line) has a column of classes and "
        "columns of numbers; an NPZ file has arrays such as x and y; of IDX files choose two, "
        f"examples and labels. At most {MOST_FILE_BYTES // 2**20} MB, {MOST_EXAMPLES:,} examples "
        f"of {MOST_NUMBERS:,} numbers, {MOST_CLASSES} classes. The file stays in the server's "
        "memory, for you alone, until half an hour after you last used it; nothing is written to "
        "disk. So long this browser, which keeps a proof that you opened the file, finds it again "
        "after a reload or in another tab. Links name the data but do not hold them: whoever opens "
        "one elsewhere needs the same file."
    )


def summary(data: OwnData, said: tuple[str, ...]) -> None:
    """Say what the data are, what was done to the file, and how many examples each class has."""
    for sentence in said:
        st.info(plain_text(sentence))
    spec = data.spec
    what = {"image": "images", "plane": "points", "table": "rows"}[spec.kind]
    size = " x ".join(map(str, spec.input_shape[1:] if spec.kind == "image" else data.shape))
    unit = "pixels" if spec.kind == "image" else "numbers"
    st.markdown(
        f"**{len(data.inputs):,} {what}** of {size} {unit} in **{len(data.classes)} classes**: "
        f"{spec.train_size(0):,} to train on, {data.held_out_count:,} held out."
    )
    if spec.kind == "image":
        examples(data)
    counts = np.bincount(data.labels, minlength=len(data.classes))
    share = counts.max() / counts.sum()
    st.caption(
        f"Whoever always names the largest class is right {100 * share:.0f} % of the time: nets "
        "have to beat that."
    )
    st.dataframe(
        {"class": list(data.classes), "examples": counts.tolist()},
        hide_index=True,
        height=min(38 * (len(counts) + 1), 38 * _SHOWN_CLASSES),
        width=420,
        column_config={
            "examples": st.column_config.ProgressColumn(
                "examples", format="%d", min_value=0, max_value=int(counts.max())
            )
        },
    )


def examples(data: OwnData) -> None:
    """Show an image of each of the first classes."""
    drawn = own_thumbnail(data)
    framed = [np.pad(255 - image, 2, constant_values=255) for image in drawn.images]
    sheet = np.concatenate(framed, axis=1)
    names = ", ".join(data.classes[label] for label in drawn.labels)
    words = plain_text(f"The first of each class: {names}")
    st.image(sheet, caption=words, width=2 * sheet.shape[1])


def train_on(session: Session, data: OwnData) -> None:
    """Give the data to the Lab's nets, all of it; a batch that does not fit becomes smaller."""
    try:
        name = keep_data(session, data, session.inbox.title)
    except PoolFull as full:
        session.notice = str(full)
        return
    held = session.lab.comparison
    size, before = data.spec.train_size(0), held.base.train_examples
    base = held.base.changed({"data": name, "train_examples": max(size, before)})
    if base.batch_size > base.train_size:
        fits = 2 ** int(np.log2(base.train_size))
        base = base.changed({"batch_size": fits})
        session.notice = f"The batch size is now {fits}, as there are few examples to train on."
    elif size > before:
        session.notice = (
            f"The nets are trained on all {size:,} training examples; with fewer, which “Training "
            "examples” sets, an epoch is shorter."
        )
    dispatch(session, ControlsChanged(replace(held, base=base)))
    session.goes_to_lab = True


session = this_session()
if session.goes_to_lab:
    session.goes_to_lab = False
    st.switch_page("pages/lab.py")
introduction()
component("upload", _UPLOAD)(
    key="own.upload",
    data={"token": session.inbox.token, "most": MOST_FILE_BYTES, "name": session.inbox.title},
    on_arrived_change=lambda: None,  # the script runs again, and that is all there is to do
)
draw_points(session)
if session.notice:
    st.warning(plain_text(session.notice))
    session.notice = ""
if session.inbox.files:
    found = data_of_file(session)
    if found is not None:
        summary(*found)
        st.button(
            "Train on these data",
            type="primary",
            key="own.train",
            on_click=train_on,
            args=(session, found[0]),
        )
