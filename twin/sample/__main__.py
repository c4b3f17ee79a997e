"""``python -m twin.sample OUT [SEED]``: write the sample district to the folder OUT."""

from __future__ import annotations

import sys

from twin.errors import TwinError
from twin.sample.build import SEED, build


def main(arguments: list[str]) -> int:
    """Exit status: 0 done, 1 the data are at fault, 2 the call is."""
    if len(arguments) not in (1, 2) or (len(arguments) == 2 and not arguments[1].isdigit()):
        print("usage: python -m twin.sample OUT [SEED]", file=sys.stderr)
        return 2
    try:
        folder = build(int(arguments[1]) if len(arguments) == 2 else SEED).save(arguments[0])
    except TwinError as error:
        print(error, file=sys.stderr)
        return 1
    print(folder)
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
