#!/bin/sh
# The manual page: a template with the commands' own --help in its place.
# usage: man.sh PROGRAM TEMPLATE VERSION DATADIR
set -eu
program=$1 template=$2 version=$3 datadir=$4

commands() {
    "$program" help | awk '/^  [a-z0-9]/ { print $1 }' | while read -r command; do
        "$program" "$command" --help | awk '
            function roff(text) {
                gsub(/\\/, "\\e", text)
                gsub(/-/, "\\-", text)
                if (text ~ /^[.'"'"']/) text = "\\&" text
                return text
            }
            /^usage: / { sub(/^usage: /, ""); print ".SS " roff($0); next }
            /^  / {
                # "  -w, --weights FILE  what it does"
                line = substr($0, 3)
                sub(/^ +/, "", line)
                cut = match(line, /  +/)
                print ".TP"
                print ".B " roff(substr(line, 1, cut - 1))
                sub(/^ +/, "", line)
                print roff(substr(line, cut + RLENGTH))
                next
            }
            /^$/ { print ".PP"; next }
            { print roff($0) }'
    done
}

commands=$(commands)
while IFS= read -r line; do
    case $line in
    @COMMANDS@) printf '%s\n' "$commands" ;;
    *) printf '%s\n' "$line" ;;
    esac
done <"$template" | sed "s|@VERSION@|$version|; s|@DATADIR@|$datadir|"
