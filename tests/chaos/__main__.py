"""``python -m tests.chaos``: see `tests.chaos.chaos`."""

import sys

from tests.chaos.chaos import main

sys.exit(main())
