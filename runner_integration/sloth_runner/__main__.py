"""`python -m sloth_runner`."""

import sys

from sloth_runner.cli import main

sys.exit(main())
