"""Print the Debian archive that this host uses; for scripts (`python3 -m lab.archive_of_host`)."""

import sys

from lab.host_apt import archives

if __name__ == "__main__":
    found = archives()
    sys.stdout.write(f"{found[0]}\n" if found else "")
    sys.exit(not found)
