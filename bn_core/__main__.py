"""The command line: ``python -m bn_core --help`` lists its subcommands."""

import os
import sys

# Nets this small are not faster on a GPU; the driver would only take time and memory.
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")

try:
    from bn_core.cli import main
except KeyboardInterrupt:  # torch takes a second or more to import
    print("Ended before anything was measured.", file=sys.stderr)
    sys.exit(130)

sys.exit(main())
