# Sentences of more than 25 words, in the comments of C files and the prose of Markdown
# files. usage: awk -f tools/sentences.awk FILE...
# Tables, code and lists of items end a sentence.

FNR == 1 {
    finish()
    in_comment = in_code = 0
    markdown = FILENAME ~ /\.md$/
}

markdown {
    if ($0 ~ /^```/)
        in_code = !in_code
    if (in_code || $0 ~ /^(    |\||#|```|!|<)/ || $0 ~ /^ *$/)
        finish()
    else
        add($0)
    next
}

{
    line = $0
    while (line != "") {
        if (!in_comment) {
            start = index(line, "/*")
            if (start == 0)
                break
            line = substr(line, start + 2)
            in_comment = 1
        }
        end = index(line, "*/")
        comment(end ? substr(line, 1, end - 1) : line)
        line = end ? substr(line, end + 2) : ""
        if (end) {
            finish()
            in_comment = 0
        }
    }
}

END { finish() }

function comment(text)
{
    sub(/^ *\* ?/, "", text)
    if (text ~ /^ *$/ || text ~ /^  /)
        finish()
    if (text !~ /^  /)
        add(text)
}

function add(text,    words, n, i)
{
    if (text ~ /^ *([-*]|[0-9]+\.) /)
        finish()
    n = split(text, words, " ")
    for (i = 1; i <= n; i++) {
        if (length_of_sentence == 0)
            where = FILENAME ":" FNR
        if (words[i] ~ /[A-Za-z0-9]/)
            length_of_sentence++
        if (words[i] ~ /[.!?;:]["')`*]*$/)
            finish()
    }
}

function finish()
{
    if (length_of_sentence > 25)
        print where ": a sentence of " length_of_sentence " words; at most 25"
    length_of_sentence = 0
}
