/* netcore: the whole public interface of the C core. */
#ifndef NETCORE_H
#define NETCORE_H

#include "netcore/address.h"
#include "netcore/blocklist.h"
#include "netcore/capi.h"
#include "netcore/loop.h"
#include "netcore/relay.h"
#include "netcore/resolve.h"
#include "netcore/server.h"
#include "netcore/status.h"
#include "netcore/stream.h"
#include "netcore/timer.h"

#endif
