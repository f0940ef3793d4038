#include "cli/options.h"

#include "base/nearest.h"
#include "cli/cli.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- help ------------------------------------------------------------------ */

void dp_options_help(const dp_usage *usage)
{
    printf("usage: densepred %s%s%s [options]\n\n%s\n\n", usage->name,
           *usage->arguments ? " " : "", usage->arguments, usage->about);
    for (const dp_option *o = usage->options; o->name; o++) {
        char left[64];
        const char *value = o->value && o->kind != DP_OPTION_ALIAS ? o->value : "";
        snprintf(left, sizeof left, "--%s%s%s", o->name, *value ? " " : "", value);
        const char dash = o->letter ? '-' : ' ', comma = o->letter ? ',' : ' ';
        printf("  %c%c%c %-24s  %s\n", dash, o->letter ? o->letter : ' ', comma, left,
               o->help);
    }
    printf("  -h, %-24s  %s\n", "--help", "this text");
}

/* ---- values ---------------------------------------------------------------- */

static bool is_choice(const char *choices, const char *word)
{
    const size_t length = strlen(word);
    while (choices) {
        if (strncmp(choices, word, length) == 0 &&
            (choices[length] == '|' || choices[length] == '\0'))
            return true;
        choices = strchr(choices, '|');
        choices = choices ? choices + 1 : NULL;
    }
    return false;
}

static int wrong_number(const dp_option *o, const char *value)
{
    return dp_cli_usage("--%s: found \"%s\", expected %s from %.9g to %.9g", o->name,
                        value, o->kind == DP_OPTION_INT ? "an integer" : "a number",
                        o->min, o->max);
}

static int set_int(const dp_option *o, const char *value)
{
    char *end;
    const long number = strtol(value, &end, 10);
    if (end == value || *end || (double)number < o->min || (double)number > o->max)
        return wrong_number(o, value);
    *(int *)o->target = (int)number;
    return DP_OPTIONS_GO_ON;
}

static int set_float(const dp_option *o, const char *value)
{
    char *end;
    const double number = strtod(value, &end);
    if (end == value || *end || !(number >= o->min && number <= o->max))
        return wrong_number(o, value);
    *(double *)o->target = number;
    return DP_OPTIONS_GO_ON;
}

int dp_option_list_add(dp_option_list *list, const char *name, const char *value)
{
    if (list->count == DP_MAX_OPTION_LIST)
        return dp_cli_usage("--%s: found more than %d of them", name,
                            DP_MAX_OPTION_LIST);
    list->item[list->count++] = value;
    return DP_OPTIONS_GO_ON;
}

int dp_option_list_set(dp_option_list *list, const char *key, double value)
{
    if (isnan(value))
        return DP_OPTIONS_GO_ON;
    const int status = dp_option_list_add(list, "set", "");
    if (status != DP_OPTIONS_GO_ON)
        return status;
    char *text = list->made[list->count - 1];
    for (int digits = 9; digits <= 17; digits += 4) { /* the fewest that read back */
        const int at = snprintf(text, sizeof list->made[0], "%s=", key);
        snprintf(text + at, sizeof list->made[0] - (size_t)at, "%.*g", digits, value);
        if (!(strtod(text + at, NULL) < value || strtod(text + at, NULL) > value))
            break;
    }
    list->item[list->count - 1] = text;
    return status;
}

static int set_option(const dp_option *o, const char *value)
{
    switch (o->kind) {
    case DP_OPTION_FLAG:
        *(bool *)o->target = true;
        break;
    case DP_OPTION_CHOICE:
        if (!is_choice(o->value, value))
            return dp_cli_usage("--%s: found \"%s\", expected one of %s", o->name,
                                value, o->value);
        *(const char **)o->target = value;
        break;
    case DP_OPTION_TEXT:
        *(const char **)o->target = value;
        break;
    case DP_OPTION_INT:
        return set_int(o, value);
    case DP_OPTION_FLOAT:
        return set_float(o, value);
    case DP_OPTION_LIST:
        return dp_option_list_add(o->target, o->name, value);
    case DP_OPTION_ALIAS: /* is resolved before */
        break;
    }
    return DP_OPTIONS_GO_ON;
}

/* ---- command lines --------------------------------------------------------- */

typedef struct parser {
    const dp_usage *usage;
    int argc, at; /* at: the next of argv to look at */
    char **argv;
} parser;

