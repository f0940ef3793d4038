/* The installed tree, as a user of the library meets it: header, pkg-config file, shared
 * and static library, program, manual, configs; and the example built on them. */
#include "tests/support/program.h"
#include "tests/support/scratch.h"
#include "tests/support/suite.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char build[64]; /* "release": the build this program is of */

/* Run a command in the scratch folder with the installed tree at ./root. */
static const program_result *run(const char *command)
{
    const program_result *r =
        program_run("export PKG_CONFIG_SYSROOT_DIR=\"$PWD/root\" "
                    "PKG_CONFIG_PATH=\"$PWD/root/usr/local/lib/pkgconfig\" ROOT='%s' "
                    "LD_LIBRARY_PATH=\"$PWD/root/usr/local/lib\"; %s",
                    program_root(), command);
    ck_assert_msg(r->status == 0, "%s: status %d: %s%s", command, r->status, r->out,
                  r->err);
    return r;
}

static void install(void)
{
    const program_result *r = program_run(
        "make -C '%s' BUILD=%s install DESTDIR=\"$PWD/root\"", program_root(), build);
    ck_assert_msg(r->status == 0, "%s%s", r->out, r->err);
}

static const char *const languages[] = {
    "cc -std=c11 -Wall -Wextra -Werror -pedantic",
    "c++ -x c++ -std=c++11 -Wall -Wextra -Werror -pedantic",
};

START_TEST(the_example_builds_and_finds_objects)
{
    char command[600];
    install();
    snprintf(command, sizeof command,
             "%s \"$ROOT/examples/detect.c\" -o detect $(pkg-config --cflags --libs "
             "densepred)",
             languages[_i]);
    run(command);
    const program_result *r =
        run("./detect \"$ROOT/tests/golden/mask_rcnn_tiny/config.json\" "
            "\"$ROOT/tests/golden/mask_rcnn_tiny/model.pth\" "
            "\"$ROOT/tests/golden/mask_rcnn_tiny/000000000101.png\"");
    ck_assert_ptr_nonnull(strstr(r->out, "disc"));
}
END_TEST

START_TEST(the_example_builds_with_the_static_library)
{
    install();
    run("cc -std=c11 \"$ROOT/examples/detect.c\" -o detect -I root/usr/local/include "
        "root/usr/local/lib/libdensepred.a "
        "$(pkg-config --libs --static densepred | sed 's/-ldensepred//')");
    const program_result *r = program_run("./detect");
    ck_assert_int_eq(r->status, 2);
}
END_TEST

/* Windows, boxes only, feature maps, a file of results, an overlay, a model by its name. */
START_TEST(the_tour_needs_the_headers_only)
{
    char command[600];
    install();
    snprintf(command, sizeof command,
             "%s \"$ROOT/examples/tour.c\" -o tour $(pkg-config --cflags --libs "
             "densepred)",
             languages[_i]);
    run(command);
    run("mkdir -p a/own && cp -r \"$ROOT/tests/golden/mask_rcnn_tiny\" a/own/tiny && "
        "cp -r "
        "\"$ROOT/configs\" configs");
    const program_result *r = run(
        "./tour a/own tiny/config a/own/tiny/model.pth a/own/tiny/000000000101.png");
    ck_assert_ptr_nonnull(strstr(r->out, "models, first tiny/"));
    ck_assert_ptr_nonnull(strstr(r->out, "3 objects, mask of 0 bytes"));
    ck_assert_ptr_nonnull(strstr(r->out, "maps, first stage1"));
    run("test -s overlay.jpg && test -s features.safetensors && "
        "test $(wc -l < out.csv) = 4");
}
END_TEST

START_TEST(the_program_finds_its_configs_and_its_manual)
{
    install();
    const program_result *r = run("root/usr/local/bin/densepred models");
    ck_assert_ptr_nonnull(strstr(r->out, "coco/mask_rcnn_convnext_tiny"));
    run("test -s root/usr/local/share/man/man1/densepred.1");
    run("bash -n root/usr/local/share/bash-completion/completions/densepred");
    run("test -s root/usr/local/share/zsh/site-functions/_densepred");
    run("test -s root/usr/local/share/fish/vendor_completions.d/densepred.fish");
    run("test -s root/usr/local/share/densepred/configs/datasets/coco.json");
}
END_TEST

START_TEST(the_shared_library_shows_public_names_only)
{
    install();
    const program_result *r = run(
        "nm -D --defined-only root/usr/local/lib/libdensepred.so | awk '{print $3}' | "
        "while read -r name; do grep -qh \"\\b$name(\" "
        "root/usr/local/include/densepred/*.h || echo \"$name\"; done");
    ck_assert_str_eq(r->out, "");
    r = run(
        "grep -oh '\\bdp_[a-z_]*(' root/usr/local/include/densepred/*.h | tr -d '(' | "
        "grep -v '_fn$' | sort -u | while read -r name; do nm -D --defined-only "
        "root/usr/local/lib/libdensepred.so | grep -q \" $name$\" || echo \"$name\"; "
        "done");
    ck_assert_str_eq(r->out, "");
    r = run("readelf -d root/usr/local/lib/libdensepred.so | grep SONAME");
    ck_assert_ptr_nonnull(strstr(r->out, "libdensepred.so.0]"));
}
END_TEST

/* Libraries that the linker loads with the program, of all depths. */
START_TEST(the_program_needs_neither_x11_nor_fortran)
{
    install();
    const program_result *r = run("ldd root/usr/local/bin/densepred");
    ck_assert_ptr_nonnull(strstr(r->out, "libc.so"));
    ck_assert_ptr_null(strstr(r->out, "libX11"));
    ck_assert_ptr_null(strstr(r->out, "libxcb"));
    ck_assert_ptr_null(strstr(r->out, "libgfortran"));
}
END_TEST

int main(int argc, char **argv)
{
    (void)argc;
    /* build/release/tests/install/test_install */
    const char *name = strstr(argv[0], "build/");
    if (name)
        sscanf(name, "build/%63[^/]", build);
    Suite *s = suite_create("install");
    TCase *t = tcase_create("install");
    tcase_set_timeout(t, 300);
    tcase_add_checked_fixture(t, scratch_setup, scratch_teardown);
    /* The sanitizers' builds need their run time linked into whatever uses them. */
    if (strcmp(build, "release") == 0 || strcmp(build, "debug") == 0) {
        tcase_add_loop_test(t, the_example_builds_and_finds_objects, 0, 2);
        tcase_add_loop_test(t, the_tour_needs_the_headers_only, 0, 2);
        tcase_add_test(t, the_example_builds_with_the_static_library);
        tcase_add_test(t, the_program_finds_its_configs_and_its_manual);
        tcase_add_test(t, the_shared_library_shows_public_names_only);
        tcase_add_test(t, the_program_needs_neither_x11_nor_fortran);
    } else {
        suite_skip("installing is tested with the builds release and debug");
    }
    suite_add_tcase(s, t);
    return suite_run(s);
}
