#!/bin/sh
# Checks the Debian packages in a folder: lintian finds nothing, and in a clean root made by
# debootstrap they install with their dependencies and the program runs.
# usage: check-deb.sh DIR
set -eu

dir=$1
lintian --fail-on error,warning "$dir"/*.deb
echo 'lintian: nothing found'
if [ "$(id -u)" -ne 0 ]; then
    echo 'skipped: a clean root needs the user root'
    exit 0
fi
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
# shellcheck disable=SC1091 # the system's own
suite=$(. /etc/os-release && echo "$VERSION_CODENAME")
mirror=$(apt-cache policy libc6 | awk '$2 ~ /^http/ {print $2; exit}')
debootstrap --variant=minbase "$suite" "$root" "$mirror" >"$dir/debootstrap.log" 2>&1 ||
    { echo "skipped: no clean root: $(tail -n 1 "$dir/debootstrap.log")"; exit 0; }
cp "$dir"/densepred_*.deb "$root/tmp"
cp /etc/resolv.conf "$root/etc/resolv.conf"
chroot "$root" sh -c 'apt-get install -y --no-install-recommends /tmp/densepred_*.deb' >>"$dir/debootstrap.log" 2>&1
chroot "$root" densepred models | grep -q coco/mask_rcnn_convnext_tiny
cp tests/golden/mask_rcnn_tiny/000000000101.png "$root/tmp/x.png"
chroot "$root" densepred detect toytown/mask_rcnn_convnext_toytown /tmp/x.png -q -o /tmp/x.jpg
test -s "$root/tmp/x.jpg"
if chroot "$root" dpkg -l | grep -E '^ii +(libx11-6|libgfortran)'; then
    echo 'check-deb.sh: the program brings X11 or a Fortran runtime' >&2
    exit 1
fi
echo 'the program installs and runs in a clean root, without X11 and Fortran'
