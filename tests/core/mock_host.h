/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A host for tests, behind src/host/host.h. It behaves like VFIO type1: it keeps mappings as they
 * were made, removes only whole ones, and does not map one over another. A violation of these rules
 * by the core is recorded.
 *
 * An unmapped page stays reachable until the next flush, as an IOTLB allows. So mock_reach()
 * reports all that a device may reach.
 *
 * The n-th call of a kind can fail, before or after it has had its effect. There may be an entry
 * limit, and mappings may be split (mock_options).
 *
 * Guest memory is registered with it, as with iommufd. To map memory that was not registered, or to
 * remove a slot that is mapped, is a violation.
 *
 * Its memory comes from malloc(), so that port_alloc() counts only the library's.
 */
#ifndef TESTS_CORE_MOCK_HOST_H
#define TESTS_CORE_MOCK_HOST_H

#include <pthread.h>

#include "host/host.h"

enum mock_call {
	MOCK_MAP,
	MOCK_UNMAP,
	MOCK_FLUSH,
	MOCK_ATTACH,
	MOCK_DETACH,
	MOCK_REPLACE,
	MOCK_CREATE,
	MOCK_GUEST_CREATE,
	MOCK_GUEST_ADD,
	MOCK_GUEST_REMOVE,
	MOCK_CALLS,
	/* Of a host that nests (mock_smmu.h). */
	MOCK_INVALIDATE = MOCK_CALLS,
	MOCK_CONTEXT,
	MOCK_SET_ID,
	MOCK_EVENT,
	MOCK_ALL_CALLS
};

struct mock_options {
	bool split;
	bool lookup;
	uint64_t entry_limit; /* mappings in one space; 0: none */
	uint64_t last;	      /* of the aperture; 0: 2^64 - 1 */
};

struct mock_event {
	enum mock_call call;
	uint64_t first;
	uint64_t last;
};
#define MOCK_EVENTS 4096u

struct mock_list {
	struct host_mapping *mapping; /* ascending */
	size_t number;
	size_t room;
};

#define MOCK_SLOTS 32u

struct mock_guest {
	struct host_vm guest;
	struct host_slot slot[MOCK_SLOTS];
	unsigned int slots;
	bool pinned;
};

struct mock_space {
	struct host_space space;
	struct mock_guest *guest;
	struct mock_list mapped;
	struct mock_list unflushed; /* removed, but still reachable; not sorted */
	struct mock_space *next;
	struct mock_device *devices;
};

struct mock_device {
	struct host_device device;
	struct mock_space *space; /* NULL: detached */
	struct mock_device *next; /* in the space */
};

struct mock_host {
	struct viommu_host host;
	pthread_mutex_t lock;
	struct mock_space *spaces; /* the latest first */
	unsigned int devices;
	unsigned int guests;
	size_t space_bytes, device_bytes; /* of the larger ones of a host that nests */

	uint64_t calls[MOCK_ALL_CALLS];
	struct mock_event event[MOCK_EVENTS]; /* the first ones since mock_forget() */
	size_t events;
	uint64_t breaches;
	char breach[160]; /* the first one */

	/*
	 * The at-th call of a kind from now on, counted from 1, fails with `error`. for_good: all
	 * calls after it fail, too. at 0: no call fails. late: the call fails after it had its
	 * effect (only MOCK_UNMAP).
	 */
	struct {
		uint64_t at;
		bool for_good;
		bool late;
		int error;
	} fail[MOCK_ALL_CALLS];

	/* If not NULL, called within each call before it has an effect. */
	void (*watch)(void *ctx, struct mock_space *space, const struct mock_event *event);
	void *watch_ctx;
};

struct mock_host *mock_create(const struct mock_options *options);
void mock_destroy(struct mock_host *mock);

/* Clears counts and events, but not mappings and breaches. */
void mock_forget(struct mock_host *mock);

/* The at-th call of a kind from now on fails; for_good: so do all after it. 0: no call fails. */
void mock_fail(struct mock_host *mock, enum mock_call call, uint64_t at, bool for_good, int error);

/* The space that was made last. */
struct mock_space *mock_newest(struct mock_host *mock);

/*
 * Whether an attached device reaches a page, and one of the places that an access may reach. stale:
 * only pages that wait for a flush.
 */
bool mock_reach(struct mock_host *mock, const struct mock_space *space, uint64_t iova, unsigned char **hva, uint32_t *prot);
bool mock_reach_stale(struct mock_host *mock, const struct mock_space *space, uint64_t iova);

/*
 * For a host that nests: the mock host's operations and initial state; the beginning and the end of
 * a call (positive errno values; the lock is held in between); a new space, with the lock held.
 */
extern const struct host_ops mock_host_ops;
void mock_init(struct mock_host *mock, const struct mock_options *options);
int mock_enter(struct mock_host *mock, struct mock_space *space, enum mock_call call, uint64_t first, uint64_t last);
int mock_leave(struct mock_host *mock, int error);
void mock_breach(struct mock_host *mock, const char *rule, uint64_t first, uint64_t last);
struct mock_space *mock_add_space(struct mock_host *mock, struct host_vm *guest);

/* Pages mapped in a space. */
uint64_t mock_pages(struct mock_host *mock, const struct mock_space *space);

#endif
