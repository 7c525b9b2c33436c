/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The parts of a guest IOMMU with registers and queues, whatever its architecture: register
 * pages, a command queue, an event queue, interrupts, devices found by their ID, and domains that
 * devices with equal configurations share. The architecture embeds these structs and supplies the
 * ops.
 *
 *   iommu.c       creation, reset
 *   pages.c       loads and stores of the register pages; commands
 *   events.c      recording events, also those of nesting hardware
 *   interrupts.c  interrupts, wired or by message
 *   devices.c     devices: added, removed, configured
 *   nesting.c     whether hardware walks the tables of a device
 *   domains.c     the domain of a device's configuration
 *   invalidate.c  invalidations
 *   miss.c        accesses that found no translation
 *   save.c        registers as a stream of bytes
 *   public.h      the public functions that are alike for all architectures, a template
 *
 * A device is attached to the domain that it refers to, and to no other. A domain has as many
 * devices as refer to it, and at least one when `change` is released. Configurations, and the
 * domain of a device, are written with `change` and `lock` held; either is enough to read them.
 *
 * If a host fails to detach a device or to remove a translation, the domain is destroyed, which it
 * cannot refuse. Its devices get a new one, made from what the guest's tables say then. So a
 * command that revokes has revoked when it is done, whatever the host does.
 */
#ifndef VIOMMU_GUEST_COMMON_IOMMU_H
#define VIOMMU_GUEST_COMMON_IOMMU_H

#include <viommu/device.h>
#include <viommu/domain.h>

#include "core/hardware.h"
#include "core/list.h"
#include "guest/common/gate.h"
#include "guest/common/memory.h"
#include "guest/common/queue.h"
#include "guest/common/ranges.h"
#include "guest/common/registers.h"
#include "guest/common/registry.h"
#include "guest/common/shortage.h"

struct guest_device;
struct guest_domain;
struct guest_iommu;

/* The target of a device's configuration. */
enum guest_target {
	GUEST_TARGET_NONE,
	GUEST_TARGET_DIRECT, /* guest memory at IOVA = GPA */
	GUEST_TARGET_TABLES, /* or another record of translations */
};

#define GUEST_KEY_WORDS 8u

/*
 * The guest's configuration of a device, as far as it decides which domain the device is
 * attached to. Devices of one host with equal configurations share a domain.
 */
struct guest_config {
	enum guest_target target;
	/* TABLES: which invalidations apply (an ASID, a domain ID) */
	uint32_t context;
	uint64_t key[GUEST_KEY_WORDS]; /* TABLES: the architecture's words that designate them */
};

struct guest_message {
	uint64_t address; /* 0: the interrupt is wired */
	uint32_t data;
};

/*
 * Messages of commands that are pending, in their order. Where there is no room for one more,
 * commands wait until these are delivered, by the thread that consumes them.
 */
#define GUEST_SIGNALS 16u
struct guest_signals {
	unsigned int number;
	bool waits; /* a command does */
	struct guest_message message[GUEST_SIGNALS];
};

/* Work that a store to a register requests, to be done without `lock`. */
enum {
	GUEST_CONFIGURE = 1, /* read all configurations again */
	GUEST_CONSUME = 2,   /* consume commands */
};

struct guest_iommu_ops {
	uint32_t type; /* enum viommu_domain_type */
	/*
	 * Sizes of the architecture's structs, whose first members are struct guest_device and
	 * struct guest_domain.
	 */
	uint32_t device_bytes;
	uint32_t domain_bytes;

	/*
	 * Registers: the table, and the size of the pages. All of these are called with lock held.
	 */
	const struct guest_register *table;
	unsigned int registers;
	uint32_t page_bytes;
	void (*reset)(struct guest_iommu *iommu); /* NULL: the table has all values */
	unsigned int (*conditions)(const struct guest_iommu *iommu);
	/*
	 * A store's effects besides changing writable bits. Returns GUEST_CONFIGURE and
	 * GUEST_CONSUME.
	 */
	unsigned int (*stored)(struct guest_iommu *iommu, const struct guest_store *store);

	/*
	 * Commands. commands: with lock held, the queue; false if none may be consumed now. While
	 * change is held, it changes by its indices alone, until a command stops it. execute:
	 * without lock; 0, or an error of the architecture. stop: with lock held, reports an error.
	 */
	unsigned int command_words;
	unsigned int unreadable; /* the error of a command that is not in memory */
	bool (*commands)(struct guest_iommu *iommu, struct guest_ring *ring);
	unsigned int (*execute)(struct guest_iommu *iommu, const uint64_t *command);
	void (*stop)(struct guest_iommu *iommu, unsigned int error);

