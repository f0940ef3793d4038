/* densepred completion - scripts with which a shell completes command lines
 *
 * Everything in them comes from the commands' tables of options, but for the names of
 * models: those the script asks of `densepred models` when they are wanted.
 */
#include "base/text.h"
#include "cli/cli.h"
#include "cli/eval_ade20k.h"
#include "cli/eval_coco.h"
#include "cli/options.h"

#include <stdio.h>
#include <string.h>

typedef struct command {
    const char *name, *summary; /* "eval coco" for an evaluator */
    int (*run)(int argc, char **argv);
} command;

static const command commands[] = {
#define COMMAND(name, summary) {#name, summary, dp_cli_##name},
#include "cli/commands.def"
#undef COMMAND
};

static const command kinds[] = {
#define KIND(name, summary) {"eval " #name, summary, dp_cli_eval_##name},
#include "cli/eval_kinds.def"
#undef KIND
};

enum {
    COMMANDS = sizeof commands / sizeof *commands,
    KINDS = sizeof kinds / sizeof *kinds
};

/* What may follow an option, or stand as an argument. */
typedef enum guess { NOTHING, FILES, MODELS, CHOICES } guess;

static guess guess_value(const dp_option *o)
{
    static const char *const files[] = {"FILE", "DIR", "PATH", "CHECKPOINT"};
    if (o->kind == DP_OPTION_CHOICE)
        return CHOICES;
    if (!o->value || o->kind == DP_OPTION_ALIAS)
        return NOTHING;
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        if (strcmp(o->value, files[i]) == 0)
            return FILES;
    return strcmp(o->value, "MODEL") == 0 ? MODELS : NOTHING;
}

/* The place of MODEL among "CHECKPOINT [MODEL]"; -1: there is none. */
static int model_place(const char *arguments)
{
    int place = 0;
    for (const char *at = arguments; *at; place++) {
        const size_t size = strcspn(at, " ");
        if (strncmp(at + (*at == '['), "MODEL", 5) == 0)
            return place;
        at += size + (at[size] == ' ');
    }
    return -1;
}

/* "ref avx2 avx512" of "ref|avx2|avx512". */
static void add_choices(dp_text *out, const char *choices)
{
    for (; *choices; choices++)
        dp_text_add(out, "%c", *choices == '|' ? ' ' : *choices);
}

/* Help in single quotes, as all three shells read them; colons end a word for zsh. */
static void add_quoted(dp_text *out, const char *text, bool colons)
{
    for (; *text; text++)
        if (*text == '\'')
            dp_text_add(out, "’");
        else
            dp_text_add(out, "%s%c", *text == ':' && colons ? "\\" : "", *text);
}

/* Call each command for its table: those of `kinds` instead of "eval". */
static void visit_all(dp_usage_fn *visit, void *arg)
{
    char name[16];
    char *argv[] = {name, NULL};
    dp_options_visit(visit, arg);
    for (size_t i = 0; i < COMMANDS; i++) {
        snprintf(name, sizeof name, "%s", commands[i].name);
        if (strcmp(name, "eval") != 0)
            commands[i].run(1, argv);
    }
    for (size_t i = 0; i < KINDS; i++) {
        snprintf(name, sizeof name, "%s", kinds[i].name);
        kinds[i].run(1, argv);
    }
    dp_options_visit(NULL, NULL);
}

/* ---- bash ---------------------------------------------------------------------- */

/* The options that take a value, between blanks. */
static void add_valued(dp_text *out, const dp_usage *usage)
{
    dp_text_add(out, "valued=' ");
    for (const dp_option *o = usage->options; o->name; o++) {
        if (o->value)
            dp_text_add(out, "--%s ", o->name);
        if (o->value && o->letter)
            dp_text_add(out, "-%c ", o->letter);
    }
    dp_text_add(out, "'");
}

/* A command's options, those with a value, the place of MODEL. */
static void add_bash_command(void *arg, const dp_usage *usage)
{
    dp_text *out = arg;
    dp_text_add(out, "    '%s')\n        options='--help", usage->name);
    for (const dp_option *o = usage->options; o->name; o++)
        dp_text_add(out, " --%s", o->name);
    dp_text_add(out, "' ");
    add_valued(out, usage);
    dp_text_add(out, " model=%d\n        case $prev in\n",
                model_place(usage->arguments));
    for (const dp_option *o = usage->options; o->name; o++) {
        if (guess_value(o) == NOTHING || guess_value(o) == FILES)
            continue;
        dp_text_add(out, "        --%s) words=", o->name);
        if (guess_value(o) == MODELS) {
            dp_text_add(out, "$(densepred models 2>/dev/null) ;;\n");
        } else {
            dp_text_add(out, "'");
            add_choices(out, o->value);
            dp_text_add(out, "' ;;\n");
        }
    }
    if (strchr(usage->arguments, '|')) {
        dp_text_add(out, "        %s) words='", usage->name);
        add_choices(out, usage->arguments);
        dp_text_add(out, "' ;;\n");
    }
    dp_text_add(out, "        esac ;;\n");
}

