#include "tests/support/stored_images.h"

#include "tests/support/shared.h"

#include <check.h>
#include <stdlib.h>

uint8_t *stored_image_load(const char *path, dp_size *size)
{
    const npy a = npy_load(path);
    ck_assert(a.rank == 3 && a.shape[2] == 3);
    uint8_t *image = malloc(a.count);
    ck_assert_ptr_nonnull(image);
    for (size_t i = 0; i < a.count; i++)
        image[i - i % 3 + (2 - i % 3)] = (uint8_t)a.values[i];
    *size = (dp_size){a.shape[0], a.shape[1]};
    free(a.values);
    return image;
}

void stored_image_expect(const uint8_t *got, const double *want, dp_size size,
                         const char *what)
{
    for (size_t i = 0; i < (size_t)size.h * (size_t)size.w * 3; i++) {
        const int value = got[i - i % 3 + (2 - i % 3)];
        ck_assert_msg(value == (int)want[i], "%s: byte %zu is %d, not %d", what, i,
                      value, (int)want[i]);
    }
}
