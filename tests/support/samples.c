#include "tests/support/samples.h"

#include "tests/support/shared.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>

const cJSON *json_get(const cJSON *object, const char *key)
{
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(object, key);
    ck_assert_msg(value != NULL, "no \"%s\"", key);
    return value;
}

double json_number(const cJSON *object, const char *key)
{
    return json_get(object, key)->valuedouble;
}

const char *json_text(const cJSON *object, const char *key)
{
    return json_get(object, key)->valuestring;
}

cJSON *json_load(const char *path)
{
    char *text = file_load(path, NULL);
    cJSON *root = cJSON_Parse(text);
    free(text);
    ck_assert_msg(root != NULL, "%s is not JSON", path);
    return root;
}

double samples_absmax(const cJSON *sample)
{
    return fmax(fabs(json_number(sample, "min")), fabs(json_number(sample, "max")));
}

/* Where element (c, h, w) of a (1, C, H, W) map, or (row, c) of a matrix, lies in ours. */
static size_t locate(size_t index, dp_tensor map, bool matrix)
{
    if (matrix)
        return index;
    const size_t plane = (size_t)map.H * (size_t)map.W;
    return index % plane * (size_t)map.C + index / plane;
}

double samples_check(const cJSON *sample, dp_tensor map, double bound, const char *what)
{
    const cJSON *shape = json_get(sample, "shape");
    const bool matrix = cJSON_GetArraySize(shape) == 2;
    const int want[4] = {1, map.C, map.H, map.W}, rows[2] = {map.N, map.C};
    for (int d = 0; d < cJSON_GetArraySize(shape); d++)
        ck_assert_msg(
            cJSON_GetArrayItem(shape, d)->valueint == (matrix ? rows : want)[d],
            "%s: extent %d is %d, expected %d", what, d, (matrix ? rows : want)[d],
            cJSON_GetArrayItem(shape, d)->valueint);

    const cJSON *index = json_get(sample, "index")->child;
    const cJSON *value = json_get(sample, "value")->child;
    double worst = 0;
    for (; index && value; index = index->next, value = value->next) {
        const double got =
            (double)map.data[locate((size_t)index->valuedouble, map, matrix)];
        const double off = fabs(got - value->valuedouble);
        ck_assert_msg(off <= bound, "%s: element %.0f is %.9g, expected %.9g +- %.3g",
                      what, index->valuedouble, got, value->valuedouble, bound);
        worst = fmax(worst, off);
    }
    return worst;
}

double samples_rms(const cJSON *sample, dp_tensor map)
{
    const bool matrix = cJSON_GetArraySize(json_get(sample, "shape")) == 2;
    const cJSON *index = json_get(sample, "index")->child;
    const cJSON *value = json_get(sample, "value")->child;
    double off = 0, all = 0;
    for (; index && value; index = index->next, value = value->next) {
        const size_t at = locate((size_t)index->valuedouble, map, matrix);
        const double x = (double)map.data[at] - value->valuedouble;
        off += x * x;
        all += value->valuedouble * value->valuedouble;
    }
    ck_assert(all > 0);
    return sqrt(off / all);
}