static void add_names(dp_text *out)
{
    for (size_t i = 0; i < COMMANDS; i++)
        dp_text_add(out, "%s%s", i ? " " : "", commands[i].name);
}

static void add_kinds(dp_text *out)
{
    for (size_t i = 0; i < KINDS; i++)
        dp_text_add(out, "%s%s", i ? " " : "", kinds[i].name + strlen("eval "));
}

/* An empty reply leaves it to bash, which offers files. */
static void add_bash(dp_text *out)
{
    dp_text_add(out,
                "# bash completion of densepred\n"
                "_densepred() {\n"
                "    local cur=${COMP_WORDS[COMP_CWORD]} "
                "prev=${COMP_WORDS[COMP_CWORD-1]}\n"
                "    local command=${COMP_WORDS[1]} first=2 options='' valued='' "
                "model=-1 words='' i place=0\n"
                "    COMPREPLY=()\n"
                "    if ((COMP_CWORD == 1)) || [[ $command == help && COMP_CWORD -eq "
                "2 ]]; then\n        COMPREPLY=($(compgen -W '");
    add_names(out);
    dp_text_add(out, " help --version' -- \"$cur\"))\n        return\n    fi\n"
                     "    if [[ $command == eval || $command == help ]]; then\n"
                     "        if ((COMP_CWORD == 2)) || [[ $command == help && "
                     "${COMP_WORDS[2]} == eval ]]; then\n"
                     "            COMPREPLY=($(compgen -W '");
    add_kinds(out);
    dp_text_add(out, "' -- \"$cur\"))\n            return\n        fi\n"
                     "        command=\"eval ${COMP_WORDS[2]}\" first=3\n    fi\n"
                     "    case $command in\n");
    visit_all(add_bash_command, out);
    dp_text_add(
        out,
        "    esac\n"
        "    for ((i = first; i < COMP_CWORD; i++)); do\n"
        "        [[ ${COMP_WORDS[i]} == -* ]] && continue\n"
        "        [[ $valued == *\" ${COMP_WORDS[i-1]} \"* ]] || place=$((place + 1))\n"
        "    done\n"
        "    if [[ -z $words && $valued == *\" $prev \"* ]]; then\n"
        "        return\n"
        "    elif [[ -z $words && $cur == -* ]]; then\n"
        "        words=$options\n"
        "    elif [[ -z $words && $place -eq $model ]]; then\n"
        "        words=$(densepred models 2>/dev/null)\n"
        "    fi\n"
        "    COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n"
        "}\n"
        "complete -o bashdefault -o default -F _densepred densepred\n");
}

/* ---- zsh ----------------------------------------------------------------------- */

static void add_zsh_command(void *arg, const dp_usage *usage)
{
    dp_text *out = arg;
    dp_text_add(out, "    '%s')\n        model=%d options=('--help:this text'",
                usage->name, model_place(usage->arguments));
    for (const dp_option *o = usage->options; o->name; o++) {
        dp_text_add(out, " \\\n            '--%s:", o->name);
        add_quoted(out, o->help, true);
        dp_text_add(out, "'");
    }
    dp_text_add(out, ")\n        ");
    add_valued(out, usage);
    dp_text_add(out, "\n        case $prev in\n");
    for (const dp_option *o = usage->options; o->name; o++) {
        if (!o->value)
            continue;
        dp_text_add(out, "        --%s", o->name);
        if (o->letter)
            dp_text_add(out, "|-%c", o->letter);
        dp_text_add(out, ") ");
        switch (guess_value(o)) {
        case CHOICES:
            dp_text_add(out, "compadd -- ");
            add_choices(out, o->value);
            break;
        case MODELS:
            dp_text_add(out, "compadd -- ${(f)\"$(densepred models 2>/dev/null)\"}");
            break;
        case FILES:
            dp_text_add(out, "_files");
            break;
        case NOTHING:
            dp_text_add(out, ":");
        }
        dp_text_add(out, "; return ;;\n");
    }
    if (strchr(usage->arguments, '|')) {
        dp_text_add(out, "        %s) compadd -- ", usage->name);
        add_choices(out, usage->arguments);
        dp_text_add(out, "; return ;;\n");
    }
    dp_text_add(out, "        esac ;;\n");
}

