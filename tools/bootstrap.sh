#!/bin/sh
# Everything that Tieline needs on a Debian with Python 3.11 or newer; repeat it at will.
#   tools/bootstrap.sh packages          apt packages of the host
#   tools/bootstrap.sh venv LOCK STAMP   virtual environment from a lock file, STAMP touched when done
#   tools/bootstrap.sh root              the private root (Asterisk, Kamailio, SIPp, Redis, PostgreSQL)
set -eu
cd "$(dirname "$0")/.."
PYTHON=${PYTHON:-python3}

say() { printf '== %s\n' "$*"; }

# What is missing, as package names; each is told by what it brings, so that other ways to install it count too.
missing_packages() {
    command -v mmdebstrap >/dev/null || printf 'mmdebstrap '
    command -v bwrap >/dev/null || printf 'bubblewrap '
    command -v setpriv >/dev/null || printf 'util-linux '
    command -v tar >/dev/null || printf 'tar '
    command -v mount >/dev/null || printf 'mount '
    command -v ip >/dev/null || printf 'iproute2 '
    command -v "$PYTHON" >/dev/null || printf 'python3 '
    "$PYTHON" -c 'import ensurepip' 2>/dev/null || printf 'python3-venv '
    [ -e /usr/share/keyrings/debian-archive-keyring.gpg ] || [ -e /usr/share/keyrings/debian-archive-keyring.pgp ] ||
        printf 'debian-archive-keyring '
    if [ "$(id -u)" != 0 ]; then
        command -v newuidmap >/dev/null || printf 'uidmap '
    fi
}

packages() {
    missing=$(missing_packages)
    if [ "$(id -u)" != 0 ]; then
        line=""
        [ -z "$missing" ] || line="apt-get update && apt-get install --no-install-recommends -y ${missing% }"
        if ! grep -q "^$(id -un):" /etc/subuid 2>/dev/null; then
            [ -z "$line" ] || line="$line && "
            line="${line}usermod --add-subuids 100000-165535 --add-subgids 100000-165535 $(id -un)"
        fi
        if [ -n "$line" ]; then
            echo "Tieline needs this once, then run the same command again:" >&2
            echo "  sudo sh -c '$line'" >&2
            exit 1
        fi
    elif [ -n "$missing" ]; then
        say "packages: $missing"
        # A mirror's Release file may be past its date on machines that follow a snapshot.
        apt-get -o Acquire::Check-Valid-Until=false update
        # shellcheck disable=SC2086 # a list of words
        DEBIAN_FRONTEND=noninteractive apt-get install --no-install-recommends -y $missing
    fi
    "$PYTHON" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
        echo "Tieline needs Python 3.11 or newer; $PYTHON is older (set PYTHON=...)" >&2
        exit 1
    }
}

venv() {
    lock=$1 stamp=$2
    [ -x .venv/bin/python ] || { say "virtual environment"; "$PYTHON" -m venv .venv; }
    say "Python packages from $lock"
    pip() { .venv/bin/python -m pip --disable-pip-version-check -q "$@"; }
    pip install --require-hashes -r requirements-build.lock
    pip install --no-build-isolation --require-hashes -r "$lock"
    pip install --no-build-isolation --no-deps -e .
    mkdir -p "$(dirname "$stamp")"
    touch "$stamp"
}

root() {
    .venv/bin/tieline lab root
}

case ${1:-} in
    packages) packages ;;
    venv) venv "$2" "$3" ;;
    root) root ;;
    *) sed -n '2,5s/^# //p' "$0" >&2; exit 2 ;;
esac
