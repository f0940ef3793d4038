#include "base/nearest.h"

#include <stdbool.h>
#include <string.h>

enum { LENGTH = 64 };

static int smaller(int a, int b)
{
    return a < b ? a : b;
}

static size_t length(const char *word)
{
    const char *end = memchr(word, '\0', LENGTH);
    return end ? (size_t)(end - word) : LENGTH;
}

int dp_edit_distance(const char *a, const char *b)
{
    const size_t na = length(a), nb = length(b);
    int row[3][LENGTH + 1]; /* distances of a's first i bytes, i - 1, i - 2 */
    int *now = row[0], *one = row[1], *two = row[2];

    for (size_t j = 0; j <= nb; j++)
        now[j] = (int)j;
    for (size_t i = 1; i <= na; i++) {
        int *free_row = two;
        two = one;
        one = now;
        now = free_row;
        now[0] = (int)i;
        for (size_t j = 1; j <= nb; j++) {
            const int replace = one[j - 1] + (a[i - 1] != b[j - 1]);
            now[j] = smaller(replace, smaller(one[j], now[j - 1]) + 1);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                now[j] = smaller(now[j], two[j - 2] + 1);
        }
    }
    return now[nb];
}

void dp_nearest_offer(dp_nearest *n, const char *known)
{
    const int size = (int)length(known);
    const int near = size < 3 ? 1 : size / 3 > 2 ? size / 3 : 2;
    const size_t written = strlen(n->word);
    const bool begins = written >= 3 && strncmp(n->word, known, written) == 0;
    const int distance = begins ? 1 : dp_edit_distance(n->word, known);
    if (distance <= near && (!n->best || distance < n->distance)) {
        n->best = known;
        n->distance = distance;
    }
}
