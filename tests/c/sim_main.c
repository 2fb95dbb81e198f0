/* sim FROM TO: the schedules of these seeds. */
#include <stdio.h>
#include <stdlib.h>

#include "sim_driver.h"

int main(int argc, char **argv) {
    if (argc != 3) return 2;
    uint64_t from = strtoull(argv[1], NULL, 10), to = strtoull(argv[2], NULL, 10);
    int failures = 0;
    for (uint64_t seed = from; seed < to; seed++) {
        char message[200];
        if (sim_run(seed, message, sizeof message) == 0) continue;
        printf("seed %llu: %s\n", (unsigned long long)seed, message);
        failures++;
    }
    printf("%llu schedules, %d failures\n", (unsigned long long)(to - from), failures);
    return failures != 0;
}
