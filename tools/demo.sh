#!/bin/sh
# Runs the program on a picture drawn here, into demo/. usage: demo.sh build/release
set -eu
build=$1
model=tests/golden/mask_rcnn_tiny

mkdir -p demo
"$build/tools/demo_picture" demo/town.jpg
echo
echo "densepred detect $model/config.json -w $model/model.pth demo/town.jpg --score-thr 0.1 --max-dets 6 -o demo --json demo/results.json"
"$build/densepred" detect $model/config.json -w $model/model.pth demo/town.jpg \
    --score-thr 0.1 --max-dets 6 -o demo --json demo/results.json
cat <<'TEXT'

demo/town_overlay.jpg shows boxes and masks, demo/results.json holds them in COCO's form.

This small model has random weights, as the tests use it: it shows that everything works,
and what it finds means nothing. With a published checkpoint:

    densepred detect coco/mask_rcnn_convnext_tiny -w mask_rcnn_convnext_tiny_1k_3x.pth photo.jpg -o out
TEXT