static int unknown_option(const dp_usage *usage, const char *name, size_t length)
{
    char word[80];
    snprintf(word, sizeof word, "%.*s", (int)(length < 64 ? length : 64), name);
    dp_nearest nearest = {.word = word};
    dp_nearest_offer(&nearest, "help");
    for (const dp_option *o = usage->options; o->name; o++)
        dp_nearest_offer(&nearest, o->name);
    if (nearest.best)
        return dp_cli_usage("--%s: unknown option, did you mean --%s?", word,
                            nearest.best);
    return dp_cli_usage("--%s: unknown option, see densepred %s --help", word,
                        usage->name);
}

static int help_and_leave(const dp_usage *usage)
{
    dp_options_help(usage);
    return DP_EXIT_OK;
}

/* The option's value is the next of argv. */
static int set_from_next(parser *p, const dp_option *o)
{
    if (p->at == p->argc)
        return dp_cli_usage("--%s needs a value: %s", o->name, o->value);
    return set_option(o, p->argv[p->at++]);
}

/* By its name or by an alias; NULL when there is none. */
static const dp_option *find_option(const dp_usage *usage, const char *name,
                                    size_t length)
{
    for (const dp_option *o = usage->options; o->name; o++)
        if (strlen(o->name) == length && strncmp(o->name, name, length) == 0)
            return o->kind == DP_OPTION_ALIAS
                       ? find_option(usage, o->value, strlen(o->value))
                       : o;
    return NULL;
}

/* "name" or "name=value", without the dashes. */
static int parse_long(parser *p, const char *text)
{
    const size_t length = strcspn(text, "=");
    const char *value = text[length] ? text + length + 1 : NULL;
    if (length == 4 && strncmp(text, "help", length) == 0 && !value)
        return help_and_leave(p->usage);

    const dp_option *o = find_option(p->usage, text, length);
    if (!o)
        return unknown_option(p->usage, text, length);
    if (o->kind == DP_OPTION_FLAG && value)
        return dp_cli_usage("--%s takes no value", o->name);
    if (o->kind == DP_OPTION_FLAG || value)
        return set_option(o, value);
    return set_from_next(p, o);
}

/* Joined flags, the last of which may take a value. */
static int parse_short(parser *p, const char *text)
{
    for (; *text; text++) {
        const dp_option *o = p->usage->options;
        while (o->name && o->letter != *text)
            o++;
        if (!o->name && *text == 'h')
            return help_and_leave(p->usage);
        if (!o->name)
            return dp_cli_usage("-%c: unknown option, see densepred %s --help", *text,
                                p->usage->name);
        if (o->kind != DP_OPTION_FLAG)
            return text[1] ? set_option(o, text + 1) : set_from_next(p, o);
        const int status = set_option(o, NULL);
        if (status != DP_OPTIONS_GO_ON)
            return status;
    }
    return DP_OPTIONS_GO_ON;
}

static int check_count(const dp_usage *usage, int count)
{
    if (count >= usage->least && (usage->most < 0 || count <= usage->most))
        return DP_OPTIONS_GO_ON;
    return dp_cli_usage("%s: found %d argument%s, expected %s; see densepred %s --help",
                        usage->name, count, count == 1 ? "" : "s",
                        *usage->arguments ? usage->arguments : "none", usage->name);
}

/* Of the main thread, as the options are. */
static struct {
    dp_usage_fn *visit;
    void *arg;
} visitor;

void dp_options_visit(dp_usage_fn *visit, void *arg)
{
    visitor.visit = visit;
    visitor.arg = arg;
}

int dp_options_parse(const dp_usage *usage, int argc, char **argv, dp_arguments *args)
{
    if (visitor.visit) {
        visitor.visit(visitor.arg, usage);
        return DP_EXIT_OK;
    }
    parser p = {usage, argc, 1, argv};
    bool only_arguments = false;
    args->count = 0;
    args->item = argv + 1;

    while (p.at < argc) {
        char *text = argv[p.at++];
        int status = DP_OPTIONS_GO_ON;
        if (only_arguments || text[0] != '-' || !text[1])
            args->item[args->count++] = text;
        else if (strcmp(text, "--") == 0)
            only_arguments = true;
        else if (text[1] == '-')
            status = parse_long(&p, text + 2);
        else
            status = parse_short(&p, text + 1);
        if (status != DP_OPTIONS_GO_ON)
            return status;
    }
    return check_count(usage, args->count);
}
