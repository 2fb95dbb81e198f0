/* As much of kqueue's interface as the kqueue port uses, so that its C tests run on Linux: as a kernel has it or, with
 * AS_A_LIBRARY, as a library that can be had there. */
#ifndef TESTS_SYS_EVENT_H
#define TESTS_SYS_EVENT_H

#include <stdint.h>
#include <time.h>

struct kevent {
    uintptr_t ident;
    short filter;
    unsigned short flags;
    unsigned int fflags;
    int64_t data;
    void *udata;
};

#define EV_SET(event, a, b, c, d, e, f)                                                                                \
    do {                                                                                                               \
        (event)->ident = (a);                                                                                          \
        (event)->filter = (b);                                                                                         \
        (event)->flags = (c);                                                                                          \
        (event)->fflags = (d);                                                                                         \
        (event)->data = (e);                                                                                           \
        (event)->udata = (f);                                                                                          \
    } while (0)

enum { EVFILT_READ = -1, EVFILT_WRITE = -2 };
#define EVFILT_USER (-11)
#define EV_ADD 0x0001
#define EV_DELETE 0x0002
#define EV_CLEAR 0x0020
#define EV_ERROR 0x4000
#define EV_EOF 0x8000
#define NOTE_TRIGGER 0x01000000
#if !defined(AS_A_LIBRARY)
#define EV_IS_OF_A_KERNEL 1
#endif

int kqueue(void);
int kevent(int kq, const struct kevent *changes, int change_count, struct kevent *events, int room,
           const struct timespec *timeout);

#endif
