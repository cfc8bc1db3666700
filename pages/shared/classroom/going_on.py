"""What a server does for its classes beside answering them."""

import traceback

from pages.shared.classroom import pooling, shown_run


def go_on() -> None:
    """Send classes what is new of the runs they see, and train what their students asked for."""
    for act in (shown_run.send_runs, pooling.train_on):
        try:
            act()
        except Exception:  # one class must not end the news of all others
            traceback.print_exc()
