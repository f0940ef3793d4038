#!/bin/sh
# Opens the report page of `densepred eval coco` in headless Chromium and checks it: no
# request leaves the file, no error, no sideways scrolling on a phone, all of it there
# without script, tables that sort with it. usage: check-report.sh build/release [SHOTS]
# With SHOTS, a folder, screenshots are left there.
set -eu
program=$(cd "$1" && pwd)/densepred
shots=${2:-}
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
[ -z "$shots" ] || { mkdir -p "$shots"; shots=$(cd "$shots" && pwd); }

# A data set of its own: two images, three classes, right and wrong detections.
mkdir "$work/images"
printf '%s' 'iVBORw0KGgoAAAANSUhEUgAAAAIAAAACCAIAAAD91JpzAAAAFElEQVR4nGP8z8DAwMDAxMDAwMDAAAANHQEDasKb6QAAAABJRU5ErkJggg==' |
    base64 -d >"$work/images/a.png"
cat >"$work/gt.json" <<'END'
{"images": [{"id": 1, "width": 200, "height": 160, "file_name": "a.png"},
            {"id": 2, "width": 200, "height": 160, "file_name": "missing.jpg"}],
 "categories": [{"id": 1, "name": "cat"}, {"id": 2, "name": "dog <&>"}, {"id": 3, "name": "bird"}],
 "annotations": [
  {"id": 1, "image_id": 1, "category_id": 1, "bbox": [10, 10, 50, 50], "area": 2500, "iscrowd": 0},
  {"id": 2, "image_id": 1, "category_id": 2, "bbox": [90, 20, 60, 60], "area": 3600, "iscrowd": 0},
  {"id": 3, "image_id": 2, "category_id": 1, "bbox": [30, 30, 40, 40], "area": 1600, "iscrowd": 0}]}
END
cat >"$work/dt.json" <<'END'
[{"image_id": 1, "category_id": 1, "bbox": [11, 11, 50, 50], "score": 0.9},
 {"image_id": 1, "category_id": 1, "bbox": [91, 21, 60, 60], "score": 0.8},
 {"image_id": 2, "category_id": 2, "bbox": [120, 90, 40, 40], "score": 0.7}]
END
(cd "$work" && "$program" eval coco gt.json dt.json --report page --images images >/dev/null)

"$here/in-chromium.sh" "$here/check-report.js" "$work/page/index.html" "$shots"
