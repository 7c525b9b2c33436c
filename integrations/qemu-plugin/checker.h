/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Common to all checkers. A checker has a VM of the library's, in QEMU's process and over the same
 * guest memory, and repeats each operation of the guest with it. This file has the VM, the devices,
 * their numbers on the board, messages, and the data oracle. The operations and their comparison
 * belong to the architecture.
 *
 * Results go to a board, or to stderr without a board. The caller holds the observer's lock.
 */
#ifndef VIOMMU_WATCH_CHECKER_H
#define VIOMMU_WATCH_CHECKER_H

#include <stddef.h>

#include <viommu/viommu.h>
#include <viommu/hosts.h>
#include <viommu/reader.h>

#include "arguments.h"
#include "guest_ram.h"
#include "lists.h"
#include "live/board.h"
#include "numbered.h"

#define CHECKED_MAX 256u

/* A line of text under construction. Begins as all zeros. Text that is too long is truncated. */
struct report_line {
	char text[LIVE_MESSAGE_BYTES];
	size_t used;
};
void report_put(struct report_line *line, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* A device seen at some time: a PCI function or a stream. */
struct checked {
	uint32_t id;   /* FID or StreamID */
	void *device;  /* the library's; NULL: none at present */
	char name[64]; /* QEMU's; empty: not known */
	struct viommu_reader *reader;
	struct live_function *numbers;
	struct numbered numbered;
	struct runs before;		  /* its pages before this operation, for the data oracle */
	struct viommu_domain_stats stats; /* when it was last checked */
	uint64_t samples;		  /* number of samples taken of its pages */
	/* The state when it was last reported. */
	uint64_t said_state;
	uint64_t said_root;
};

struct checker;

struct check_ops {
	enum live_iommu iommu;
	const char *device; /* "function with fid", before its id in messages */
	/* Makes the library's IOMMU in checker->vm. 0 or a negative errno. */
	int (*create)(struct checker *checker);
	int (*each_run)(void *device, uint64_t first, uint64_t last, int (*fn)(void *ctx, const struct viommu_run *run), void *ctx);
	void (*stats)(void *device, struct viommu_domain_stats *stats);
	bool widens; /* a page for stores alone may be loaded from */
	/*
	 * A device's access has missed. 0: it may retry. NULL where the guest announces what
	 * becomes valid. For IOMMUs with streams.
	 */
	int (*miss)(void *device, const struct viommu_fault *fault);
	/* Describes the operation, and after its time the device. checked may be NULL. */
	void (*put_operation)(struct report_line *line, const struct capture_record *operation);
	void (*put_device)(struct report_line *line, const struct capture_record *operation, const struct checked *checked);
};

struct checker {
	const struct check_ops *ops;
	const struct arguments *arguments;
	const struct guest_ram *ram;
	struct live_board *board; /* NULL: no checking */
	struct viommu_host *host;
	struct viommu_vm *vm;
	struct checked list[CHECKED_MAX];
	size_t count;
	struct live_function beyond;		/* number of devices without a place on the board */
	const struct capture_record *operation; /* under check */
	unsigned int described[LIVE_ORACLES];	/* its disagreements */
	struct runs now;			/* scratch */
	/* the library's VM exists, and QEMU has not ended */
	bool ready;
};

/* false after an error message. The arguments and *ram must remain valid. */
bool checker_open(struct checker *checker, const struct check_ops *ops, const struct arguments *arguments, const struct guest_ram *ram);

/* The guest IOMMU is another one than that of checker_open(). Before checker_begin(). */
void checker_set_ops(struct checker *checker, const struct check_ops *ops);

/* Main memory was found: makes the VM. */
void checker_begin(struct checker *checker);

/* One more part of guest memory. 0 or a negative errno. */
int checker_add_slot(struct checker *checker, uint64_t gpa, const void *host, uint64_t bytes, uint32_t prot);

/* The entry of a device, a new one if there is none; NULL if there are too many. */
struct checked *checker_device(struct checker *checker, uint32_t id);
void checker_name_device(struct checked *checked, const char *name);

/* An operation is about to be checked: resets messages and the data oracle. */
void checker_begin_operation(struct checker *checker, const struct capture_record *operation);

/* Records a device's pages in a range before an operation; checks those that are gone after it. */
void checker_data_before(struct checker *checker, struct checked *checked, uint64_t first, uint64_t last);
void checker_data_after(struct checker *checker);

/* Counts checks of an oracle. checked may be NULL. */
void checker_count_checks(struct checker *checker, struct checked *checked, enum live_oracle oracle, uint64_t count);

/* Counts checks that an oracle skipped. */
void checker_skip(struct checker *checker, enum live_oracle oracle, uint64_t count);

/*
 * A disagreement of an oracle over `count` of its items. The message begins with the oracle, the
 * operation and the device. Only the first ones of an operation are described.
 */
void checker_disagree(struct checker *checker, struct checked *checked, enum live_oracle oracle, uint64_t count, const char *format, ...)
	__attribute__((format(printf, 5, 6)));

/* Appends "0x1000 rw" or "nothing". */
void checker_put_page(struct report_line *line, uint64_t gpa, uint32_t prot);

void checker_say(struct checker *checker, enum live_message_kind kind, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* The kind of a refresh, from the numbers of pages established and released. */
enum live_kind checker_kind(uint64_t established, uint64_t released);

/* Reads a device's statistics, and adds the pages that came and went since the last time. */
void checker_look(struct checker *checker, struct checked *checked, uint64_t *established, uint64_t *released);

/* The device's state on the board, and the totals of the VM. */
struct checked_state {
	enum live_function_state state;
	bool registered;
	bool direct;
	uint64_t fh;
	uint64_t pba;
	uint64_t pal;
	uint64_t iota;
	uint64_t levels;
};
void checker_put_state(struct checked *checked, const struct checked_state *state);
void checker_count_memory(struct checker *checker);

/* QEMU exits. */
void checker_end(struct checker *checker);

#endif