	/*
	 * Events. All of these are called with lock held. events: the queue; false if events are
	 * discarded now. recorded: before the producer's index covers the record. overflow: the
	 * queue was full. abort: the record could not be written. device_id: of the device that a
	 * record of hardware's is about; false: of none.
	 */
	unsigned int event_words;
	bool (*events)(struct guest_iommu *iommu, struct guest_ring *ring);
	void (*recorded)(struct guest_iommu *iommu);
	void (*overflow)(struct guest_iommu *iommu);
	void (*abort)(struct guest_iommu *iommu);
	bool (*device_id)(const uint64_t *record, uint32_t *id);

	/* Interrupts. message: with lock held. The others: without locks. */
	struct guest_message (*message)(const struct guest_iommu *iommu, unsigned int irq);
	void (*wired)(struct guest_iommu *iommu, unsigned int irq);
	void (*msi)(struct guest_iommu *iommu, const struct guest_message *message);

	/* With change held: reads a device's configuration, and stores it with lock held. */
	void (*configure)(struct guest_device *device);
	/* Hardware walks the tables of the device, which has just been configured and attached. */
	void (*attached)(struct guest_device *device);
	/* With change held: a device could not be attached to the domain of its configuration. */
	void (*refused)(struct guest_device *device, int error);
	/*
	 * With change held: makes the domain of domain->config, which has target TABLES. *entries:
	 * how many of the guest's were examined. freed: may be NULL.
	 */
	int (*create)(const struct guest_device *device, struct guest_domain *domain, uint64_t *entries);
	void (*freed)(struct guest_domain *domain);
	/* For hardware: tables through which nothing is reached. */
	struct guest_config nothing;
	/*
	 * Leaves whose entries have none of these bits belong to all contexts. 0: each leaf belongs
	 * to its own. In the CPU's byte order.
	 */
	uint64_t not_global;

	/*
	 * Without locks: answers for an access that has no translation, as guest_device_fault()
	 * does. blocked: of a device with target NONE. unmapped: the tables of config do not
	 * translate it, and walked says why. beyond: the direct domain has nothing at the address.
	 */
	int (*blocked)(struct guest_device *device, const struct viommu_fault *access);
	int (*unmapped)(struct guest_device *device, const struct guest_config *config, const struct viommu_fault *access, const struct viommu_fault *walked);
	int (*beyond)(struct guest_device *device, const struct viommu_fault *access);
};

/*
 * Invalidations for hardware that walks the guest's tables, as the guest wrote them, until it waits
 * for them. host: the one that the entry is for, NULL: each that has such a domain. Where no domain
 * is hardware's, none are kept: one that is made later begins with nothing in the caches.
 */
#define GUEST_BATCH	  64u
#define GUEST_ENTRY_WORDS 2u
struct guest_batch {
	unsigned int number;
	struct viommu_host *host[GUEST_BATCH];
	uint64_t entry[GUEST_BATCH][GUEST_ENTRY_WORDS]; /* little-endian */
};

/* Counted by any thread. */
struct guest_counts {
	port_word commands;	 /* consumed */
	port_word syncs;	 /* of them: waited for what came before */
	port_word configs;	 /* of them: configurations */
	port_word invalidations; /* of them: translations */
	port_word errors;	 /* commands that were refused */
	port_word refreshes;
	port_word insufficient;
	port_word rebuilt;
	port_word faults;
	port_word filled;
	port_word events;
	port_word events_lost;
};

struct guest_iommu {
	const struct guest_iommu_ops *ops;
	struct viommu_vm *vm;
	struct guest_memory memory;
	uint64_t last_address; /* of the guest's physical ones; constant */

	/*
	 * Taken before every other lock but those of the monitor. Held by a thread that changes
	 * configurations, domains, or registers with such an effect, from the first load to the
	 * last effect, however long that takes: commands are consumed, domains made and destroyed
	 * under it.
	 */
	struct port_lock change;
	/*
	 * Taken after `change`, and after the VM's `events`. Held for a few instructions, and for
	 * an access to guest memory, whose lock comes after this one. It guards registers, the
	 * event queue, pending interrupts, and what `change` guards as far as others read it. No
	 * lock of core is taken with it.
	 */
	struct port_lock lock;

