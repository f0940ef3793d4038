/* misfit.h - what is said of a checkpoint that no shipped config fits
 */
#ifndef DP_CLI_MISFIT_H
#define DP_CLI_MISFIT_H

#include "base/text.h"
#include "model/fit.h"

/* Append "convnext, depths [3,3,9,3], dims [96,192,384,768]", without a line's end. */
void dp_misfit_add_backbone(dp_text *out, const dp_fit *fit);

/* Say on standard error what was found, and which parts are not known. DP_EXIT_MODEL. */
int dp_misfit_say(const char *checkpoint, const dp_fit *fit);

#endif
