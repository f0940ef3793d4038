#!/bin/sh
# Runs every test program below a build folder and prints its own report. The last line counts
# them and what was left out: the programs' lines "skipped: REASON".
# usage: run-tests.sh build/release [name-part...]
set -u
top=$1
shift
passed=0 failed=0 names=
skips=$(mktemp) || exit 1
trap 'rm -f "$skips"' EXIT

for program in "$top"/tests/*/test_* "$top"/tests/*/*/test_*; do
    case $program in *.o | *.d | *.gcno | *.gcda) continue ;; esac
    [ -x "$program" ] || continue
    if [ $# -gt 0 ]; then
        hit=
        for part; do case $program in *"$part"*) hit=1 ;; esac; done
        [ -n "$hit" ] || continue
    fi
    if out=$("$program" 2>&1); then
        passed=$((passed + 1))
        printf '%s\n' "$out" | tail -n 3
    else
        failed=$((failed + 1))
        names="$names ${program##*/}"
        printf '%s\n' "$out"
    fi
    printf '%s\n' "$out" | sed -n 's/^skipped: //p' | sort -u >> "$skips"
done
case ${CK_EXCLUDE_TAGS-} in *slow*) echo 'tests tagged slow (QUICK=1)' >> "$skips" ;; esac

# "REASON" or "3 x REASON", the most frequent first; folders of ../shared count as one reason.
reasons=$(sed 's|\.\./shared/[^ ]*|../shared/...|' "$skips" | sort | uniq -c | sort -rn |
    awk '{ n = $1; sub(/^ *[0-9]+ /, ""); printf "%s%s%s", (NR > 1 ? "; " : ""),
           (n > 1 ? n " x " : ""), $0 }')
skipped=$(wc -l < "$skips")
[ -z "$names" ] || echo "failed:$names"
echo "$passed passed, $failed failed, $((skipped)) skipped${reasons:+ ($reasons)}"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
