/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The board: numbers and messages about a guest that is being watched, in memory that the watcher
 * (the QEMU plugin) and the viewer (viommu live) share.
 *
 * It is a file, a memfd as a rule, that both map. The watcher writes, the viewer reads at any time,
 * and neither ever waits for the other: a viewer costs the guest nothing, and the contents stay
 * when QEMU is killed. There is no protocol, only these invariants:
 * - Everything is a 64-bit word that is stored and loaded whole (relaxed atomics): a reader sees
 *   each number as it was at some moment, but not all of them at the same one. Sums must be formed
 *   from one snapshot after the guest has ended.
 * - Counters only grow, and are written by one thread at a time: the watcher has a lock.
 * - A function's entry is filled in before its state becomes "used", and belongs to the same FID
 *   for good.
 * - Messages are read whole or not at all (ring.c).
 * - Magic, version and size are as in this header, or the board is refused. They are in the
 *   machine's own byte order: a board never leaves the machine.
 */
#ifndef VIOMMU_LIVE_BOARD_H
#define VIOMMU_LIVE_BOARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LIVE_BOARD_MAGIC   UINT64_C(0x76696f6d6d75424f) /* "viommuBO" */
#define LIVE_BOARD_VERSION UINT64_C(2)

#define LIVE_FUNCTIONS	   32u
#define LIVE_FUNCTION_NAME 64u

/*
 * The guest's IOMMU. With all but zPCI, a function is a stream: fh and fid are its sid, and iota is
 * TTB0, or the top table.
 */
enum live_iommu { LIVE_ZPCI = 0, LIVE_SMMUV3, LIVE_VTD, LIVE_AMDVI, LIVE_VIRTIO };
#define LIVE_IOMMUS 5u

/* State of the guest. */
enum live_guest { LIVE_GUEST_STARTING = 0, LIVE_GUEST_RUNNING, LIVE_GUEST_ENDED };

/*
 * The end of the guest. The watcher only knows that QEMU exits. The command that started QEMU knows
 * more.
 */
enum live_end { LIVE_END_UNKNOWN = 0, LIVE_END_QEMU_EXITS, LIVE_END_EXIT_STATUS, LIVE_END_SIGNAL };

/* State of a function's entry. */
enum live_function_state { LIVE_FUNCTION_FREE = 0, LIVE_FUNCTION_DISABLED, LIVE_FUNCTION_ENABLED, LIVE_FUNCTION_ERROR, LIVE_FUNCTION_UNPLUGGED };

/* Refreshes by their effect. A refresh of the whole aperture counts only as that. */
enum live_kind {
	LIVE_MAP = 0, /* something was established, nothing released */
	LIVE_UNMAP,   /* something was released, nothing established */
	LIVE_BOTH,
	LIVE_NOTHING, /* nothing had changed */
	LIVE_WHOLE,
	LIVE_KINDS
};

/* Oracles that the library is compared with. docs/live.md, "Comparison". */
enum live_oracle {
	LIVE_WALKER = 0, /* QEMU's walk of the tables; counted in pages */
	LIVE_ANSWER,	 /* condition code, status and exception; counted in operations */
	LIVE_SHADOW,	 /* the page that QEMU's device would reach; counted in pages */
	LIVE_DATA,	 /* the content that the device has put into the page; counted in pages */
	LIVE_ORACLES
};

/* The implementations whose time for the same refresh is measured. */
enum live_timed {
	LIVE_QEMU_WHOLE = 0, /* QEMU's whole instruction */
	/* its walk of the tables; SMMUv3: its answers for the pages that became valid */
	LIVE_QEMU_WALKER,
	/* the library's refresh; SMMUv3: the store of commands, or the misses for those pages */
	LIVE_LIBRARY,
	LIVE_TIMED
};

/*
 * A histogram of values in classes that are a 32nd of their value wide (3.1 %), and one wide below
 * 64. Values of 2^42 and more are in the last class.
 */
#define LIVE_CLASS_BITS 5u
#define LIVE_VALUE_BITS 42u
#define LIVE_CLASSES	((LIVE_VALUE_BITS - LIVE_CLASS_BITS + 1u) << LIVE_CLASS_BITS)

struct live_histogram {
	uint64_t count;
	uint64_t total;
	uint64_t most;
	uint64_t classes[LIVE_CLASSES];
};

struct live_function {
	uint64_t state; /* enum live_function_state */
	uint64_t fh;
	uint64_t fid;
	char name[LIVE_FUNCTION_NAME]; /* QEMU's id of the device, or empty */
	uint64_t registered;	       /* 1 with an IOAT; then: */
	uint64_t direct;	       /* 1 if it works without translation */
	uint64_t pba;
	uint64_t pal;
	uint64_t iota;
	uint64_t levels; /* of tables, as the IOTA designates; 0 in direct operation */
	uint64_t mapped_pages;
	uint64_t mapped_pages_peak;
	uint64_t pinned_bytes; /* of this function; shared ones count for each function */
	uint64_t refreshes[LIVE_KINDS];
	uint64_t established; /* pages, in total */
	uint64_t released;
	uint64_t insufficient; /* refreshes answered "insufficient resources" */
	uint64_t errors;       /* error events */
	uint64_t registrations;
	uint64_t enablings;
	uint64_t pluggings;
	uint64_t checks;	/* by all oracles */
	uint64_t disagreements; /* of all oracles */
};

