"""The command line behind the Makefile: `python -m pms.runtime demo|code|reset|env|services|test|bench`."""

import os
import sys

from pms.runtime.demo import print_codes, print_environment, reset, run_benchmarks, run_demo, run_services
from pms.runtime.home import SetupError, find_home
from pms.runtime.tests import run_tests

USAGE = "usage: python -m pms.runtime demo | code | reset | env | services | test [ARGS…] | bench [ARGS…]"


def main(arguments: list[str]) -> int:
    """Run one command; returns the process's exit code."""
    match arguments:
        case ["demo"]:
            return run_demo(find_home())
        case ["reset"]:
            return reset(find_home())
        case ["code"]:
            return print_codes(find_home())
        case ["env"]:
            return print_environment(find_home())
        case ["services"]:
            return run_services(find_home())
        case ["test", *rest]:
            return run_tests(find_home(), rest)
        case ["bench", *rest]:
            return run_benchmarks(find_home(), rest)
    print(USAGE, file=sys.stderr)
    return 2


if __name__ == "__main__":
    os.umask(0o022)  # the services' account must be able to enter what root makes; secrets are closed one by one
    try:
        sys.exit(main(sys.argv[1:]))
    except SetupError as problem:
        sys.exit(f"\n{problem}\n")
    except KeyboardInterrupt:
        sys.exit(130)
