#!/bin/sh
# Run the README's two commands in an empty Debian of each suite named, as somebody who just cloned would; the demo
# twice, since it can be repeated.
#   tools/fresh.sh bookworm trixie
# Needs root (it makes whole systems). Keeps nothing but what a run that failed said: .tieline/fresh-logs/SUITE. What is
# not committed is not tested.
set -eu
cd "$(dirname "$0")/.."
[ "$(id -u)" = 0 ] || { echo "run: sudo tools/fresh.sh $*" >&2; exit 1; }

archive=$(.venv/bin/python -m lab.archive_of_host 2>/dev/null || python3 -m lab.archive_of_host)
place=$(mktemp -d)
trap 'rm -rf --one-file-system "$place"' EXIT
trap 'exit 130' INT TERM

# keep SUITE: bring what the commands said, and the logs of their labs, out of a system that is about to be removed.
keep() {
    kept=.tieline/fresh-logs/$1
    rm -rf "$kept"
    mkdir -p "$kept"
    cp "$place/$1.log" "$kept/said.log"
    (cd "$place/$1/tieline/.tieline" && find lab* -name '*.log' -exec cp --parents -t "$OLDPWD/$kept" {} +) || true
    echo "== $1: failed; its logs are in $kept"
}

for suite in "$@"; do
    system=$place/$suite
    echo "== $suite: an empty system"
    mmdebstrap --variant=apt --mode=root --include=ca-certificates,git,make \
        --aptopt='Acquire::Check-Valid-Until false' "$suite" "$system" "deb $archive $suite main"
    # Its way to packages is this host's: proxies, certificates, the index of Python packages.
    for path in /etc/resolv.conf /etc/hosts /etc/pip.conf /etc/ssl/certs/ca-certificates.crt; do
        [ ! -e "$path" ] || { mkdir -p "$system$(dirname "$path")"; cp -rL "$path" "$system$(dirname "$path")/"; }
    done
    git clone -q . "$system/tieline"
    # A process namespace of its own, all capabilities: the lab makes namespaces inside. /proc is mounted before bwrap
    # comes, whose own hides parts of it; then the kernel lets no user namespace below (PostgreSQL's) mount another.
    inside() {
        unshare --pid --fork --kill-child --mount-proc="$system/proc" \
            bwrap --dev-bind "$system" / --dev-bind /dev /dev --tmpfs /run --die-with-parent \
            --cap-add ALL --chdir /tieline --unsetenv TIELINE_ROOT --unsetenv MAKEFLAGS --unsetenv MAKELEVEL --setenv HOME /root \
            --setenv PIP_CERT /etc/ssl/certs/ca-certificates.crt --setenv PATH /usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$@"
    }
    for command in "make demo EXIT=1" "make demo EXIT=1" "make test"; do
        echo "== $suite: $command"
        # shellcheck disable=SC2086 # a list of words
        { inside $command 2>&1 || echo "$?" >"$place/status"; } | tee -a "$place/$suite.log"
        [ ! -e "$place/status" ] || { keep "$suite"; exit 1; }
    done
    echo "== $suite: passed"
    rm -rf --one-file-system "$system"
done
