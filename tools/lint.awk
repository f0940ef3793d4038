# What a C file must keep to, by its text alone: the layers of its includes, banned calls,
# lengths. usage: awk -f tools/lint.awk FILE...
# A line whose comment says "lint: REASON" may call what it calls.
# Prints "FILE:LINE: found X, expected Y"; lengths as "long KIND FILE[:FUNCTION] LINES",
# to be compared with tools/lint-budget.txt.

BEGIN {
    # A folder, and the folders and files that it may include besides itself.
    may["base"] = "base densepred/status.h"
    may["core"] = "base core"
    may["ops/kernels"] = "ops/kernels base/cpu.h"
    may["ops"] = "base core ops ops/kernels"
    may["io/checkpoint"] = "base core io/checkpoint"
    may["io/image"] = "base core ops ops/kernels io/image"
    may["io/data"] = "base core io/image io/data"
    may["backbone"] = "base core ops backbone"
    may["necks"] = "base core ops necks"
    may["postprocess"] = "base core ops/kernels postprocess"
    may["heads"] = "base core ops postprocess heads"
    may["model"] = "base core ops ops/kernels io/checkpoint io/image io/data backbone necks postprocess heads model densepred densepred.h"
    may["eval"] = "base core io/image io/data eval"
    may["report"] = "base core io/image io/data eval report"
    may["runner"] = "base core io/image io/data model runner"

    # Whose headers of other projects belong where.
    home["cjson/"] = "base core io/checkpoint io/data model"
    home["cblas.h"] = "ops"
    home["jpeglib.h"] = home["jerror.h"] = home["png.h"] = "io/image"
    home["zlib.h"] = "io/checkpoint runner"
    home["cairo"] = "report"

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
    in_library = folder in may
    in_comment = 0
    in_function = 0
    signature = ""
}

{ lines = FNR }

/^#include "/ {
    split($0, part, "\"")
    if (in_library && !allowed(part[2]))
        say("found an include of " part[2] ", expected " folder "/ to include only: " may[folder])
}

/^#include </ && in_library {
    split($0, part, /[<>]/)
    for (header in home)
        if (index(part[2], header) == 1 && !listed(folder, home[header]))
            say("found an include of " part[2] ", expected it only in: " home[header])
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
                    say("found a call of " name ", expected none in the library")
                if (name in is_heap && folder != "base")
                    say("found a call of " name ", expected the heap through base/memory.h")
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
            print "long function " file ":" function_name(signature) " " (FNR - start + 1)
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
        print "long file " file " " lines
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
    if (listed(path, may[folder]))
        return 1
    of = path
    sub(/\/[^\/]*$/, "", of)
    return listed(of, may[folder])
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
