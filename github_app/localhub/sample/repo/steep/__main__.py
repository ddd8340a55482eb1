"""The command: ``python3 -m steep 3m``."""

import argparse
import time

from steep.duration import parse, spell


def main(argv=None, wait=time.sleep):
    """Wait for as long as the arguments say, then ring."""
    parser = argparse.ArgumentParser(prog="steep", description="A tea timer.")
    parser.add_argument("duration", nargs="+", help="how long: 3m, 1h 30m, 45s")
    arguments = parser.parse_args(argv)
    seconds = parse(" ".join(arguments.duration))
    print(f"Steeping for {spell(seconds)}.", flush=True)
    wait(seconds)
    print("Your tea is ready.\a")


if __name__ == "__main__":
    main()
