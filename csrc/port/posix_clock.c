#if defined(__APPLE__)
#define _DARWIN_C_SOURCE 1
#else
#define _DEFAULT_SOURCE 1
#endif
#include <time.h>

#include "port/os.h"

/* macOS makes CLOCK_MONOTONIC of the time of day and of when that began, which are set one after the other. The other
 * clock is the hardware's; it goes on while the machine sleeps, too, as libuv's does. */
#if defined(__APPLE__)
#define STEADY CLOCK_MONOTONIC_RAW
#else
#define STEADY CLOCK_MONOTONIC
#endif

uint64_t nc__os_now_ms(void) {
    struct timespec now;
    if (clock_gettime(STEADY, &now) != 0) return 0; /* cannot fail for this clock */
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}
