/* Any bytes as an address. What the parsers accept must be written and read back as the same address; a NUL byte belongs to
 * none. The input lies at the end of its own block, so that the sanitizer sees a read beyond it. */
#include <stdlib.h>
#include <string.h>

#include "netcore/address.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int good) {
    if (!good) abort();
}

static void same_again(const nc_addr *addr) {
    char text[NC_ADDR_TEXT_MAX];
    nc_addr again;
    size_t len = nc_addr_format(addr, text, sizeof text);
    require(len > 0 && len < sizeof text && text[len] == '\0');
    require(nc_addr_format(addr, text, len) == 0);
    require(nc_addr_parse(text, len, &again) == NC_OK);
    require(again.family == addr->family && memcmp(again.ip, addr->ip, 16) == 0);
    require(nc_is_ip(text, len) == addr->family);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char *text = malloc(size + 1);
    require(text != NULL);
    memmove(text + 1, data, size);
    nc_addr addr;
    nc_zone zone;
    int nul = memchr(text + 1, '\0', size) != NULL;
    nc_status status = nc_addr_parse_zoned(text + 1, size, &addr, &zone);
    require(nc_is_ip(text + 1, size) == (status == NC_OK ? addr.family : 0));
    if (status == NC_OK) {
        require(!nul && (zone.name == NULL || (addr.family == 6 && zone.len > 0)));
        same_again(&addr);
    }
    if (nc_addr_parse_url(text + 1, size, &addr) == NC_OK) {
        require(!nul && addr.scope == 0);
        same_again(&addr);
    }
    free(text);
    return 0;
}
