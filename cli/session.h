/* session.h - a context with a model in it, for the commands that run one
 */
#ifndef DP_CLI_SESSION_H
#define DP_CLI_SESSION_H

#include "cli/load_log.h"
#include "cli/options.h"
#include "densepred.h"

typedef struct dp_session {
    dp_context *ctx;
    dp_model *model;
    dp_load_log log; /* of the context: a session stays where it was opened */
} dp_session;

/* Start a context by the common options. Says on standard error what is wrong; the exit
 * status. */
int dp_cli_start(dp_context **ctx, const dp_common_options *common);

/* Start a context by the common options and load MODEL with --weights into it. Says on
 * standard error what does not fit, and the exit status; DP_EXIT_OK: it is loaded.
 * `need_weights`: without --weights the model's shipped ones are loaded, and it refuses to
 * go on with random ones. `extra` is what else is asked of the
 * load; --partial, --weight-cache and --seed are added here. NULL: nothing. */
int dp_session_open(dp_session *s, const dp_common_options *common, const char *model,
                    bool need_weights, const dp_load_options *extra);

void dp_session_close(dp_session *s);

#endif
