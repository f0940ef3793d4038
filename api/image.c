/* include/densepred/image.h: decoded images. */
#define _POSIX_C_SOURCE 200809L
#include "api/image.h"

#include "base/memory.h"
#include "io/image/image.h"
#include "io/image/jpeg.h"
#include "io/image/png.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

enum { QUALITY = 90 };

dp_status dp_image_new(dp_context *ctx, dp_image **out)
{
    void *memory;
    const dp_status st = dp_alloc(&ctx->err, &memory, 1, sizeof(dp_image), "an image");
    *out = memory;
    return st;
}

dp_status dp_image_finish(dp_image **image, dp_status st)
{
    if (st != DP_OK) {
        dp_image_free(*image);
        *image = NULL;
    }
    return st;
}

dp_status dp_image_load(dp_context *ctx, dp_image **out, const char *path)
{
    const dp_status st = dp_image_new(ctx, out);
    return st != DP_OK
               ? st
               : dp_image_finish(out, dp_pixels_load(&ctx->err, &(*out)->pixels, path));
}

dp_status dp_image_decode(dp_context *ctx, dp_image **out, const void *bytes,
                          size_t size, const char *name)
{
    const dp_status st = dp_image_new(ctx, out);
    return st != DP_OK
               ? st
               : dp_image_finish(out, dp_pixels_decode(&ctx->err, &(*out)->pixels,
                                                       bytes, size, name));
}

/* Red, green, blue from blue, green, red, and the reverse. */
static void swap_row(uint8_t *to, const uint8_t *from, int width)
{
    for (int x = 0; x < width; x++, from += 3, to += 3) {
        to[0] = from[2];
        to[1] = from[1];
        to[2] = from[0];
    }
}

dp_status dp_image_from_rgb(dp_context *ctx, dp_image **out, const uint8_t *rgb,
                            int height, int width, size_t stride)
{
    dp_status st = dp_image_new(ctx, out);
    if (st == DP_OK)
        st = dp_image_finish(out,
                             dp_pixels_init(&ctx->err, &(*out)->pixels, height, width));
    if (st != DP_OK)
        return st;
    for (int y = 0; y < height; y++)
        swap_row((*out)->pixels.data + (size_t)y * (size_t)width * 3,
                 rgb + (size_t)y * stride, width);
    return DP_OK;
}

void dp_image_copy_rgb(const dp_image *image, uint8_t *rgb, size_t stride)
{
    const dp_pixels *p = &image->pixels;
    for (int y = 0; y < p->h; y++)
        swap_row(rgb + (size_t)y * stride, p->data + (size_t)y * (size_t)p->w * 3,
                 p->w);
}

static bool has_suffix(const char *path, const char *suffix)
{
    const size_t length = strlen(path), n = strlen(suffix);
    return length >= n && strcasecmp(path + length - n, suffix) == 0;
}

dp_status dp_image_save(dp_context *ctx, const dp_image *image, const char *path,
                        int quality)
{
    if (has_suffix(path, ".jpg") || has_suffix(path, ".jpeg"))
        return dp_jpeg_save(&ctx->err, path, &image->pixels,
                            quality == 0 ? QUALITY : quality);
    if (has_suffix(path, ".png"))
        return dp_png_save(&ctx->err, path, &image->pixels);
    return dp_fail(&ctx->err, DP_EARG, "%s: an image's name must end in .jpg or .png",
                   path);
}

int dp_image_is_named(const char *path)
{
    return dp_pixels_is_named(path);
}

int dp_image_height(const dp_image *image)
{
    return image->pixels.h;
}

int dp_image_width(const dp_image *image)
{
    return image->pixels.w;
}

void dp_image_free(dp_image *image)
{
    if (!image)
        return;
    dp_pixels_done(&image->pixels);
    dp_free(image);
}
