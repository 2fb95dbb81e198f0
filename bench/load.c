/* The load generator: one thread, one core, bounded in time, checks every byte that comes back.
 *
 *   load MODE PORT [-c connections] [-s size] [-d depth] [-t seconds] [-w warm-up seconds] [-i idle connections]
 *                  [-C core] [-p pid]... [-T] [-r seconds]
 *
 * MODE is one of
 *   echo     each connection keeps `depth` messages of `size` bytes under way; answers are counted as they come
 *   bulk     each connection writes `size` bytes at a time, reading back meanwhile, with at most 4 MiB under way, so that
 *            a server which queues without limit is measured and not killed
 *   connect  each slot opens a connection, sends one message, half-closes, reads the echo up to its end, opens the next
 *   hold     opens the idle connections, says so on a line of its own, and waits for its input to end
 *
 * The stream a connection sends is a slice of one pseudo-random pattern which starts at a place of the connection's own,
 * so that bytes lost, doubled, reordered or sent to the wrong connection are all seen. The processor time of the servers
 * (-p) is read from their CPU clocks at both ends of the measured window: every thread of theirs, nanoseconds, and
 * nothing from the warm-up. The result is one line of JSON, with -r after a line of progress every so often. After the window the connections are drained, half-closed and
 * read up to the end of the stream, within a limit: bytes not echoed by then are errors, and connections whose end is all
 * that never came are counted as `without_end`. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum {
    PATTERN_PERIOD = 65521, /* a prime, so that no message size divides it */
    CHUNK = 256 * 1024,
    WINDOW = 4 * 1024 * 1024,
    EVENTS = 512,
    MAX_PIDS = 16,
    BUCKETS = 64 * 32,
    PACE = 64,    /* every so many idle connections one is made to answer, so that the backlog is empty again */
    SOURCES = 200 /* loopback addresses to connect from: one alone runs out of ports in TIME_WAIT */
};

static const uint64_t SECOND = 1000000000;
static const uint64_t DRAIN_LIMIT = 5000000000;
static const uint64_t STUCK_LIMIT = 500000000; /* without a byte or an end, while draining */

enum mode { MODE_ECHO, MODE_BULK, MODE_CONNECT, MODE_HOLD };
enum phase { PHASE_WARM, PHASE_MEASURE, PHASE_DRAIN };

struct connection {
    int fd;
    uint32_t interest;
    bool half_closed;
    uint64_t salt;   /* where in the pattern this stream starts */
    uint64_t target; /* bytes to send as things stand */
    uint64_t sent;
    uint64_t received;
    uint64_t answered; /* whole messages */
    uint64_t *sent_at; /* one time for each message under way */
};

struct sample {
    uint64_t when;
    uint64_t messages;
    uint64_t bytes;
    uint64_t own_cpu;
    uint64_t cpu[MAX_PIDS];
};

struct load {
    enum mode mode;
    enum phase phase;
    int port;
    int connections;
    int idle;
    int core;
    bool touch;
    uint64_t size;
    uint64_t depth;
    double seconds;
    double warm_up;
    double progress_every;
    int pid_count;
    pid_t pids[MAX_PIDS];

    int epoll;
    int open;
    uint64_t now;
    uint64_t opened; /* connections ever opened, which gives each its salt and source address */
    uint64_t messages;
    uint64_t bytes;
    uint64_t errors;
    uint64_t told;     /* when progress was last reported */
    uint64_t progress; /* when a byte or an end last came */
    char first_error[160];
    struct sample begin;
    struct sample end;
    uint64_t buckets[BUCKETS];
    uint64_t worst;
    struct connection *slots;
    int *idle_fds;
    unsigned char *pattern;
    unsigned char *buffer;
};

static void die(const char *what) {
    perror(what);
    exit(1);
}

static uint64_t clock_ns(clockid_t id) {
    struct timespec t;
    return clock_gettime(id, &t) ? 0 : (uint64_t)t.tv_sec * SECOND + (uint64_t)t.tv_nsec;
}

static uint64_t cpu_of(pid_t pid) {
    clockid_t id;
    return clock_getcpuclockid(pid, &id) ? 0 : clock_ns(id);
}

