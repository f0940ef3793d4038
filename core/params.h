/* params.h - parameter tables: what a module may be told, in one place
 *
 * A module states its parameters once, as rows. Parsing, range checks with file and key,
 * `densepred config --explain`, dumps and the tests come from the rows. Key and field
 * have the same name. Type and number of values are those of the field:
 *
 *    int    int field[n]      integers
 *    float  float field[n]    numbers, rounded to float32
 *    double double field[n]   numbers
 *    bool   bool field[n]     true or false
 *    text   char field[n]     at most n - 1 bytes of UTF-8
 *
 *   typedef struct convnext {
 *       int depths[4];
 *       float eps;
 *       int mode, scales;
 *       float scale[8];
 *   } convnext;
 *
 *   static const dp_param params[] = {
 *       DP_PARAM(convnext, depths, "[3, 3, 9, 3]", 1, 64, "blocks in each stage"),
 *       DP_PARAM(convnext, eps, "1e-6", 0, 1, "added to the variance"),
 *       DP_PARAM_CHOICE(convnext, mode, "slide|whole", "\"whole\"", "windows or all"),
 *       DP_PARAM_LIST(convnext, scale, scales, "[1, 2]", 0.1, 10, "of the input"),
 *       DP_PARAM_END,
 *   };
 */
#ifndef DP_CORE_PARAMS_H
#define DP_CORE_PARAMS_H

#include "base/status.h"
#include "base/text.h"
#include "core/config.h"

#include <stdbool.h>
#include <stddef.h>

typedef enum dp_param_type {
    DP_PARAM_TYPE_INT,
    DP_PARAM_TYPE_FLOAT,
    DP_PARAM_TYPE_DOUBLE,
    DP_PARAM_TYPE_BOOL,
    DP_PARAM_TYPE_TEXT,
    DP_PARAM_TYPE_CHOICE /* the field holds the index of the choice, from 0 */
} dp_param_type;

typedef enum dp_param_form {
    DP_PARAM_FORM_SCALAR, /* a value                                       */
    DP_PARAM_FORM_ARRAY,  /* as many values as the field has room for      */
    DP_PARAM_FORM_LIST    /* one to that many values; their number is kept */
} dp_param_form;

typedef struct dp_param {
    const char *key;
    dp_param_type type;
    dp_param_form form;
    size_t offset, size; /* of the field, in bytes                                */
    size_t count_offset; /* a list: of the int that receives the number of values */
    const char *initial; /* the default as JSON; NULL: the key is required        */
    double min, max;     /* inclusive; of int, float and double                   */
    const char *choices; /* a choice: "slide|whole"                               */
    const char *help;    /* a phrase: meaning, and unit if any                    */
} dp_param;

/* A field of struct T with values in [min, max]; 0, 0 for bool and text. */
#define DP_PARAM(T, field, initial, min, max, help)                                  \
    {                                                                                \
#field, DP_PARAM_TYPE_OF(T, field), DP_PARAM_FORM_OF(T, field),              \
            offsetof(T, field), sizeof(((T *)0)->field), 0, initial, min, max, NULL, \
            help                                                                     \
    }

/* An array field that need not be full; int field `count` receives the number. */
#define DP_PARAM_LIST(T, field, count, initial, min, max, help)                        \
    {                                                                                  \
#field, DP_PARAM_TYPE_OF(T, field), DP_PARAM_FORM_LIST, offsetof(T, field),    \
            sizeof(((T *)0)->field), offsetof(T, count), initial, min, max, NULL, help \
    }

/* An int field that receives the index of a word in "first|second|third". */
#define DP_PARAM_CHOICE(T, field, choices, initial, help)                       \
    {                                                                           \
#field, DP_PARAM_TYPE_CHOICE, DP_PARAM_FORM_SCALAR, offsetof(T, field), \
            sizeof(((T *)0)->field), 0, initial, 0, 0, choices, help            \
    }

/* Closes a table. */
#define DP_PARAM_END                                                                   \
    {                                                                                  \
        NULL, DP_PARAM_TYPE_INT, DP_PARAM_FORM_SCALAR, 0, 0, 0, NULL, 0, 0, NULL, NULL \
    }

#define DP_PARAM_TYPE_OF(T, field) \
    _Generic(((T *)0)->field, int: DP_PARAM_TYPE_INT, int *: DP_PARAM_TYPE_INT,          \
             float: DP_PARAM_TYPE_FLOAT, float *: DP_PARAM_TYPE_FLOAT,                   \
             double: DP_PARAM_TYPE_DOUBLE, double *: DP_PARAM_TYPE_DOUBLE,               \
             bool: DP_PARAM_TYPE_BOOL, bool *: DP_PARAM_TYPE_BOOL,                       \
             char *: DP_PARAM_TYPE_TEXT)

#define DP_PARAM_FORM_OF(T, field) \
    _Generic(((T *)0)->field, int *: DP_PARAM_FORM_ARRAY, float *: DP_PARAM_FORM_ARRAY,  \
             double *: DP_PARAM_FORM_ARRAY,                                              \
             bool *: DP_PARAM_FORM_ARRAY, default: DP_PARAM_FORM_SCALAR)

/* Fill the fields of `instance` from a JSON object: defaults first, then every key.
 * Fields without a row are not touched. `where` is the object's key path in `config`
 * ("backbone"), for sentences; config NULL means that there is no file.
 *
 * The key "type" is passed over when the table has no such row: it is what chose the
 * table. Any other key without a row is an error that names the nearest one that has.
 * DP_ECONFIG with file and key path: unknown or missing key, wrong type, number of values
 * or range. A failure leaves the instance with some of its fields set. DP_ENOMEM. */
dp_status dp_params_parse(dp_error *err, const dp_param *table, void *instance,
                          const cJSON *object, const dp_config *config,
                          const char *where) DP_MUST_CHECK;

/* Append a line or two for each row: key, type, default, range, help. */
void dp_params_explain(dp_text *text, const dp_param *table);

/* What is wrong with a table whose instance has `size` bytes; NULL when nothing is:
 * defaults parse and are in range, keys are there once, help is there, fields lie in the
 * instance and do not overlap. For tests. Of `problem`, which has room for `room`. */
const char *dp_params_check_table(const dp_param *table, size_t size, char *problem,
                                  size_t room);

#endif
