#include "netcore/status.h"

typedef struct nc_status_text {
    const char *name;
    const char *text;
} nc_status_text;

#define ROW(name, text) [NC__STATUS_##name] = {#name, text},
static const nc_status_text table[] = {NC_STATUS_TABLE(ROW)};
#undef ROW

static const nc_status_text *row(nc_status status) {
    int index = -(int)status;
    int known = (int)(sizeof table / sizeof table[0]);
    return &table[index >= 0 && index < known ? index : NC__STATUS_UNKNOWN];
}

const char *nc_status_name(nc_status status) {
    return row(status)->name;
}

const char *nc_status_string(nc_status status) {
    return row(status)->text;
}

int nc_status_count(void) {
    return NC__STATUS_COUNT;
}
