#!/bin/sh
# Builds the Debian packages densepred, libdensepred0 and libdensepred-dev.
# usage: make-deb.sh VERSION OUT      `make deb` calls it, in the repository's root
set -eu

version=$1
out=$2
arch=$(dpkg --print-architecture)
triplet=$(dpkg-architecture -qDEB_HOST_MULTIARCH)
tree=$out/tree
maintainer='densepred maintainers <densepred@example.org>'
export SOURCE_DATE_EPOCH="${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || date +%s)}"

rm -rf "$out"
mkdir -p "$out"
${MAKE:-make} -s install PREFIX=/usr LIBDIR="/usr/lib/$triplet" DESTDIR="$PWD/$tree"

# The packages that hold the libraries a file needs, with versions.
depends() {
    mkdir -p "$out/shlibs/debian"
    printf 'Source: densepred\n\nPackage: densepred\nArchitecture: any\n' >"$out/shlibs/debian/control"
    (cd "$out/shlibs" && dpkg-shlibdeps -O --ignore-missing-info "$1" 2>/dev/null) |
        sed -n 's/^shlibs:Depends=//p'
}

# Documents, sums and the archive of the package whose files are in $out/NAME.
finish() {
    name=$1
    root=$out/$name
    mkdir -p "$root/usr/share/doc/$name"
    cp packaging/copyright "$root/usr/share/doc/$name/copyright"
    {
        printf 'densepred (%s) unstable; urgency=medium\n\n  * See CHANGES.md of the source.\n\n' "$version"
        printf ' -- %s  %s\n' "$maintainer" "$(date -u -R -d "@$SOURCE_DATE_EPOCH")"
    } | gzip -9n >"$root/usr/share/doc/$name/changelog.gz"
    find "$root" -type d -exec chmod 755 {} +
    find "$root" -type f ! -path '*/bin/*' -exec chmod 644 {} +
    (cd "$root" && find usr -type f -print0 | LC_ALL=C sort -z | xargs -0 md5sum >DEBIAN/md5sums)
    printf 'Installed-Size: %s\n' "$(du -sk --exclude=DEBIAN "$root" | cut -f 1)" >>"$root/DEBIAN/control"
    chmod 644 "$root/DEBIAN"/*
    dpkg-deb --root-owner-group -Zxz --build "$root" "$out/${name}_${version}_$arch.deb" >/dev/null
    echo "$out/${name}_${version}_$arch.deb"
}

control() {
    mkdir -p "$out/$1/DEBIAN"
    printf 'Package: %s\nSource: densepred\nVersion: %s\nArchitecture: %s\nMaintainer: %s\nPriority: optional\n' \
        "$1" "$version" "$arch" "$maintainer" >"$out/$1/DEBIAN/control"
    cat >>"$out/$1/DEBIAN/control"
}

move() {
    mkdir -p "$out/$1/$(dirname "$2")"
    mv "$tree/$2" "$out/$1/$2"
}

# ---- the program --------------------------------------------------------------
strip --strip-unneeded --remove-section=.comment "$tree/usr/bin/densepred"
gzip -9n "$tree/usr/share/man/man1/densepred.1"
move densepred usr/bin/densepred
move densepred usr/share/densepred
move densepred usr/share/man/man1/densepred.1.gz
for rest in usr/share/bash-completion usr/share/zsh usr/share/fish; do
    if [ -e "$tree/$rest" ]; then move densepred "$rest"; fi
done
control densepred <<EOF
Section: science
Depends: $(depends "$PWD/$out/densepred/usr/bin/densepred")
Suggests: libopenblas0
Description: objects and segments in images, from published checkpoints
 Runs detectors, segmentors and classifiers with ConvNeXt, Swin and ResNet
 backbones on a CPU, straight from their published checkpoint files. It
 evaluates results against COCO and ADE20K annotations.
EOF
finish densepred

# ---- the library --------------------------------------------------------------
strip --strip-unneeded --remove-section=.comment "$tree/usr/lib/$triplet/libdensepred.so.$version"
move libdensepred0 "usr/lib/$triplet/libdensepred.so.$version"
move libdensepred0 "usr/lib/$triplet/libdensepred.so.0"
control libdensepred0 <<EOF
Section: libs
Multi-Arch: same
Depends: $(depends "$PWD/$out/libdensepred0/usr/lib/$triplet/libdensepred.so.$version")
Recommends: densepred
Suggests: libopenblas0
Description: dense prediction in images, the shared library
 Detectors, segmentors and classifiers with ConvNeXt, Swin and ResNet
 backbones, run from their published checkpoint files. The shipped configs
 are in the package densepred.
EOF
printf 'libdensepred 0 libdensepred0 (>= %s)\n' "$version" >"$out/libdensepred0/DEBIAN/shlibs"
printf 'activate-noawait ldconfig\n' >"$out/libdensepred0/DEBIAN/triggers"
finish libdensepred0

# ---- its headers --------------------------------------------------------------
strip --strip-debug --remove-section=.comment "$tree/usr/lib/$triplet/libdensepred.a"
move libdensepred-dev usr/include
move libdensepred-dev "usr/lib/$triplet/libdensepred.a"
move libdensepred-dev "usr/lib/$triplet/libdensepred.so"
move libdensepred-dev "usr/lib/$triplet/pkgconfig"
control libdensepred-dev <<EOF
Section: libdevel
Depends: libdensepred0 (= $version)
Description: dense prediction in images, headers and static library
 What programs need that are built on libdensepred: the public headers, the
 static library and the file for pkg-config.
EOF
finish libdensepred-dev

left=$(find "$tree" ! -type d)
rm -rf "$out/shlibs"
[ -z "$left" ] || { echo "make-deb.sh: not in a package: $left" >&2; exit 1; }
