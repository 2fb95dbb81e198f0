#include "netcore/capi.h"

void nc_capi_fill(nc_capi *table) {
    table->size = sizeof *table;
#define FILL(result, name, arguments) table->name = nc_##name;
    NC_CAPI_CORE(FILL)
#undef FILL
}
