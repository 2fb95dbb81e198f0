/* Runs a fuzz target without a fuzzer: on every file it is given, and on ROUNDS random changes of them, the same ones each
 * time. A compiler without libFuzzer can so run the same targets.
 *
 * Usage: replay ROUNDS FILE... */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { INPUT_MAX = 4096 };

static uint64_t state = 88172645463325252u;

static uint64_t draw(uint64_t below) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (state >> 11) % below;
}

/* A copy of exactly that size, so that the sanitizer sees its end. */
static void try_it(const uint8_t *data, size_t size) {
    uint8_t *copy = malloc(size > 0 ? size : 1);
    if (copy == NULL) exit(2);
    memcpy(copy, data, size);
    LLVMFuzzerTestOneInput(copy, size);
    free(copy);
}

static size_t read_file(const char *name, uint8_t *data) {
    FILE *file = fopen(name, "rb");
    if (file == NULL) exit(2);
    size_t size = fread(data, 1, INPUT_MAX, file);
    fclose(file);
    return size;
}

static size_t change(uint8_t *data, size_t size) {
    static const char letters[] = "0123456789abcdefx.:%[]/@?#- \t\n\r;+\0F";
    for (uint64_t n = draw(4) + 1; n > 0; n--) {
        size_t at = (size_t)draw(size + 1);
        size_t length = (size_t)draw(6);
        if (draw(3) == 0 && at + length < size) {
            memmove(data + at, data + at + length, size - at - length);
            size -= length;
        } else if (at < size && draw(2) == 0) {
            data[at] = draw(8) == 0 ? (uint8_t)draw(256) : (uint8_t)letters[draw(sizeof letters)];
        } else if (size < INPUT_MAX) {
            memmove(data + at + 1, data + at, size - at);
            data[at] = (uint8_t)letters[draw(sizeof letters)];
            size++;
        }
    }
    return size;
}

int main(int argc, char **argv) {
    static uint8_t data[INPUT_MAX + 1];
    for (int i = 2; i < argc; i++) try_it(data, read_file(argv[i], data));
    for (long rounds = argc > 2 ? strtol(argv[1], NULL, 10) : 0; rounds > 0; rounds--) {
        size_t size = read_file(argv[2 + draw((uint64_t)argc - 2)], data);
        try_it(data, change(data, size));
    }
    return 0;
}
