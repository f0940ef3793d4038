#!/bin/sh
# Draws images that the training never saw, runs the two models that ship on them, and
# evaluates both. usage: demo.sh build/release [FOLDER]
set -eu
build=$1
out=${2:-demo}
count=60
seed=20220110 # the weights were trained on seed 1
program=$build/densepred
detector=toytown/mask_rcnn_convnext_toytown
segmentor=toytown/upernet_convnext_toytown

now() { date +%s.%N; }
# Commands are shown as a reader would type them.
run() {
    echo
    echo "densepred $*"
    "$program" "$@" --configs configs
}
started=$(now)
rm -rf "$out"
mkdir -p "$out"
"$build/tools/toytown" "$out/town" --count $count --seed $seed --size 384x512

begin=$(now)
run detect $detector "$out/town/images" -o "$out/boxes" \
    --score-thr 0.5 --json "$out/results.json" --quiet >"$out/found.txt"
middle=$(now)
run segment $segmentor "$out/town/images" -o "$out/labels" \
    --quiet >/dev/null
end=$(now)
echo "{\"images\": $count, \"detect\": $(echo "$middle $begin" | awk '{print $1 - $2}')," \
    "\"segment\": $(echo "$end $middle" | awk '{print $1 - $2}')}" >"$out/times.json"

run test $detector --images "$out/town/images" \
    --annotations "$out/town/annotations/instances.json" --work "$out/detect" \
    --report "$out/detect/report" --quiet
run test $segmentor --images "$out/town/images" \
    --annotations "$out/town/labels" --work "$out/segment" \
    --report "$out/segment/report" --quiet
"$build/tools/demo_page" "$out"

echo
echo "The demo is done, and all went well."
echo "Images, tables and curves: $out/index.html ($(echo "$(now) $started" | awk '{printf "%.0f", $1 - $2}') s)"
