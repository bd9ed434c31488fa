"""`python -m finks_local.portable MANIFEST`: prints what is not portable; exit code 1 when there is something."""

from __future__ import annotations

import sys
from pathlib import Path

from finks_local.portable.project import check_project


def main(arguments: list[str]) -> int:
    """Print one line for each finding: file, line, construct and advice."""
    if len(arguments) != 1 or not Path(arguments[0]).is_file():
        sys.stderr.write("usage: python -m finks_local.portable target/manifest.json\n")
        return 2
    found = check_project(Path(arguments[0]))
    for path, findings in sorted(found.items()):
        for finding in findings:
            sys.stdout.write(f"{path}:{finding}\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
