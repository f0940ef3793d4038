/* tiny_classifier.h - a classifier whose answer is known: its weights are zero but for the
 * biases of the last layer, which are the logits of every image
 */
#ifndef DP_TESTS_SUPPORT_TINY_CLASSIFIER_H
#define DP_TESTS_SUPPORT_TINY_CLASSIFIER_H

enum { TINY_CLASSES = 6 };

/* Write tiny/config.json, tiny/classes.json and tiny/model.safetensors into the scratch
 * folder (scratch.h). The classes are "class a" to "class f", numbered 10 to 15; `resize`
 * is the config's input.resize, and the input is 32 pixels wide. */
void tiny_classifier_write(const float logits[TINY_CLASSES], const char *resize);

#endif
