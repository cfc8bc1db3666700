"""Drawing points of a plane: they arrive as a table, by the same way as files."""

from bn_core.datasets.own import FEWEST_EXAMPLES
from pages.shared.live.component import component
from pages.shared.session import Session

_KEYS = (
    "arrow keys move the cross, Shift moves it farther, Space places a point, Backspace takes the "
    "last one back, 1 to 3 choose the class"
)
_CLASSES = "".join(
    f'<label><input type="radio" name="bn-draw-class" value="{value}"{checked}>{words}</label>'
    for value, (words, checked) in enumerate((("A ●", " checked"), ("B ◆", ""), ("C ▲", "")))
)
_BUTTONS = "".join(
    f'<button type="button" data-does="{name}">{words}</button>'
    for name, words in (
        ("use", "Use these points"),
        ("undo", "Undo"),
        ("clear", "Clear"),
        ("save", "Save as CSV"),
    )
)
_HTML = f"""<details class="bn-draw"><summary>Draw points in a plane</summary>
<fieldset><legend>Class</legend>{_CLASSES}
<label><input type="checkbox" class="bn-draw-several">five at a time</label></fieldset>
<svg viewBox="-100 -100 200 200" tabindex="0" role="application" aria-label="Plane: {_KEYS}"></svg>
<p role="status"></p><div>{_BUTTONS}</div><small>Click, or focus the plane: {_KEYS}.</small>
</details>"""


def draw_points(session: Session) -> None:
    """Show the plane to draw in; what is drawn becomes the file in the visitor's inbox."""
    component("draw_points", _HTML)(
        key="own.draw",
        data={"token": session.inbox.token, "fewest": FEWEST_EXAMPLES},
        on_arrived_change=lambda: None,  # the script runs again, and that is all there is to do
    )
