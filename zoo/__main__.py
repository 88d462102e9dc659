"""`python -m zoo`: the `soundzoo` command."""

import sys

from zoo.cli import main

sys.exit(main())