static void take_sample(struct load *l, struct sample *s) {
    s->when = clock_ns(CLOCK_MONOTONIC);
    s->messages = l->messages;
    s->bytes = l->bytes;
    s->own_cpu = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
    for (int i = 0; i < l->pid_count; i++) s->cpu[i] = cpu_of(l->pids[i]);
}

static void note_error(struct load *l, const char *what, int code) {
    if (!l->errors++)
        snprintf(l->first_error, sizeof l->first_error, "%s%s%s", what, code ? ": " : "", code ? strerror(code) : "");
}

/* Latencies go into 32 buckets for each power of two: 3% wide, whatever the range. */
static int bucket_of(uint64_t ns) {
    if (ns < 32) return (int)ns;
    int power = 63 - __builtin_clzll(ns);
    return (power - 4) * 32 + (int)((ns >> (power - 5)) & 31);
}

static uint64_t bucket_value(int bucket) {
    if (bucket < 32) return (uint64_t)bucket;
    int power = bucket / 32 + 4;
    return (1ULL << power) + ((uint64_t)(bucket % 32) << (power - 5));
}

static void record(struct load *l, uint64_t since) {
    if (l->phase != PHASE_MEASURE) return;
    uint64_t ns = l->now - since;
    l->buckets[bucket_of(ns)]++;
    if (ns > l->worst) l->worst = ns;
}

static double percentile_us(const struct load *l, double part) {
    uint64_t total = 0, seen = 0;
    for (int i = 0; i < BUCKETS; i++) total += l->buckets[i];
    for (int i = 0; i < BUCKETS; i++) {
        seen += l->buckets[i];
        if (total && (double)seen >= part * (double)total) return (double)bucket_value(i) / 1e3;
    }
    return 0;
}

static unsigned char *make_pattern(void) {
    unsigned char *p = malloc(PATTERN_PERIOD + CHUNK);
    if (!p) die("malloc");
    uint64_t x = 88172645463325252ULL;
    for (int i = 0; i < PATTERN_PERIOD; i++) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        p[i] = (unsigned char)(x >> 32);
    }
    for (int i = 0; i < CHUNK; i++) p[PATTERN_PERIOD + i] = p[i % PATTERN_PERIOD];
    return p;
}

static const unsigned char *expected(const struct load *l, const struct connection *c, uint64_t offset) {
    return l->pattern + (c->salt + offset) % PATTERN_PERIOD;
}

/* -- opening and closing ------------------------------------------------------------------------------------------- */

static int open_socket(struct load *l, int flags) {
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | flags, 0);
    if (fd < 0) die("socket");
    int one = 1;
    if (l->mode == MODE_CONNECT) {
        struct sockaddr_in from = {.sin_family = AF_INET};
        from.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1 + (uint32_t)(l->opened % SOURCES));
        setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
        if (bind(fd, (struct sockaddr *)&from, sizeof from)) die("bind");
    }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)l->port)};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    l->opened++;
    if (!connect(fd, (struct sockaddr *)&to, sizeof to) || errno == EINPROGRESS) return fd;
    note_error(l, "connect", errno);
    close(fd);
    return -1;
}

static void watch(struct load *l, struct connection *c, uint32_t interest, int how) {
    struct epoll_event e = {.events = interest, .data.ptr = c};
    if (how == EPOLL_CTL_MOD && c->interest == interest) return;
    if (epoll_ctl(l->epoll, how, c->fd, &e)) die("epoll_ctl");
    c->interest = interest;
}

static void start(struct load *l, struct connection *c) {
    uint64_t *sent_at = c->sent_at;
    *c = (struct connection){.fd = open_socket(l, SOCK_NONBLOCK), .sent_at = sent_at, .salt = l->opened * 7919};
    if (c->fd < 0) return;
    l->open++;
    c->target = l->size * l->depth;
    for (uint64_t i = 0; i < l->depth; i++) sent_at[i] = l->now;
    bool edge = l->mode == MODE_CONNECT;
    watch(l, c, edge ? EPOLLIN | EPOLLOUT | EPOLLET : EPOLLIN | EPOLLOUT, EPOLL_CTL_ADD);
}

static void finish(struct load *l, struct connection *c) {
    close(c->fd);
    c->fd = -1;
    l->open--;
    if (l->mode == MODE_CONNECT && l->phase != PHASE_DRAIN) start(l, c);
}

static void fail(struct load *l, struct connection *c, const char *what, int code) {
    note_error(l, what, code);
    finish(l, c);
}

