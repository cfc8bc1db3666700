"""The command line: ``python -m bn_core --help`` lists its subcommands."""

import sys

from bn_core.cli import main

sys.exit(main())
