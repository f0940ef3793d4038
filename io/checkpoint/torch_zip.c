#include "io/checkpoint/torch_zip.h"

#include "core/limits.h"
#include "io/checkpoint/pickle.h"

#include <stdio.h>
#include <string.h>

bool dp_torch_zip_is(const unsigned char *data, size_t size)
{
    return size >= 4 &&
           (memcmp(data, "PK\3\4", 4) == 0 || memcmp(data, "PK\5\6", 4) == 0);
}

static bool ends_in(dp_name name, const char *tail)
{
    const size_t size = strlen(tail);
    return name.size > size && memcmp(name.text + name.size - size, tail, size) == 0;
}

/* The one member FOLDER/data.pkl. */
static dp_status find_pickle(dp_error *err, dp_torch_file *f, size_t *place)
{
    static const char tail[] = "/data.pkl";
    size_t found = 0;
    for (size_t i = 0; i < f->zip.count; i++)
        if (ends_in(f->zip.names[i], tail)) {
            *place = i;
            found++;
        }
    if (found != 1)
        return dp_fail(
            err, DP_EFORMAT,
            "%s: %zu members */data.pkl in the ZIP archive; torch.save writes one",
            f->path, found);
    const dp_name name = f->zip.names[*place];
    f->folder = (dp_name){name.text, name.size - strlen(tail)};
    if (f->folder.size > DP_MAX_TENSOR_NAME)
        return dp_fail(err, DP_EFORMAT, "%s: the folder's name has %zu bytes", f->path,
                       f->folder.size);
    return DP_OK;
}

/* The place of FOLDER/rest, or DP_NAME_NONE. */
static ptrdiff_t find_member(const dp_torch_file *f, dp_name rest)
{
    char text[2 * DP_MAX_TENSOR_NAME + 1];
    if (rest.size > DP_MAX_TENSOR_NAME)
        return DP_NAME_NONE;
    memcpy(text, f->folder.text, f->folder.size);
    text[f->folder.size] = '/';
    memcpy(text + f->folder.size + 1, rest.text, rest.size);
    return dp_zip_find(&f->zip, (dp_name){text, f->folder.size + 1 + rest.size});
}

static dp_status check_byte_order(dp_error *err, const dp_torch_file *f)
{
    const unsigned char *bytes;
    size_t size;
    const ptrdiff_t place = find_member(f, dp_name_from("byteorder"));
    if (place == DP_NAME_NONE)
        return DP_OK;
    const dp_status st = dp_zip_locate(err, &f->zip, (size_t)place, &bytes, &size);
    if (st != DP_OK || (size == 6 && memcmp(bytes, "little", 6) == 0))
        return st;
    return dp_fail(err, DP_EUNSUPPORTED, "%s: found byte order %.*s, expected little",
                   f->path, size < 20 ? (int)size : 20, (const char *)bytes);
}

dp_status dp_torch_zip_read(dp_error *err, dp_torch_file *f, const unsigned char *data,
                            size_t size)
{
    const unsigned char *bytes = NULL;
    size_t length = 0, used = 0, place = 0;
    char name[256];
    f->is_zip = true;
    dp_status st = dp_zip_init(err, &f->zip, f->path, data, size);
    if (st == DP_OK)
        st = find_pickle(err, f, &place);
    if (st == DP_OK)
        st = check_byte_order(err, f);
    if (st == DP_OK && find_member(f, dp_name_from("constants.pkl")) != DP_NAME_NONE)
        st = dp_fail(err, DP_EUNSUPPORTED,
                     "%s: a TorchScript archive, not a state dict of torch.save",
                     f->path);
    if (st == DP_OK)
        st = dp_zip_verify(err, &f->zip, place);
    if (st == DP_OK)
        st = dp_zip_locate(err, &f->zip, place, &bytes, &length);
    if (st != DP_OK)
        return st;

    snprintf(name, sizeof name, "%s: data.pkl", f->path);
    st = dp_pickle_read(err, &f->values, &f->root, &used, name, bytes, length);
    if (st == DP_OK && used != length)
        st = dp_fail(err, DP_EFORMAT, "%s: %zu bytes follow its end", name,
                     length - used);
    return st;
}

dp_status dp_torch_zip_storage(dp_error *err, const dp_torch_file *f, dp_name key,
                               dp_torch_storage *out)
{
    static const char head[] = "data/";
    char rest[DP_MAX_TENSOR_NAME];
    const size_t size = sizeof head - 1 + key.size;
    ptrdiff_t place = DP_NAME_NONE;
    if (size <= sizeof rest) {
        memcpy(rest, head, sizeof head - 1);
        memcpy(rest + sizeof head - 1, key.text, key.size);
        place = find_member(f, (dp_name){rest, size});
    }
    if (place == DP_NAME_NONE)
        return dp_fail(err, DP_EFORMAT, "no ZIP member data/%.*s",
                       key.size < 100 ? (int)key.size : 100, key.text);
    return dp_zip_locate(err, &f->zip, (size_t)place, &out->bytes, &out->size);
}