/* All numbers. Everything in it is a multiple of eight bytes. */
struct live_numbers {
	uint64_t iommu;	       /* enum live_iommu */
	uint64_t guest;	       /* enum live_guest */
	uint64_t end;	       /* enum live_end */
	uint64_t end_value;    /* exit status or signal */
	uint64_t pid;	       /* QEMU's */
	uint64_t started_real; /* CLOCK_REALTIME, ns: when the plugin was loaded */
	uint64_t started;      /* CLOCK_MONOTONIC, ns */
	uint64_t updated;      /* CLOCK_MONOTONIC, ns: the last operation */
	uint64_t ended;	       /* CLOCK_MONOTONIC, ns */
	uint64_t guest_bytes;  /* size of guest memory */
	uint64_t checking;     /* 1 if the library checks */

	uint64_t rpcits;      /* all instructions, whatever the answer */
	uint64_t rpcits_done; /* with condition code 0, as in the guest's own counter */
	uint64_t mpcifcs;
	uint64_t clps; /* functions enabled and disabled */
	/* Of the others instead of those four: */
	uint64_t writes;	/* stores to registers, or requests */
	uint64_t invalidations; /* of translations */
	uint64_t configs;	/* CMD_CFGI_* */
	uint64_t kicks;		/* a device was started, and something had become valid */
	uint64_t refreshes[LIVE_KINDS];
	uint64_t established; /* pages, in total */
	uint64_t released;
	uint64_t insufficient; /* operations answered "insufficient resources" */
	uint64_t errors;       /* error events */

	uint64_t available[LIVE_ORACLES]; /* 1 if the oracle is there */
	uint64_t checks[LIVE_ORACLES];
	uint64_t disagreements[LIVE_ORACLES];
	/* comparisons that were not made: changing tables, unknown outcomes */
	uint64_t skipped[LIVE_ORACLES];
	uint64_t blocks_expected; /* of the numbered disk, 0 if there is none */
	uint64_t blocks_seen;	  /* in order, so far */

	uint64_t mapped_pages; /* at present, of all functions */
	uint64_t mapped_pages_peak;
	uint64_t pinned_bytes;
	uint64_t pinned_bytes_peak;
	uint64_t shadow_bytes;
	uint64_t shadow_bytes_peak;

	uint64_t watch_ns; /* total time of the guest's vCPUs in the watcher */

	struct live_function functions[LIVE_FUNCTIONS];
	struct live_histogram times[LIVE_KINDS][LIVE_TIMED]; /* ns */
	/* ns added by measuring: two consecutive reads of the clock */
	struct live_histogram overhead;
};

/* The messages: the last LIVE_RING_LINES of them, one line each. */
#define LIVE_RING_LINES	   512u
#define LIVE_MESSAGE_BYTES 1000u

enum live_message_kind { LIVE_NOTE = 0, LIVE_EVENT, LIVE_DISAGREEMENT };

struct live_ring_line {
	uint64_t sequence;			/* of the message, plus 1; 0 during a write */
	uint64_t kind;				/* enum live_message_kind */
	uint64_t time;				/* CLOCK_MONOTONIC, ns */
	uint64_t text[LIVE_MESSAGE_BYTES / 8u]; /* ends in at least one byte of 0 */
};

struct live_ring {
	uint64_t written; /* number of messages: the next one's sequence number */
	struct live_ring_line lines[LIVE_RING_LINES];
};

struct live_board {
	uint64_t magic;
	uint64_t version;
	uint64_t size; /* sizeof(struct live_board) */
	struct live_numbers numbers;
	struct live_ring ring;
};

/* A message as a reader gets it. */
struct live_message {
	uint64_t sequence;
	uint64_t time;
	enum live_message_kind kind;
	char text[LIVE_MESSAGE_BYTES];
};

/* Boards. Each function returns 0 or a negative errno; path and message may be NULL. */

/*
 * Creates a board in a memfd, which is not closed on exec: /proc/self/fd/N is its name in a child.
 * The fd belongs to the caller.
 */
int live_board_memfd(int *fd, struct live_board **board);

/*
 * Maps the board in a file. create: an empty file becomes a board, and a missing file is created.
 * Otherwise, and for any file that is not empty, -EINVAL if it is not a board of this version, and
 * *why is the reason.
 */
int live_board_open(const char *path, bool create, struct live_board **board, const char **why);

/* Unmaps it. NULL is allowed. */
void live_board_close(struct live_board *board);

/* Copies all numbers. */
void live_board_snapshot(const struct live_board *board, struct live_numbers *numbers);

/* For the writer, of which there is one. */
static inline void live_set(uint64_t *word, uint64_t value)
{
	__atomic_store_n(word, value, __ATOMIC_RELAXED);
}

static inline uint64_t live_get(const uint64_t *word)
{
	return __atomic_load_n(word, __ATOMIC_RELAXED);
}

static inline void live_add(uint64_t *word, uint64_t value)
{
	live_set(word, live_get(word) + value);
}

/* Histograms: add is for the writer, the other functions are for snapshots. */
void live_histogram_add(struct live_histogram *histogram, uint64_t value);

/* Adds the contents of another one. */
void live_histogram_merge(struct live_histogram *histogram, const struct live_histogram *other);

/*
 * The smallest value that at least `percent` of all values do not exceed, to the width of a class;
 * 0 without values. 50 is the median.
 */
uint64_t live_histogram_percentile(const struct live_histogram *histogram, unsigned int percent);
uint64_t live_histogram_median(const struct live_histogram *histogram);

/* The first and last value of a class, to draw it. */
uint64_t live_class_first(unsigned int class);
uint64_t live_class_last(unsigned int class);

/* Writes a message. A long one is truncated, and ends in "...". One writer at a time. */
void live_ring_write(struct live_ring *ring, enum live_message_kind kind, uint64_t time, const char *text);

/*
 * Reads the message with the number *next, or the oldest later one that is still there, and sets
 * *next to the following number. true if there was one. The message's sequence shows how many were
 * lost. A reader begins with *next = 0.
 */
bool live_ring_read(const struct live_ring *ring, uint64_t *next, struct live_message *message);

#endif
