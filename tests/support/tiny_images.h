/* tiny_images.h - a data set of classes that a network of a few channels can learn
 *
 * Images are noise around a colour of their class, the same on every machine.
 */
#ifndef DP_TESTS_SUPPORT_TINY_IMAGES_H
#define DP_TESTS_SUPPORT_TINY_IMAGES_H

/* Write FOLDER/train/CLASS/NAME.png and FOLDER/val/CLASS/NAME.png into the scratch folder
 * (scratch.h): `classes` classes "a", "b", ..., of `train` and `val` images of side x side. */
void tiny_images_write(const char *folder, int classes, int train, int val, int side);

#endif
