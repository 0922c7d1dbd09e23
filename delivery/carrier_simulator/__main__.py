"""`python -m delivery.carrier_simulator`"""

import sys

from delivery.carrier_simulator.cli import main

sys.exit(main())