/* -- sending ------------------------------------------------------------------------------------------------------- */

static void half_close(struct connection *c) {
    if (c->half_closed) return;
    c->half_closed = true;
    shutdown(c->fd, SHUT_WR);
}

/* One write of what may be sent now. False when the connection is gone. */
static bool push(struct load *l, struct connection *c) {
    uint64_t left = c->target - c->sent;
    if (left > CHUNK) left = CHUNK;
    ssize_t n = left ? send(c->fd, expected(l, c, c->sent), left, MSG_NOSIGNAL) : 0;
    if (n < 0 && errno != EAGAIN) return fail(l, c, "send", errno), false;
    if (n > 0) c->sent += (uint64_t)n;
    return true;
}

static void push_bulk(struct load *l, struct connection *c) {
    bool room = c->sent - c->received < WINDOW;
    if (l->phase != PHASE_DRAIN && c->sent == c->target && room) c->target += l->size;
    if (!push(l, c)) return;
    bool done = l->phase == PHASE_DRAIN && c->sent == c->target;
    if (done) half_close(c);
    watch(l, c, done || !room ? EPOLLIN : EPOLLIN | EPOLLOUT, EPOLL_CTL_MOD);
}

static void push_echo(struct load *l, struct connection *c) {
    if (!push(l, c)) return;
    watch(l, c, c->sent < c->target ? EPOLLIN | EPOLLOUT : EPOLLIN, EPOLL_CTL_MOD);
}

static void push_once(struct load *l, struct connection *c) {
    if (push(l, c) && c->sent == c->target) half_close(c);
}

static void on_writable(struct load *l, struct connection *c) {
    if (l->mode == MODE_BULK)
        push_bulk(l, c);
    else if (l->mode == MODE_ECHO)
        push_echo(l, c);
    else if (!c->half_closed)
        push_once(l, c);
}

/* -- receiving ----------------------------------------------------------------------------------------------------- */

static void count_answers(struct load *l, struct connection *c) {
    uint64_t whole = c->received / l->size;
    uint64_t fresh = whole - c->answered;
    if (l->mode != MODE_CONNECT) l->messages += fresh;
    if (l->mode != MODE_ECHO) {
        c->answered = whole;
        return;
    }
    for (; c->answered < whole; c->answered++) {
        uint64_t *slot = &c->sent_at[c->answered % l->depth];
        record(l, *slot);
        *slot = l->now;
    }
    if (l->phase != PHASE_DRAIN) c->target += fresh * l->size;
}

static void on_end(struct load *l, struct connection *c) {
    if (!c->half_closed || c->received != c->target) return fail(l, c, "the stream ended early", 0);
    l->progress = l->now;
    if (l->mode == MODE_CONNECT) {
        l->messages++;
        record(l, c->sent_at[0]);
    }
    finish(l, c);
}

/* False when nothing more is to be read now. */
static bool receive(struct load *l, struct connection *c) {
    ssize_t n = recv(c->fd, l->buffer, CHUNK, 0);
    if (n < 0 && errno == EAGAIN) return false;
    if (n < 0) return fail(l, c, "receive", errno), false;
    if (!n) return on_end(l, c), false;
    if (memcmp(l->buffer, expected(l, c, c->received), (size_t)n)) return fail(l, c, "wrong bytes came back", 0), false;
    c->received += (uint64_t)n;
    l->bytes += (uint64_t)n;
    l->progress = l->now;
    if (c->received > c->sent) return fail(l, c, "more came back than was sent", 0), false;
    count_answers(l, c);
    return true;
}

static void on_readable(struct load *l, struct connection *c) {
    if (l->mode == MODE_CONNECT) {
        while (c->fd >= 0 && receive(l, c)) continue;
        return;
    }
    if (!receive(l, c)) return;
    if (l->mode == MODE_BULK) return push_bulk(l, c);
    if (c->sent < c->target) return push_echo(l, c);
    if (l->phase == PHASE_DRAIN && c->received == c->target) half_close(c);
}

static void on_event(struct load *l, struct connection *c, uint32_t events) {
    int before = c->fd;
    if (events & EPOLLOUT) on_writable(l, c);
    if (c->fd == before && c->fd >= 0 && events & (EPOLLIN | EPOLLHUP | EPOLLERR)) on_readable(l, c);
}

