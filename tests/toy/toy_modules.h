/* toy_modules.h - the modules of the test of docs/adding-a-module.md
 */
#ifndef DP_TESTS_TOY_TOY_MODULES_H
#define DP_TESTS_TOY_TOY_MODULES_H

#include "backbone/backbone.h"
#include "heads/head.h"

extern const dp_backbone_def dp_backbone_toy;
extern const dp_box_head_def dp_box_head_mean;

#endif
