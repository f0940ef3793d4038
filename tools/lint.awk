# What a C file must keep to, by its text alone: the layers of its includes, banned calls,
# lengths. usage: awk -f tools/lint.awk FILE...
# A line whose comment says "lint: REASON" may call what it calls.
# The layers are the tables of docs/architecture.md. Prints "FILE:LINE: what is wrong".

BEGIN {
    read_tables("docs/architecture.md")

    banned = "strcpy strcat sprintf vsprintf strtok atoi atol atof rand srand exit _exit " \
             "abort printf vprintf puts putchar perror getenv system gets"
    heap = "malloc calloc realloc free strdup strndup posix_memalign aligned_alloc"
    split(banned, b, " ")
    for (i in b)
        is_banned[b[i]] = 1
    split(heap, h, " ")
    for (i in h)
        is_heap[h[i]] = 1
}

FNR == 1 {
    finish_file()
    file = FILENAME
    folder = file
    sub(/\/[^\/]*$/, "", folder)
    row = file in may ? file : folder
    in_library = folder in may
    in_comment = 0
    in_function = 0
    signature = ""
}

{ lines = FNR }

/^#include "/ {
    split($0, part, "\"")
    if (row in may && !allowed(part[2]))
        say("includes " part[2] "; " row " may include only: " may[row])
}

/^#include </ && row in may {
    split($0, part, /[<>]/)
    for (header in home)
        if (index(part[2], header) == 1 && !listed(folder, home[header]))
            say("includes " part[2] ", which belongs in: " home[header])
}

# A comment behind code ends in its line; a longer one stands above.
/[^ (].*\/\*/ && !/\*\// && $0 !~ /^ *\/\*/ && $0 !~ /"[^"]*\/\*/ {
    say("a comment behind code goes on in the next line")
}

{
    code = strip($0)

    if (in_library && !index($0, "/* lint: ")) {
        rest = code
        while (match(rest, /[A-Za-z_][A-Za-z_0-9]*[ ]*\(/)) {
            name = substr(rest, RSTART, RLENGTH)
            before = RSTART > 1 ? substr(rest, RSTART - 1, 1) : ""
            gsub(/[ (]/, "", name)
            if (before != "." && before != ">") {
                if (name in is_banned)
                    say("calls " name ", which the library must not")
                if (name in is_heap && folder != "base")
                    say("calls " name "; the heap is used through base/memory.h")
            }
            rest = substr(rest, RSTART + RLENGTH)
        }
    }

    # A function's braces stand in the first column.
    if (code ~ /^\{/) {
        in_function = 1
        start = FNR
    } else if (code ~ /^\}/ && in_function) {
        if (FNR - start + 1 > 60)
            print file ": " function_name(signature) " has " (FNR - start + 1) " lines; at most 60"
        in_function = 0
        signature = ""
    } else if (!in_function) {
        if (code ~ /^[#}]|;[ ]*$/ || code ~ /^END_TEST/)
            signature = ""
        else
            signature = signature " " code
    }
}

END { finish_file() }

function finish_file()
{
    if (file != "" && lines > 600)
        print file ": " lines " lines; at most 600"
}

# Rows "| `folder/` ... | text | `what/` `it/` `may/` |" of the two tables: `may` from the
# section Folders, `home` from the section Libraries. A row may name several files.
function read_tables(path,    line, section, cell, key, keys, n, i)
{
    while ((getline line < path) > 0) {
        if (line ~ /^## /)
            section = substr(line, 4)
        if (line !~ /^\| `/)
            continue
        split(line, cell, "|")
        n = split(plain(cell[2]), keys, " ")
        for (i = 1; i <= n; i++) {
            if (section == "Folders")
                may[keys[i]] = plain(cell[4]) " " keys[i]
            if (section == "Libraries")
                home[keys[i]] = plain(cell[4])
        }
    }
    close(path)
}

# What stands in backquotes, without the slash at the end.
function plain(text,    out)
{
    out = ""
    while (match(text, /`[^`]*`/)) {
        out = out " " substr(text, RSTART + 1, RLENGTH - 2)
        text = substr(text, RSTART + RLENGTH)
    }
    gsub(/\/( |$)/, " ", out)
    gsub(/^ +| +$/, "", out)
    gsub(/ +/, " ", out)
    return out
}

function say(text)
{
    print file ":" FNR ": " text
}

function listed(word, list)
{
    return index(" " list " ", " " word " ") > 0
}

function allowed(path,    of)
{
    if (listed(path, may[row]))
        return 1
    of = path
    sub(/\/[^\/]*$/, "", of)
    return listed(of, may[row])
}

# The line without comments, and with strings and characters emptied.
function strip(line,    out, c, next_c, quote, i)
{
    out = ""
    for (i = 1; i <= length(line); i++) {
        c = substr(line, i, 1)
        next_c = substr(line, i + 1, 1)
        if (in_comment) {
            if (c == "*" && next_c == "/") {
                in_comment = 0
                i++
            }
        } else if (c == "/" && next_c == "*") {
            in_comment = 1
            i++
        } else if (c == "\"" || c == "'") {
            quote = c
            out = out c
            for (i++; i <= length(line) && substr(line, i, 1) != quote; i++)
                if (substr(line, i, 1) == "\\")
                    i++
            out = out quote
        } else {
            out = out c
        }
    }
    return out
}

function function_name(text)
{
    if (match(text, /START_TEST\(/))
        text = substr(text, RSTART + RLENGTH)
    else if (match(text, /[A-Za-z_][A-Za-z_0-9]*\(/))
        text = substr(text, RSTART)
    match(text, /[A-Za-z_][A-Za-z_0-9]*/)
    return substr(text, RSTART, RLENGTH)
}
