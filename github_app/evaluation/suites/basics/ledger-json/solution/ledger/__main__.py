"""The command line."""

import argparse
import sys

from ledger.entries import balances, read_entries
from ledger.report import as_json, as_text


def main(argv=None):
    parser = argparse.ArgumentParser(prog="ledger")
    commands = parser.add_subparsers(dest="command", required=True)
    command = commands.add_parser("balances", help="print what each account has")
    command.add_argument("file")
    command.add_argument("--json", action="store_true", help="as one JSON object")
    options = parser.parse_args(argv)
    with open(options.file, encoding="utf-8") as lines:
        found = balances(read_entries(lines))
    print(as_json(found) if options.json else as_text(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
