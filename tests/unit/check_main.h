/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The main of a Check suite: TAP on standard output, exit status 1 when a test failed. */
#ifndef VMF_TESTS_CHECK_MAIN_H
#define VMF_TESTS_CHECK_MAIN_H

#include <check.h>
#include <stdlib.h>

#define VMF_TEST_MAIN(suite)                                                                       \
  int main(void)                                                                                   \
  {                                                                                                \
    SRunner *runner = srunner_create(suite());                                                     \
    srunner_set_tap(runner, "-");                                                                  \
    srunner_run_all(runner, CK_SILENT);                                                            \
    int failed = srunner_ntests_failed(runner);                                                    \
    srunner_free(runner);                                                                          \
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;                                              \
  }

#endif
