#!/bin/sh
# Trains a small classifier from nothing on things cut out of drawn images, and evaluates it on
# others. usage: train-demo.sh build/release [FOLDER]
set -eu
build=$1
out=${2:-train-demo}
least=95 # percent that are to be right
started=$(date +%s)
rm -rf "$out"
"$build/tools/toytown" "$out/crops/train" --crops --count 600 --seed 1
"$build/tools/toytown" "$out/crops/val" --crops --count 150 --seed 20220110

echo "densepred train toytown/convnext_toytown --data $out/crops --work $out/run"
"$build/densepred" train toytown/convnext_toytown --data "$out/crops" --work "$out/run" \
    --configs configs
image=$(find "$out/crops/val/boat" -name '*.jpg' | sort | head -1)
echo "densepred classify $out/run $image"
"$build/densepred" classify "$out/run" "$image" --configs configs

top1=$(sed -n 's/.*"kind":"epoch".*"top1":\([0-9.]*\).*/\1/p' "$out/run/log.jsonl" |
    sort -g | tail -1 | awk '{ printf "%.2f", $1 }')
echo
echo "$top1 percent of the crops that were not trained on are right" \
    "($(($(date +%s) - started)) s); curves: $out/run/index.html"
awk -v found="$top1" -v least=$least 'BEGIN { exit found <= least }' || {
    echo "train-demo: expected more than $least percent" >&2
    exit 1
}