	/*
	 * Written with change and lock held. lock suffices for registers whose row says so, and for
	 * the indices and error flags of the event queue.
	 */
	struct guest_registers registers;
	struct guest_registry devices; /* change and lock */
	uint32_t shared;	       /* domains; change and lock */
	uint32_t irqs;		       /* pending: bit n for interrupt n; lock */
	struct guest_signals signals;  /* lock */
	struct list domains;	       /* change */
	uint32_t hardware;	       /* of them: hardware walks the tables; change */
	struct guest_ranges ranges;    /* change */
	/* invalidations of tables and configurations, counted; change */
	uint64_t changes;
	struct guest_batch batch; /* change */
	/*
	 * A device is without the domain of its configuration, and no access will ask for it;
	 * change
	 */
	bool unsettled;
	struct guest_counts counts;
	struct nest_sink sink; /* of events of nesting hardware */
};

/*
 * The resources at a moment when they were too small for a device's domain. An attempt that
 * examines so many entries takes long, and each access asks for another one: so there is none
 * before something has changed. What a host is short of cannot be seen here, so that there is one
 * attempt after some accesses, too.
 */
#define GUEST_SHORTAGE_ENTRIES	0x4000u
#define GUEST_SHORTAGE_ACCESSES 0x1000u
struct guest_shortage {
	bool met;
	unsigned int accesses; /* since then */
	uint64_t changes;      /* of struct guest_iommu */
	const struct slots *slots;
	uint64_t budget, charged, memory;
};

struct guest_device {
	struct guest_id id; /* in iommu->devices */
	struct guest_iommu *iommu;
	struct viommu_host *host;
	struct viommu_device *device;
	bool hardware; /* walks its tables; constant */
	/* With target NONE, what else the architecture knows of the configuration says why. */
	struct guest_config config;	/* change and lock */
	struct guest_domain *domain;	/* that it is attached to, or NULL; change and lock */
	struct guest_shortage shortage; /* change */
	port_word faults;
	port_word events;
};

struct guest_domain {
	struct list in_iommu; /* change */
	struct viommu_host *host;
	struct viommu_domain *domain;
	bool hardware;
	struct guest_config config;
	unsigned int devices; /* change */
	struct guest_gate gate;
};

static inline enum viommu_domain_kind guest_domain_kind(const struct guest_domain *domain)
{
	return viommu_domain_kind(domain->domain);
}

static inline void guest_count(port_word *count)
{
	port_add_relaxed(count, 1);
}

static inline uint64_t guest_counted(const port_word *count)
{
	return port_load_relaxed(count);
}

/* iommu.c */

/* value: of the registers, one for each row of the table. They have their values after a reset. */
void guest_iommu_init(struct guest_iommu *iommu, struct viommu_vm *vm, const struct guest_iommu_ops *ops, uint64_t *value);
/* Removes the devices. */
void guest_iommu_destroy(struct guest_iommu *iommu);
void guest_iommu_reset(struct guest_iommu *iommu);

/* pages.c */

/*
 * A vCPU's load and store: 0, or -EINVAL for one that is not naturally aligned, or beyond the
 * pages.
 */
int guest_iommu_read(struct guest_iommu *iommu, uint64_t offset, unsigned int bytes, uint64_t *value);
int guest_iommu_write(struct guest_iommu *iommu, uint64_t offset, unsigned int bytes, uint64_t value);

/* events.c. Begins to take events of nesting hardware. */
void guest_iommu_listen(struct guest_iommu *iommu);
/* Without locks: records an event about a device, if events are recorded now. */
void guest_device_record(struct guest_device *device, const uint64_t *record);

/* interrupts.c */

/* With lock held: makes an interrupt pending. Without locks: delivers what is pending. */
static inline void guest_iommu_note(struct guest_iommu *iommu, unsigned int irq)
{
	iommu->irqs |= 1u << irq;
}
void guest_iommu_deliver(struct guest_iommu *iommu);
/* The same. True if commands waited for that: the caller is to consume them. */
bool guest_iommu_deliver_for_commands(struct guest_iommu *iommu);

/*
 * With change held: the interrupt of a command, whose message comes with the command. A message to
 * guest memory is stored at once; others are pending, and each is delivered.
 */
void guest_iommu_signal(struct guest_iommu *iommu, unsigned int irq, struct guest_message message);

/*
 * save.c. The caller calls no other function for the guest IOMMU meanwhile. save: the bytes that
 * the stream has, which was written if they fit; 0: no memory. restore: 0, or -EINVAL (logged), and
 * then nothing has changed.
 */
size_t guest_iommu_save(struct guest_iommu *iommu, void *to, size_t bytes);
int guest_iommu_restore(struct guest_iommu *iommu, const void *from, size_t bytes);

#endif
