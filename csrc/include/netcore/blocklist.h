#ifndef NETCORE_BLOCKLIST_H
#define NETCORE_BLOCKLIST_H
#include <stdbool.h>
#include "netcore/address.h"
typedef struct nc_blocklist nc_blocklist;
nc_blocklist *nc_blocklist_retain(nc_blocklist*);
void nc_blocklist_release(nc_blocklist*);
bool nc_blocklist_check(const nc_blocklist*, const nc_addr*);
#endif