/* -- phases -------------------------------------------------------------------------------------------------------- */

/* Connections with nothing under way would never wake again, so the drain is begun for each by hand. */
static void begin_drain(struct load *l) {
    l->phase = PHASE_DRAIN;
    if (l->mode == MODE_CONNECT) return;
    for (int i = 0; i < l->connections; i++) {
        struct connection *c = &l->slots[i];
        if (c->fd >= 0 && c->received == c->target) half_close(c);
    }
}

static void tell_progress(struct load *l) {
    if (l->progress_every <= 0 || l->now < l->told + (uint64_t)(l->progress_every * 1e9)) return;
    l->told = l->now;
    printf("{\"so_far\": {\"messages\": %llu, \"bytes\": %llu}}\n", (unsigned long long)l->messages,
           (unsigned long long)l->bytes);
    fflush(stdout);
}

static void run(struct load *l) {
    struct epoll_event events[EVENTS];
    uint64_t measure_at = l->now + (uint64_t)(l->warm_up * 1e9);
    uint64_t drain_at = measure_at + (uint64_t)(l->seconds * 1e9);
    while (l->open) {
        int n = epoll_wait(l->epoll, events, EVENTS, 10);
        l->now = clock_ns(CLOCK_MONOTONIC);
        if (l->phase == PHASE_WARM && l->now >= measure_at) {
            l->phase = PHASE_MEASURE;
            take_sample(l, &l->begin);
        }
        if (l->phase == PHASE_MEASURE && l->now >= drain_at) {
            take_sample(l, &l->end);
            begin_drain(l);
        }
        if (l->now >= drain_at + DRAIN_LIMIT) break;
        if (l->now >= drain_at + STUCK_LIMIT && l->now >= l->progress + STUCK_LIMIT) break;
        for (int i = 0; i < n; i++) on_event(l, events[i].data.ptr, events[i].events);
        tell_progress(l);
    }
    if (l->phase == PHASE_WARM) take_sample(l, &l->begin);
    if (l->phase != PHASE_DRAIN) take_sample(l, &l->end);
}

/* Connections still there after the drain: all their bytes may have come back and only the end be missing, which is told
 * apart from bytes that never came. */
static int unended(const struct load *l) {
    int count = 0;
    for (int i = 0; i < l->connections; i++) {
        const struct connection *c = &l->slots[i];
        count += c->fd >= 0 && c->half_closed && c->received == c->target;
    }
    return count;
}

/* -- idle connections ---------------------------------------------------------------------------------------------- */

static void exchange(struct load *l, int fd) {
    struct timeval limit = {.tv_sec = 10};
    unsigned char byte = 'x';
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    if (send(fd, &byte, 1, MSG_NOSIGNAL) != 1 || recv(fd, &byte, 1, 0) != 1 || byte != 'x')
        note_error(l, "an idle connection did not answer", errno);
}

static void open_idle(struct load *l) {
    l->idle_fds = calloc((size_t)l->idle + 1, sizeof *l->idle_fds);
    if (!l->idle_fds) die("calloc");
    for (int i = 0; i < l->idle; i++) {
        l->idle_fds[i] = open_socket(l, 0);
        if (l->idle_fds[i] >= 0 && (l->touch || i % PACE == 0 || i == l->idle - 1)) exchange(l, l->idle_fds[i]);
    }
}

static void hold(struct load *l) {
    printf("{\"holding\": %d, \"errors\": %llu}\n", l->idle, (unsigned long long)l->errors);
    fflush(stdout);
    struct pollfd input = {.fd = 0, .events = POLLIN};
    poll(&input, 1, (int)(l->seconds * 1e3));
    for (int i = 0; i < l->idle; i++) {
        if (l->idle_fds[i] >= 0) exchange(l, l->idle_fds[i]);
    }
}

/* -- report and start ---------------------------------------------------------------------------------------------- */

