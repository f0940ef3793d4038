/* toy_backbone.h - the backbone of the test of docs/adding-a-module.md
 */
#ifndef DP_TESTS_TOY_TOY_BACKBONE_H
#define DP_TESTS_TOY_TOY_BACKBONE_H

#include "backbone/backbone.h"

extern const dp_backbone_def dp_backbone_toy;

#endif
