"""``fetch NAME``: have a published data set fetched into the folder that the app reads."""

import argparse
import sys
import threading
from pathlib import Path

from bn_core.cli.command import COMPLETED, CommandError, Subcommand
from bn_core.cli.progress import ProgressBar
from bn_core.datasets.fetching import REMOTE, RemoteSet, fetch, fetched_bytes
from bn_core.datasets.idx import DataFileError
from bn_core.datasets.published import PUBLISHED, VARIABLE, data_folder, find_files

_USUAL_BYTES = 15e6
"""About how many bytes a set takes on its way: openml.org packs them."""
_SECONDS_BETWEEN_LOOKS = 0.5


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    names = "; ".join(f"{name}: {remote.title}" for name, remote in REMOTE.items())
    parser.add_argument("name", metavar="NAME", choices=REMOTE, help=names)
    parser.add_argument(
        "--to", metavar="FOLDER", help=f"where to; the one that {VARIABLE} names, or data"
    )


def _execute(asked: argparse.Namespace) -> int:
    remote = REMOTE[asked.name]
    folder = Path(asked.to) if asked.to else data_folder() or Path("data")
    try:
        if set(find_files(PUBLISHED[remote.name], folder)) == {"train", "t10k"}:
            print(f"{remote.title} is in {folder} already.", file=sys.stderr)
            return COMPLETED
        written = _with_progress(remote, folder)
    except DataFileError as error:
        raise CommandError(str(error)) from error
    for path in written:
        print(path)
    print(f"Start the app again with {VARIABLE}={folder}.", file=sys.stderr)
    return COMPLETED


def _with_progress(remote: RemoteSet, folder: Path) -> tuple[Path, ...]:
    """Fetch in another thread, so that Ctrl+C is heeded while the network is waited for."""
    ended: list[tuple[Path, ...] | BaseException] = []
    stage = ["from openml.org"]

    def work() -> None:
        try:
            ended.append(fetch(remote, folder, lambda words: stage.append(words)))
        except BaseException as error:
            ended.append(error)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    with ProgressBar() as bar:
        while thread.is_alive():
            thread.join(_SECONDS_BETWEEN_LOOKS)
            size = fetched_bytes(folder)
            bar.show(min(size / _USUAL_BYTES, 0.99), f"{size / 1e6:.1f} MB {stage[-1]}")
    (found,) = ended
    if isinstance(found, BaseException):
        raise found
    return found


SUBCOMMAND = Subcommand(
    "fetch",
    "Fetch a published data set from openml.org into the folder that the app reads.",
    _add_arguments,
    _execute,
)
