/* encoded.h - JPEG and PNG files made in memory, of every kind the readers must know
 */
#ifndef DP_TESTS_ENCODED_H
#define DP_TESTS_ENCODED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Made with malloc: release `data` with free. */
typedef struct encoded {
    unsigned char *data;
    size_t size;
} encoded;

typedef struct png_kind {
    int w, h;
    int bits;  /* 1, 2, 4, 8, 16 */
    int color; /* the number in IHDR: 0 grey, 2 RGB, 3 palette, 4 grey alpha, 6 RGBA */
    bool interlaced;
    const uint8_t *rows; /* h rows as PNG packs them */
    const uint8_t *palette;
    int colours;
} png_kind;

encoded encode_png(const png_kind *kind);

/* Where the first chunk of this type starts, that is its length. Fails the test if
 * there is none. */
size_t find_chunk(const encoded *png, const char *type);

/* Put a chunk with a right checksum in at `at`, which is where another starts. */
void insert_chunk(encoded *png, size_t at, const char *type, const void *data,
                  size_t size);

/* Write the right checksum into the chunk that starts at `at`. */
void fix_checksum(encoded *png, size_t at);

typedef struct jpeg_kind {
    int w, h;
    int channels; /* 1 grey, 2 unknown, 3 RGB, 4 CMYK                                 */
    const uint8_t *pixels; /* h rows of w * channels bytes                          */
    int quality;
    bool progressive, arithmetic, full_chroma;
    bool inverted_adobe; /* of 4 channels: store YCCK, as Adobe does                */
    int restart_rows;
    const void *app1; /* written as an APP1 segment; NULL for none                  */
    size_t app1_size;
} jpeg_kind;

encoded encode_jpeg(const jpeg_kind *kind);

/* Put bytes in at `at`. */
void insert_bytes(encoded *file, size_t at, const void *bytes, size_t size);

/* A TIFF header with one entry, the orientation: what an Exif block holds. 26 bytes. */
enum { TIFF_SIZE = 26 };
void make_tiff(uint8_t tiff[TIFF_SIZE], int orientation, bool big_endian);

#endif
