"""The same as ``python -m bn_core experiment``."""

import sys

from bn_core.cli import main

sys.exit(main(["experiment", *sys.argv[1:]]))
