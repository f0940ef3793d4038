#include "tests/support/golden_weights.h"

#include "tests/support/shared.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char *golden_weights(const char *folder, bool formula, const char *argv0)
{
    static char path[512], programs[400], command[2048];
    if (!formula) {
        snprintf(path, sizeof path, "%s", shared_path("%s/model.pth", folder));
        return path;
    }
    const char *slash = strrchr(argv0, '/');
    snprintf(programs, sizeof programs, "%.*s", slash ? (int)(slash - argv0) : 1,
             slash ? argv0 : ".");
    snprintf(path, sizeof path, "%s/%s.pth", programs, strrchr(folder, '/') + 1);
    if (access(path, R_OK) == 0)
        return path;
    snprintf(command, sizeof command,
             "'%s/../tools/formula_weights' '%s' '%s.new' && mv '%s.new' '%s'",
             programs, shared_path("%s", folder), path, path, path);
    ck_assert_msg(system(command) == 0, "%s failed", command);
    return path;
}