static void report(struct load *l) {
    int without_end = unended(l);
    for (int i = without_end; i < l->open; i++) note_error(l, "bytes never came back", 0);
    const struct sample *a = &l->begin, *b = &l->end;
    printf("{\"messages\": %llu, \"bytes\": %llu, ", (unsigned long long)(b->messages - a->messages),
           (unsigned long long)(b->bytes - a->bytes));
    printf("\"seconds\": %.6f, \"own_cpu\": %.6f, \"cpu\": [", (double)(b->when - a->when) / 1e9,
           (double)(b->own_cpu - a->own_cpu) / 1e9);
    for (int i = 0; i < l->pid_count; i++) printf("%s%.9f", i ? ", " : "", (double)(b->cpu[i] - a->cpu[i]) / 1e9);
    printf("], \"errors\": %llu, \"first_error\": \"%s\", ", (unsigned long long)l->errors, l->first_error);
    printf("\"without_end\": %d, \"latency_us\": {", without_end);
    printf("\"p50\": %.1f, \"p90\": %.1f, \"p99\": %.1f, ", percentile_us(l, 0.5), percentile_us(l, 0.9),
           percentile_us(l, 0.99));
    printf("\"p999\": %.1f, \"max\": %.1f}}\n", percentile_us(l, 0.999), (double)l->worst / 1e3);
}

static enum mode mode_named(const char *name) {
    static const char *const NAMES[] = {"echo", "bulk", "connect", "hold"};
    for (int i = 0; i < 4; i++) {
        if (!strcmp(name, NAMES[i])) return (enum mode)i;
    }
    fprintf(stderr, "load: no such mode: %s\n", name);
    exit(2);
}

static void usage(void) {
    fputs("usage: load echo|bulk|connect|hold PORT [-c connections] [-s size] [-d depth] [-t seconds] [-w warm-up]\n"
          "            [-i idle] [-C core] [-p pid]... [-T] [-r seconds]\n",
          stderr);
    exit(2);
}

static void add_pid(struct load *l, const char *text) {
    if (l->pid_count == MAX_PIDS) usage();
    l->pids[l->pid_count++] = (pid_t)atol(text);
}

static void parse(struct load *l, int argc, char **argv) {
    for (int o; (o = getopt(argc, argv, "c:s:d:t:w:i:C:p:r:T")) != -1;) {
        if (o == 'c')
            l->connections = atoi(optarg);
        else if (o == 's')
            l->size = strtoull(optarg, NULL, 10);
        else if (o == 'd')
            l->depth = strtoull(optarg, NULL, 10);
        else if (o == 't')
            l->seconds = atof(optarg);
        else if (o == 'w')
            l->warm_up = atof(optarg);
        else if (o == 'i')
            l->idle = atoi(optarg);
        else if (o == 'C')
            l->core = atoi(optarg);
        else if (o == 'p')
            add_pid(l, optarg);
        else if (o == 'r')
            l->progress_every = atof(optarg);
        else if (o == 'T')
            l->touch = true;
        else
            usage();
    }
    if (argc - optind != 2 || l->connections < 0 || !l->size || !l->depth || l->size * l->depth > (1 << 30)) usage();
    l->mode = mode_named(argv[optind]);
    l->port = atoi(argv[optind + 1]);
}

static void prepare(struct load *l) {
    cpu_set_t set;
    CPU_ZERO(&set);
    if (l->core >= 0) CPU_SET((size_t)l->core, &set);
    if (l->core >= 0 && sched_setaffinity(0, sizeof set, &set)) die("sched_setaffinity");
    struct rlimit files;
    if (!getrlimit(RLIMIT_NOFILE, &files)) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    l->pattern = make_pattern();
    l->buffer = malloc(CHUNK);
    l->slots = calloc((size_t)l->connections + 1, sizeof *l->slots);
    l->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (!l->buffer || !l->slots || l->epoll < 0) die("prepare");
}

static void open_all(struct load *l) {
    l->now = clock_ns(CLOCK_MONOTONIC);
    for (int i = 0; i < l->connections; i++) {
        l->slots[i].sent_at = calloc(l->depth, sizeof(uint64_t));
        if (!l->slots[i].sent_at) die("calloc");
        start(l, &l->slots[i]);
    }
}

int main(int argc, char **argv) {
    static struct load l = {.connections = 1, .size = 1024, .depth = 1, .seconds = 1, .warm_up = 0.2, .core = -1};
    parse(&l, argc, argv);
    prepare(&l);
    open_idle(&l);
    if (l.mode == MODE_HOLD) {
        hold(&l);
        return l.errors != 0;
    }
    open_all(&l);
    run(&l);
    report(&l);
    return l.errors != 0;
}
