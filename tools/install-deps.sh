#!/bin/sh
# Installs the packages that a group of make targets needs and that are missing.
# usage: install-deps.sh GROUP...      groups: build test lint report golden
set -eu

build='gcc make pkg-config libopenblas-dev libjpeg-dev libpng-dev zlib1g-dev libcjson-dev libcairo2-dev libgif-dev libtiff-dev libwebp-dev'
test='check g++ python3-pil zsh fish'
lint='clang clang-format cppcheck shellcheck'
mpi='libopenmpi-dev openmpi-bin'
golden='python3-torch python3-torchvision python3-numpy'
deb='dpkg-dev lintian debootstrap'
report='chromium'
# Node may have come from elsewhere, as a package that is both of these.
command -v npm >/dev/null 2>&1 || report="$report nodejs npm"

wanted=
for group; do
    case $group in
    build) wanted="$wanted $build" ;;
    test) wanted="$wanted $test" ;;
    lint) wanted="$wanted $lint" ;;
    report) wanted="$wanted $report" ;;
    golden) wanted="$wanted $golden" ;;
    deb) wanted="$wanted $deb" ;;
    mpi) wanted="$wanted $mpi" ;;
    *) echo "install-deps.sh: no group '$group'" >&2; exit 2 ;;
    esac
done

if ! command -v dpkg-query >/dev/null 2>&1 || ! command -v apt-get >/dev/null 2>&1; then
    # Not Debian: try what is there, and say what would be wanted if it is not.
    command -v pkg-config >/dev/null 2>&1 &&
        pkg-config --exists libjpeg libpng zlib libcjson cairo && exit 0
    echo "Please install the equivalents of these Debian packages:$wanted" >&2
    exit 1
fi

missing=
for package in $wanted; do
    case $(dpkg-query -W -f '${Status}' "$package" 2>/dev/null || true) in
    *' installed') ;;
    *) missing="$missing $package" ;;
    esac
done
[ -n "$missing" ] || exit 0

sudo=
[ "$(id -u)" -eq 0 ] || sudo=sudo
echo "Installing with ${sudo:+$sudo }apt-get:$missing"
export DEBIAN_FRONTEND=noninteractive
# shellcheck disable=SC2086 # lists of names, split on purpose
$sudo apt-get install -y --no-install-recommends $missing >/dev/null 2>&1 ||
    { $sudo apt-get update >/dev/null && $sudo apt-get install -y --no-install-recommends $missing; }
