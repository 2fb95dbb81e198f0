/* What a C test program needs: CHECK, a table of cases, and a main that runs all of them or the ones named. */
#ifndef TESTS_CHECK_H
#define TESTS_CHECK_H

#if defined(__APPLE__)
#define _DARWIN_C_SOURCE 1
#elif defined(__linux__)
#define _GNU_SOURCE 1
#elif defined(__NetBSD__)
#define _NETBSD_SOURCE 1
#endif

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(condition)                                                                                               \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);                                    \
            exit(1);                                                                                                   \
        }                                                                                                              \
    } while (0)

/* The two sides of a comparison of numbers are told when they differ. */
#define CHECK_EQUAL(got, wanted)                                                                                       \
    do {                                                                                                               \
        long long check_got = (long long)(got), check_wanted = (long long)(wanted);                                    \
        if (check_got != check_wanted) {                                                                               \
            fprintf(stderr, "%s:%d: %s is %lld, not %lld\n", __FILE__, __LINE__, #got, check_got, check_wanted);       \
            exit(1);                                                                                                   \
        }                                                                                                              \
    } while (0)

typedef struct check_case {
    const char *name;
    void (*run)(void);
} check_case;

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

#define CASE(name)                                                                                                     \
    { #name, name }

static inline int check_run(const check_case *cases, size_t count, int argc, char **argv) {
    int ran = 0;
    for (size_t i = 0; i < count; i++) {
        if (argc > 1 && strcmp(argv[1], "--list") == 0) {
            printf("%s\n", cases[i].name);
            ran++;
            continue;
        }
        for (int a = 1; a < argc || argc == 1; a++) {
            if (argc > 1 && strcmp(argv[a], cases[i].name) != 0) continue;
            printf("%s\n", cases[i].name);
            fflush(stdout);
            cases[i].run();
            ran++;
            break;
        }
    }
    return ran ? 0 : 2;
}

#endif
