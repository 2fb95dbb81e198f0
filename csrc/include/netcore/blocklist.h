/* Block lists: sets of addresses, subnets and ranges, and the question whether an address is in one. There is one address
 * space: an IPv4 rule is the rule for the IPv4-mapped IPv6 addresses, and a rule that covers ::ffff:0:0/96 covers IPv4.
 *
 * A list may be shared by any number of threads. Checks take no lock and never wait: they see the list as it was before
 * or after each change, never within one. Changes wait for each other. */
#ifndef NETCORE_BLOCKLIST_H
#define NETCORE_BLOCKLIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "netcore/address.h"
#include "netcore/status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct nc_blocklist nc_blocklist;

enum { NC_RULE_ADDRESS, NC_RULE_SUBNET, NC_RULE_RANGE };

/* A rule as somebody wrote it. A rule holds in every zone: NC_EINVAL meets one whose addresses have a `scope`, because
 * dropping it would block more than was asked for. Ports and flow labels are ignored. */
typedef struct nc_rule {
    nc_addr first;  /* the address; any address of the subnet; the first of the range */
    nc_addr last;   /* the last address of a range, included */
    uint8_t prefix; /* of a subnet: 0 to 32 where `first.family` is 4, else 0 to 128 */
    uint8_t kind;   /* NC_RULE_... */
} nc_rule;

/* Room for any text of nc_rule_format, with its NUL. */
#define NC_RULE_TEXT_MAX (2 * NC_ADDR_TEXT_MAX + 16)

/* Makes an empty list with one reference. NC_ENOMEM. */
nc_status nc_blocklist_new(nc_blocklist **out);

/* Another reference to the same list, which is returned. From any thread. */
nc_blocklist *nc_blocklist_retain(nc_blocklist *list);

/* Gives a reference back; the last one frees the list. NULL is fine. From any thread. */
void nc_blocklist_release(nc_blocklist *list);

/* Adds a rule. Rules may overlap and repeat, except that an address is listed once, as it was written last. All of the rule
 * is there for every check at once. NC_EINVAL for a rule that is none (a prefix out of range, a range that ends before
 * it begins, a scope), NC_ENOMEM; then nothing has changed. */
nc_status nc_blocklist_add(nc_blocklist *list, const nc_rule *rule);

/* Takes one rule away, the newest of several equal ones; what other rules cover stays blocked. Rules are equal where kind,
 * addresses (the host bits of a subnet's too) and prefix are, whichever family they are written in. NC_ENOENT where there
 * is none, NC_EINVAL, NC_ENOMEM; then nothing has changed. */
nc_status nc_blocklist_remove(nc_blocklist *list, const nc_rule *rule);

/* Takes all rules away at once. NC_ENOMEM, with nothing changed, if even that needs more memory than there is. */
nc_status nc_blocklist_clear(nc_blocklist *list);

/* How many rules there are. Never waits. */
size_t nc_blocklist_size(const nc_blocklist *list);

/* Whether a rule covers the address, in whichever zone it is; false for an address of family 0. Never waits. */
bool nc_blocklist_check(const nc_blocklist *list, const nc_addr *addr);

/* Checks `count` addresses of `width` bytes each (4 or 16) that lie one after the other in network order, and sets
 * `mask[i]` to 1 for the blocked ones and 0 for the others. Never waits. */
void nc_blocklist_check_packed(const nc_blocklist *list, const uint8_t *packed, size_t width, size_t count,
                               uint8_t *mask);

/* An address as text, not NUL-terminated. */
typedef struct nc_text {
    const char *at;
    size_t len;
} nc_text;

enum { NC_NOT_AN_ADDRESS = 2 };

/* Checks an address as text, an optional zone included: 1 if it is blocked, 0 if not, NC_NOT_AN_ADDRESS if it is no
 * address of `family` (4 or 6; 0 for either). Never waits. */
int nc_blocklist_check_text(const nc_blocklist *list, nc_text text, int family);

/* nc_blocklist_check_text for many, which is faster than one by one. Never waits. */
void nc_blocklist_check_texts(const nc_blocklist *list, const nc_text *texts, size_t count, int family,
                              uint8_t *answers);

/* Copies up to `cap` rules as Node lists them (addresses, then subnets, then ranges, each newest first), and returns how
 * many there are altogether. Waits for a change under way. */
size_t nc_blocklist_rules(const nc_blocklist *list, nc_rule *out, size_t cap);

/* The bytes that a list holds at this moment: for the set that checks read, and for the log of the rules. */
void nc_blocklist_memory(const nc_blocklist *list, size_t *set, size_t *log);

/* Writes a rule as Node lists it, "Subnet: IPv4 10.0.0.0/8", and a NUL. Returns the length without the NUL, or 0 where
 * `cap` is too small; NC_RULE_TEXT_MAX is always enough. */
size_t nc_rule_format(const nc_rule *rule, char *out, size_t cap);

/* Reads what nc_rule_format writes. NC_EINVAL for anything else. */
nc_status nc_rule_parse(const char *text, size_t len, nc_rule *out);

/* Reads one line of the lists that people download: an address, CIDR, or range "first-last"; an ipset line ("add NAME
 * ENTRY"); comments from '#' or ';' on and blanks around are ignored. NC_ENOENT for a line without a rule, NC_EINVAL for
 * one that is wrong. A subnet keeps the address it was written with, and a rule keeps the family of its text. */
nc_status nc_rule_parse_line(const char *line, size_t len, nc_rule *out);

/* Is told of a wrong line: its number (from 1) and its text without the line end, which lies in the caller's buffer.
 * False stops the load. */
typedef bool (*nc_bad_line)(void *context, size_t line, const char *text, size_t len);

/* Adds the rules of all lines of a text. The lines are read once before anything is added: if `bad` (NULL stands for
 * one that answers false) stops the load, it is NC_EINVAL and nothing has been added. NC_ENOMEM in the middle leaves
 * what was added so far. `added`, if not NULL, is how many rules the text had. */
nc_status nc_blocklist_load(nc_blocklist *list, const char *text, size_t len, nc_bad_line bad, void *context,
                            size_t *added);

#ifdef __cplusplus
}
#endif

#endif
