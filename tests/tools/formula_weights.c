/* formula_weights - the weights of a full-size reference case, as a checkpoint
 *
 * usage: formula_weights CASE_DIR OUT.pth
 *
 * CASE_DIR/weights.json gives every tensor's name, shape, center and scale; element i of
 * a tensor follows from its name and i by a hash. Few tensors come from
 * CASE_DIR/overrides.pth instead. Each tensor's CRC-32 is compared with the file's. The
 * checkpoint has OpenMMLab's layout. Exit status 1 when something is wrong.
 */
#include "base/json.h"
#include "io/checkpoint/checkpoint.h"
#include "tests/support/pth_writer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

typedef struct weights {
    dp_named_tensor *tensors;
    float **values; /* of each tensor; NULL for counters */
    size_t count;
} weights;

static uint32_t mix(uint32_t x)
{
    x ^= x >> 16;
    x *= 0x7feb352du;
    x ^= x >> 15;
    x *= 0x846ca68bu;
    return x ^ x >> 16;
}

/* value = center + scale * u, u in [-1, 1) from a hash of name and place, in double. */
static void fill(float *out, size_t count, const char *salt, const char *name,
                 double center, double scale)
{
    uint32_t key = (uint32_t)crc32_z(0, (const unsigned char *)salt, strlen(salt));
    key = (uint32_t)crc32_z(key, (const unsigned char *)name, strlen(name));
    for (size_t i = 0; i < count; i++) {
        const uint32_t h = mix(mix((uint32_t)i) ^ key);
        const double step = scale * (h / 2147483648.0 - 1.0);
        out[i] = scale == 0 ? (float)center : (float)(center + step);
    }
}

static const cJSON *member(const cJSON *object, const char *key)
{
    return cJSON_GetObjectItemCaseSensitive(object, key);
}

static bool read_shape(const cJSON *entry, dp_named_tensor *t)
{
    const cJSON *extent;
    int64_t stride = 1;
    cJSON_ArrayForEach(extent, member(entry, "shape"))
    {
        if (t->rank == DP_MAX_TENSOR_RANK)
            return false;
        t->shape[t->rank++] = (int64_t)cJSON_GetNumberValue(extent);
    }
    for (int d = t->rank - 1; d >= 0; d--) {
        t->stride[d] = stride;
        stride *= t->shape[d];
    }
    return true;
}

static bool fill_tensor(const cJSON *entry, const char *salt,
                        const dp_checkpoint *overrides, const dp_named_tensor *t,
                        float *values)
{
    if (!cJSON_IsTrue(member(entry, "override"))) {
        fill(values, dp_named_tensor_count(t), salt, t->name,
             cJSON_GetNumberValue(member(entry, "center")),
             cJSON_GetNumberValue(member(entry, "scale")));
        return true;
    }
    const dp_named_tensor *o = dp_checkpoint_find(overrides, t->name);
    return o && dp_named_tensor_count(o) == dp_named_tensor_count(t) &&
           dp_named_tensor_to_f32(o, values);
}

/* Of a batch norm; the one kind of tensor that is not of float32, and zero. */
static bool is_counter(const char *name)
{
    static const char tail[] = ".num_batches_tracked";
    const size_t size = strlen(name);
    return size >= sizeof tail && strcmp(name + size - (sizeof tail - 1), tail) == 0;
}

/* Give the tensor at w->count its values; false when there are none. */
static bool set_values(weights *w, const cJSON *entry, const char *salt,
                       const dp_checkpoint *overrides)
{
    static const int64_t zero = 0;
    dp_named_tensor *t = &w->tensors[w->count];
    t->name = cJSON_GetStringValue(member(entry, "name"));
    if (!t->name || !read_shape(entry, t))
        return false;
    if (is_counter(t->name)) {
        t->dtype = DP_DTYPE_I64;
        t->data = &zero;
        return t->rank == 0;
    }
    float *values = calloc(dp_named_tensor_count(t) + 1, sizeof *values);
    w->values[w->count] = values;
    t->dtype = DP_DTYPE_F32;
    t->data = values;
    return values && fill_tensor(entry, salt, overrides, t, values);
}

/* Append the tensor of one entry; false, and a line on standard error, when it is not
 * what its checksum says. */
static bool add_tensor(weights *w, const cJSON *entry, const char *salt,
                       const dp_checkpoint *overrides)
{
    const bool made = set_values(w, entry, salt, overrides);
    const dp_named_tensor *t = &w->tensors[w->count++];
    if (!made) {
        fprintf(stderr, "formula_weights: %s: no values\n", t->name ? t->name : "?");
        return false;
    }
    const uint32_t crc = (uint32_t)crc32_z(
        0, t->data, dp_named_tensor_count(t) * dp_dtype_size(t->dtype));
    const uint32_t expected =
        (uint32_t)cJSON_GetNumberValue(member(entry, "crc32_of_f32_bytes"));
    if (crc != expected)
        fprintf(stderr, "formula_weights: %s: found CRC-32 %u, expected %u\n", t->name,
                (unsigned)crc, (unsigned)expected);
    return crc == expected;
}

static bool make_weights(weights *w, const cJSON *json, const dp_checkpoint *overrides)
{
    const cJSON *entries = member(json, "tensors"), *entry;
    const char *salt = cJSON_GetStringValue(member(json, "salt"));
    const size_t count = (size_t)cJSON_GetArraySize(entries);
    w->tensors = calloc(count + 1, sizeof *w->tensors);
    w->values = calloc(count + 1, sizeof *w->values);
    if (!w->tensors || !w->values || !salt || count == 0)
        return false;
    cJSON_ArrayForEach(entry, entries)
    {
        if (!add_tensor(w, entry, salt, overrides))
            return false;
    }
    return true;
}

static int make_file(const char *out, const cJSON *json, const dp_checkpoint *overrides)
{
    const pth_options options = {.layout = PTH_STATE_DICT};
    weights w = {NULL, NULL, 0};
    bool done = make_weights(&w, json, overrides);
    if (!done)
        fprintf(stderr, "formula_weights: weights.json is not as expected\n");
    if (done && !pth_write(out, w.tensors, w.count, &options)) {
        fprintf(stderr, "formula_weights: %s is not written\n", out);
        done = false;
    }
    for (size_t i = 0; i < w.count; i++)
        free(w.values[i]);
    free(w.values);
    free(w.tensors);
    return done ? 0 : 1;
}

int main(int argc, char **argv)
{
    char path[4096];
    dp_error err = {DP_OK, ""};
    dp_checkpoint *overrides = NULL;
    cJSON *json = NULL;
    if (argc != 3) {
        fprintf(stderr, "usage: formula_weights CASE_DIR OUT.pth\n");
        return 2;
    }
    snprintf(path, sizeof path, "%s/overrides.pth", argv[1]);
    dp_status st = dp_checkpoint_open(&err, &overrides, path);
    snprintf(path, sizeof path, "%s/weights.json", argv[1]);
    if (st == DP_OK)
        st = dp_json_load(&err, &json, path);
    if (st != DP_OK)
        fprintf(stderr, "formula_weights: %s\n", err.text);
    const int status = st == DP_OK ? make_file(argv[2], json, overrides) : 1;
    cJSON_Delete(json);
    dp_checkpoint_close(overrides);
    return status;
}
