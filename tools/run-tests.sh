#!/bin/sh
# Runs every test program below a build folder, the program's own report for each, and
# closes with a count. usage: run-tests.sh build/release [name-part...]
set -u
top=$1
shift
passed=0 failed=0 names=

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
done
[ -z "$names" ] || echo "failed:$names"
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
