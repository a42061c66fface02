"""What the engine runs in the tests of rules: the program of a stack, broken as BREAKAGE says."""

import os
import sys
from importlib import import_module
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from all_breakages import BREAKAGES

breakage = next(each for each in BREAKAGES if each.name == os.environ["BREAKAGE"])
breakage.apply()
import_module("stacks.__main__")  # it declares the stack as it is imported
breakage.extra()