static void add_zsh(dp_text *out)
{
    dp_text_add(
        out,
        "#compdef densepred\n"
        "_densepred() {\n"
        "    local command=${words[2]} prev=${words[CURRENT-1]} model=-1 valued='' "
        "first=3 i place=0\n"
        "    local -a options commands\n"
        "    commands=(");
    for (size_t i = 0; i < COMMANDS; i++) {
        dp_text_add(out, "\n        '%s:", commands[i].name);
        add_quoted(out, commands[i].summary, true);
        dp_text_add(out, "'");
    }
    dp_text_add(out, "\n        'help:what a command does')\n"
                     "    if ((CURRENT == 2)) || [[ $command == help && $CURRENT -eq 3 "
                     "]]; then\n"
                     "        _describe command commands\n        return\n    fi\n"
                     "    if [[ $command == eval ]]; then\n"
                     "        if ((CURRENT == 3)); then\n            compadd -- ");
    add_kinds(out);
    dp_text_add(out, "\n            return\n        fi\n"
                     "        command=\"eval ${words[3]}\" first=4\n    fi\n"
                     "    case $command in\n");
    visit_all(add_zsh_command, out);
    dp_text_add(out,
                "    esac\n"
                "    for ((i = first; i < CURRENT; i++)); do\n"
                "        [[ ${words[i]} == -* || $valued == *\" ${words[i-1]} \"* ]] "
                "|| ((place += 1))\n"
                "    done\n"
                "    if [[ ${words[CURRENT]} == -* ]]; then\n"
                "        _describe option options\n"
                "    else\n"
                "        ((place == model)) && compadd -- ${(f)\"$(densepred models "
                "2>/dev/null)\"}\n"
                "        _files\n"
                "    fi\n"
                "}\n"
                "if [[ $funcstack[1] == _densepred ]]; then\n    _densepred \"$@\"\n"
                "else\n    compdef _densepred densepred\nfi\n");
}

/* ---- fish ---------------------------------------------------------------------- */

static void add_fish_command(void *arg, const dp_usage *usage)
{
    dp_text *out = arg;
    const char *kind = strchr(usage->name, ' ');
    char when[100];
    snprintf(when, sizeof when, "__fish_seen_subcommand_from %.*s%s%s",
             (int)strcspn(usage->name, " "), usage->name,
             kind ? "; and __fish_seen_subcommand_from" : "", kind ? kind : "");
    for (const dp_option *o = usage->options; o->name; o++) {
        dp_text_add(out, "complete -c densepred -n '%s' -l %s", when, o->name);
        if (o->letter)
            dp_text_add(out, " -s %c", o->letter);
        const guess g = guess_value(o);
        if (o->value)
            dp_text_add(out, g == FILES ? " -r" : " -x");
        if (g == CHOICES) {
            dp_text_add(out, " -a '");
            add_choices(out, o->value);
            dp_text_add(out, "'");
        } else if (g == MODELS) {
            dp_text_add(out, " -a '(densepred models 2>/dev/null)'");
        }
        dp_text_add(out, " -d '");
        add_quoted(out, o->help, false);
        dp_text_add(out, "'\n");
    }
    if (model_place(usage->arguments) >= 0) /* until one is given */
        dp_text_add(out,
                    "complete -c densepred -n '%s; and not __fish_seen_subcommand_from "
                    "(densepred models 2>/dev/null)' -a '(densepred models "
                    "2>/dev/null)'\n",
                    when);
}

static void add_fish(dp_text *out)
{
    dp_text_add(out, "# fish completion of densepred\n");
    for (size_t i = 0; i < COMMANDS; i++) {
        dp_text_add(out, "complete -c densepred -n __fish_use_subcommand -f -a %s -d '",
                    commands[i].name);
        add_quoted(out, commands[i].summary, false);
        dp_text_add(out, "'\n");
    }
    dp_text_add(out,
                "complete -c densepred -n __fish_use_subcommand -f -a help\n"
                "complete -c densepred -n '__fish_seen_subcommand_from help' -f -a '");
    add_names(out);
    dp_text_add(out,
                "'\ncomplete -c densepred -n '__fish_seen_subcommand_from "
                "completion' -f -a 'bash zsh fish'\n"
                "complete -c densepred -n '__fish_seen_subcommand_from eval; and not "
                "__fish_seen_subcommand_from ");
    add_kinds(out);
    dp_text_add(out, "' -f -a '");
    add_kinds(out);
    dp_text_add(out, "'\n");
    visit_all(add_fish_command, out);
}

/* ---- the command --------------------------------------------------------------- */

static const struct {
    const char *name;
    void (*add)(dp_text *out);
} shells[] = {{"bash", add_bash}, {"zsh", add_zsh}, {"fish", add_fish}};

static int print(void (*add)(dp_text *out))
{
    dp_error err = {0};
    dp_text text = {.err = &err};
    add(&text);
    const dp_status st = text.status;
    if (st == DP_OK)
        fputs(dp_text_get(&text), stdout);
    dp_text_done(&text);
    return st == DP_OK ? DP_EXIT_OK : dp_cli_fail(&err, DP_SUBJECT_OUTPUT);
}

int dp_cli_completion(int argc, char **argv)
{
    const dp_option options[] = {DP_OPTIONS_END};
    const dp_usage usage =
        DP_USAGE("completion", "bash|zsh|fish", 1, 1, options,
                 "Prints a script that makes the shell complete command lines, such as "
                 "source <(densepred completion bash).");
    dp_arguments args;
    const int status = dp_options_parse(&usage, argc, argv, &args);
    if (status != DP_OPTIONS_GO_ON)
        return status;
    for (size_t i = 0; i < sizeof shells / sizeof *shells; i++)
        if (strcmp(args.item[0], shells[i].name) == 0)
            return print(shells[i].add);
    return dp_cli_usage("completion: found %s, expected bash, zsh or fish",
                        args.item[0]);
}
