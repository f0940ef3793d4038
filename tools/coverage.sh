#!/bin/sh
# Line coverage a folder, from what a run of the tests left. usage: coverage.sh build/cov
set -eu
build=$1
files=$(find "$build" -name '*.gcda' -not -path "$build/tests/*" -not -path "$build/bench/*" \
    -not -path "$build/tools/*")
[ -n "$files" ] || {
    echo "coverage.sh: no .gcda files in $build" >&2
    exit 1
}
# gcov says "File 'core/box.c'" and then "Lines executed:97.5% of 40", for headers too.
# shellcheck disable=SC2086 # a list of paths without blanks
gcov -n -r $files 2>/dev/null | awk -F"'" '
    /^File / { file = $2 }
    /^Lines executed:/ && file ~ /\.c$/ && !(file in done) {
        done[file] = 1
        folder = file
        sub(/\/[^\/]*$/, "", folder)
        split($0, part, /[:% ]+/)
        n = part[5]
        lines[folder] += n
        hit[folder] += n * part[3] / 100
    }
    END {
        for (f in lines) {
            printf "%-16s %5.1f %% of %5d lines\n", f, 100 * hit[f] / lines[f], lines[f] | "sort"
            all += lines[f]
            all_hit += hit[f]
        }
        close("sort")
        printf "%-16s %5.1f %% of %5d lines\n", "all", 100 * all_hit / all, all
    }'
