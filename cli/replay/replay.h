/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * `viommu replay`: repeats a capture on a machine made of the library, a host and plain memory. It
 * compares everything that is visible from outside with the capture, and checks invariants.
 *
 *   replay.c      options; the captures in turn; the loop over a capture's records
 *   machine.c     the machine: memory, and the devices behind its IOMMU
 *   zpci/ streams/ guest IOMMUs, behind struct replay_iommu; no other file names one
 *   devices.c     --host: hosts that drive the kernel, and the assignment of devices to functions
 *   oracle.c      passes the recorded machine's translations on for comparison, piece by piece
 *   access.c      comparison by accesses: tests the host's translation, not the library's record
 *   recorded.c    the last translations of the recorded machine
 *   dma_check.c   the final check by devices, with dma_target.c; guest_image.c finds changed memory
 *   invariant.c   checks after every operation, whatever the guest did
 *   disagree.c    messages about disagreements
 *   summary.c json.c map.c ops.c progress.c    output
 *   pictures.c view.h tables.c                 data for the drawing program
 *
 * Nothing here grows with the length of the capture.
 */
#ifndef VIOMMU_CLI_REPLAY_H
#define VIOMMU_CLI_REPLAY_H

#include <stdbool.h>
#include <stdint.h>

#include <viommu/viommu.h>
#include <viommu/vfio.h>

#include "capture/capture.h"
#include "common/cli.h"
#include "guest.h"
#include "recorded.h"

#define REPLAY_MAX_FUNCTIONS	256u
#define REPLAY_MAX_INSTRUCTIONS 16u /* of one guest IOMMU, counted separately */
#define REPLAY_IOMMUS		CAPTURE_GUESTS
#define REPLAY_MAX_CODES	8u  /* different program exceptions, counted separately */
#define REPLAY_SHOWN		20u /* printed disagreements */
#define REPLAY_MAX_DEVICES	16u

#define REPLAY_DMA_PAGES_DEFAULT UINT64_MAX

enum replay_host { REPLAY_SOFT, REPLAY_TYPE1, REPLAY_IOMMUFD, REPLAY_KERNEL };

struct replay_options {
	uint32_t pin; /* enum viommu_pin_policy */
	uint64_t budget;
	uint64_t shadow;       /* 0: the library's default */
	uint64_t filled_limit; /* bytes of guest memory that a capture may fill */
	uint64_t stop_after;   /* UINT64_MAX: carry all of it out */
	enum replay_host host;
	unsigned int device_count;	      /* with a host that drives the kernel, one at least */
	char devices[REPLAY_MAX_DEVICES][16]; /* their PCI addresses, in full */
	/* of a function, checked by its device at the end; 0: none */
	uint64_t dma_pages;
	bool overwrite; /* data on a disk may be lost */
	/* by the user, with a budget or a shadow limit: shortages are expected */
	bool limited;
	bool qemu;
	bool map;
	bool ops;
	bool json;
	bool quiet;
	bool mute;	      /* no messages about bad input: they were printed already */
	const char *svg;      /* file for the map at the end, NULL: none */
	const char *timeline; /* file for the timeline */
};

/* A kind of operation of one guest IOMMU. */
struct replay_instruction {
	const char *name;   /* as --ops and --json print it */
	const char *group;  /* in the summary; entries of a group are adjacent */
	bool changes_state; /* of the device or the IOMMU: marked in the timeline */
};

struct replay_answers {
	uint64_t count;
	uint64_t cc[4];
	uint64_t status[256]; /* of those with cc 1 */
	struct {
		uint32_t code;
		uint64_t count;
	} exceptions[REPLAY_MAX_CODES];
};

struct replay_counts {
	bool of[REPLAY_IOMMUS]; /* number of captures, by guest IOMMU */
	uint64_t operations;
	struct replay_answers answers[REPLAY_IOMMUS][REPLAY_MAX_INSTRUCTIONS];
	uint64_t refreshes;	   /* RPCITs of the capture, or refreshes of domains by commands */
	uint64_t global_refreshes; /* of these, those of a whole registration */
	uint64_t make_room_refreshes;
	uint64_t pages_established;
	uint64_t pages_released;
	uint64_t mapped_pages;
	uint64_t mapped_pages_peak;
	uint64_t mapped_pages_peak_operation; /* the number of the first operation with that peak */
	uint64_t pinned_bytes;
	uint64_t pinned_bytes_peak;
	uint64_t shadow_bytes_peak;
	uint64_t guest_bytes;
	uint64_t insufficient_resources; /* answers of that kind, also while making room */
	uint64_t exceptions;
	uint64_t events;
	uint64_t skipped;  /* not executed, because a registration had found no room */
	uint64_t refused;  /* CLP and SCLP operations that the library would not carry out */
	uint64_t left;	   /* MPCIFCs that do not concern translation */
	uint64_t commands; /* of a guest IOMMU that has a queue of them */
	uint64_t invalidations;
	uint64_t configurations;
	uint64_t command_errors;
	uint64_t accesses; /* accesses that compared an oracle's answers */
	uint64_t misses;   /* of these; with others that came in between */
	uint64_t filled;   /* of the misses, those with a translation in the tables */
	uint64_t answers_checked;
	uint64_t answers_short; /* of these, those that differ for lack of room */
	uint64_t answer_mismatches;
	uint64_t oracle_checks;
	uint64_t oracle_pages;
	uint64_t oracle_mismatches;
	uint64_t oracle_missing;
	uint64_t oracle_unbacked;
	uint64_t invariant_checks;
	uint64_t invariant_violations;
	uint64_t soft_functions;  /* at the end, without a device */
	uint64_t dma_functions;	  /* checked by their device */
	uint64_t dma_unwitnessed; /* of these, those whose map is the library's own */
	uint64_t dma_pages;	  /* that the device read and wrote, or read, as expected */
	uint64_t dma_read_only;	  /* of these, the ones that may only be read */
	uint64_t dma_protected;	  /* of these, those that it tried to write */
	uint64_t dma_unmapped;	  /* IOVAs without translation that it tried */
	uint64_t dma_unchecked;	  /* pages that were not tried */
	uint64_t dma_wrong;
	double seconds;
	double library_seconds;
	double miss_seconds; /* of misses that were filled */
};

/* A device behind the guest's IOMMU. */
struct replay_function {
	void *own;		   /* the guest IOMMU's part */
	int device;		   /* index of the options' device; -1: it is on the soft host */
	uint32_t handle;	   /* at the end, if its device checks it */
	struct recorded *recorded; /* NULL: on the soft host */
};

enum replay_outcome {
	REPLAY_ANSWERED,
	REPLAY_DONE,	/* an operation without an answer: executed */
	REPLAY_REFUSED, /* the library did not execute it; err is the reason */
	REPLAY_LEFT,	/* does not concern translation: left to the VMM */
	REPLAY_SKIPPED,
};

/* The last operation. */
struct replay_operation {
	struct capture_record record;
	uint64_t number;	  /* from 1 on */
	unsigned int instruction; /* of the guest IOMMU's */
	enum replay_outcome outcome;
	int err;
	uint64_t established, released;	  /* pages */
	struct replay_function *function; /* NULL if it names none */
};

/* The expectation for some IOVAs: a translation, or none. */
struct replay_expected {
	bool mapped;
	uint64_t first; /* IOVA */
	uint64_t last;
	uint64_t gpa; /* of the first IOVA */
	uint32_t prot;
};

/* Progress of the comparison with an oracle's answer. */
struct replay_oracle {
	bool open;
	struct replay_function *function; /* the oracle's; NULL if it does not exist */
	uint64_t next;			  /* everything below was compared */
	uint64_t last;
	bool full; /* everything was */
};

struct replay;
struct view;

/* The IOVAs that a function can use. */
struct replay_aperture {
	bool usable; /* registered, and not blocked */
	bool direct; /* all of guest memory is reached, whatever tables say */
	uint64_t first, last;
};

/*
 * A guest IOMMU's own part of a replay. Everything else calls this table and knows no guest IOMMU.
 * Functions are those of replay->functions. A guest IOMMU may have another name for them.
 */
struct replay_iommu {
	enum capture_guest guest;
	bool little_endian; /* the guest's memory */
	/* comparing with an oracle makes translations, like devices' accesses */
	bool accesses;
	bool write_only;      /* pages may be for stores alone */
	bool widens;	      /* the library lets devices load from these, too */
	const char *function; /* the name of its devices: "function" */
	int name_digits;      /* minimum number of hexadecimal digits of a function's name */

	/*
	 * The kinds of operations. answers: an operation has a condition code, a status or an
	 * exception, which are counted.
	 */
	const struct replay_instruction *instructions;
	unsigned int instruction_count;
	bool answers;
	unsigned int (*instruction_of)(const struct capture_record *record);

	/* The reason why it does not support the options; NULL if it does. May be NULL. */
	const char *(*refuses)(const struct replay_options *options);

	/*
	 * Creates the machine. 0 or a negative errno, with or without replay->problem filled in.
	 * destroy is called in any case, after all functions are gone.
	 */
	int (*create)(struct replay *replay);
	void (*destroy)(struct replay *replay);
	/*
	 * A record that is neither operation nor memory. 0, or -1 with replay->problem filled in.
	 */
	int (*apply)(struct replay *replay, const struct capture_record *record);
	void (*remove)(struct replay_function *function);

	/*
	 * Executes an operation, counts it, and compares its answer. replay->operation has the
	 * record and its number.
	 */
	void (*operation)(struct replay *replay);

	/* A function: its name in captures, the IOVAs that it can use, and the library's device. */
	uint32_t (*name)(const struct replay_function *function);
	void (*aperture)(const struct replay_function *function, struct replay_aperture *aperture);
	struct viommu_device *(*device)(const struct replay_function *function);
	/*
	 * The function whose aperture a record sets, and the aperture; NULL if the record sets
	 * none. May be NULL without --host.
	 */
	const struct replay_function *(*registers)(struct replay *replay, const struct capture_record *record, uint64_t *first, uint64_t *last);
	void (*stats)(const struct replay_function *function, struct viommu_domain_stats *stats);
	int (*each_run)(const struct replay_function *function, uint64_t first, uint64_t last, int (*fn)(void *ctx, const struct viommu_run *run), void *ctx);

	/*
	 * Whether an earlier function in replay->functions has the same translations, so that these
	 * are not counted again. May be NULL.
	 */
	bool (*shares)(const struct replay *replay, unsigned int number);

	/*
	 * The function of an oracle, and whether its answer is valid for replay->oracle.function.
	 */
	struct replay_function *(*asked)(struct replay *replay, const struct capture_oracle *oracle);
	void (*compare)(struct replay *replay, const struct replay_expected *expected);
	/*
	 * For comparisons by accesses (access.c): a function's reader, NULL if its host's
	 * translations cannot be read back; the handler of a miss, which returns 0 if there may be
	 * a translation now; the number of shortages so far; and whether a page may be missing
	 * because of the user's limits. miss and shortages may be NULL.
	 */
	struct viommu_reader *(*reader)(const struct replay_function *function);
	int (*miss)(struct replay *replay, struct replay_function *function, const struct viommu_fault *fault);
	uint64_t (*shortages)(const struct replay *replay);
	bool (*excuses)(struct replay *replay, uint64_t iova, uint64_t shortages);

	/*
	 * Output about an operation: after its number and instruction in a line of --ops, as
	 * members of an object, and in brackets after a disagreement.
	 */
	void (*ops)(const struct replay *replay);
	void (*json)(const struct replay *replay, void *object);
	void (*print_operation)(const struct replay *replay);
	/* The sums of its operations, as lines of the summary. */
	void (*summary)(const struct replay_counts *counts);

	/*
	 * For pictures: a function's view (view.h); the names of tables, from the highest to the
	 * lowest, for counts and the legend.
	 */
	void (*view)(struct replay *replay, const struct replay_function *function, struct view *view);
	const char *tables[3];
	const char *legends[3];
	/*
	 * The change of the last refresh: collected before and after a record is executed, and
	 * written for the drawing program. May be NULL.
	 */
	void (*note_before)(struct replay *replay, const struct capture_record *record);
	void (*note_after)(struct replay *replay);
	void (*put_change)(const struct replay *replay, const struct replay_function *function, FILE *to);
};

/* All guest IOMMUs (machine.c), in the order of enum capture_guest. */
extern const struct replay_iommu *const replay_iommus[REPLAY_IOMMUS];

struct replay {
	const struct replay_options *options;
	const struct replay_iommu *iommu;
	void *own; /* the guest IOMMU's part */
	const char *path;
	struct guest guest;
	struct viommu_host *host;	 /* soft */
	struct viommu_host *kernel_host; /* NULL: there is none */
	unsigned int devices_used;
	uint32_t device_numbers[REPLAY_MAX_DEVICES]; /* function of each device */
	uint64_t locked_before, pinned_before;	     /* pinned by the kernel for this process */
	/* why devices did not check everything; empty: they did */
	char dma_note[300];
	struct viommu_vm *vm;
	struct replay_function functions[REPLAY_MAX_FUNCTIONS];
	unsigned int function_count;
	struct replay_operation operation;
	struct replay_oracle oracle;
	struct replay_counts counts;
	uint64_t disagreements;
	bool complete;	   /* the capture was read to its end */
	bool stopped;	   /* by --stop-after */
	char problem[600]; /* bad input, as text; empty if there is none */
};

/* machine.c: 0, or -1 with replay->problem filled in. */
int replay_machine_create(struct replay *replay, enum capture_guest guest);
int replay_apply(struct replay *replay, const struct capture_record *record);
/* Executes an operation and checks the invariants. */
void replay_operation(struct replay *replay, const struct capture_record *record);
/*
 * For guest IOMMUs: the counts of the operation's instruction; whether one more function fits; and
 * the removal of one.
 */
struct replay_answers *replay_answers_of(struct replay *replay);
int replay_make_place(struct replay *replay, uint64_t line);
void replay_remove_function(struct replay *replay, struct replay_function *function);
void replay_machine_destroy(struct replay *replay);
void replay_problem(struct replay *replay, uint64_t line, const char *format, ...) __attribute__((format(printf, 3, 4)));

/*
 * devices.c: 0, or -1 with replay->problem filled in; replay_hosts_create() returns a negative
 * errno, with or without.
 */
const char *replay_host_name(enum replay_host host);
/* Whether its established translations can be seen: those of the host kernel are the kernel's. */
bool replay_has_runs(const struct replay *replay, const struct replay_function *function);
bool replay_parse_host(const char *text, struct replay_options *to, char *why, size_t why_bytes);
int replay_hosts_create(struct replay *replay);
/* The device of a function with this lasting number; -1: none. */
int replay_device_for(struct replay *replay, uint32_t number);
int replay_device_check(struct replay *replay, uint64_t line, const struct replay_function *function);
/* For a registration: whether the machine's IOMMU has its IOVAs. */
int replay_aperture_check(struct replay *replay, const struct capture_record *record);
/*
 * The number of bytes that the kernel has locked (type1, kernel) and pinned (iommufd) for this
 * process. False if it is unknown.
 */
bool replay_pinned_by_kernel(uint64_t *locked, uint64_t *pinned);

/* dma_check.c */
void replay_dma_check(struct replay *replay);

/*
 * access.c: compares an expectation with the accesses of replay->oracle.function; and whether a
 * page is reached with exactly these rights, without a miss. 0: not at all. True if it cannot be
 * tested.
 */
void replay_access_compare(struct replay *replay, const struct replay_expected *expected);
bool replay_access_is(const struct replay *replay, const struct replay_function *function, uint64_t iova, uint64_t gpa, uint32_t prot);

/* oracle.c */
void replay_oracle_begin(struct replay *replay, const struct capture_oracle *oracle);
void replay_oracle_page(struct replay *replay, const struct capture_page *page);
void replay_oracle_end(struct replay *replay);
/*
 * For guest IOMMUs: the oracle has expected, which includes first..last, and the library has run
 * there, or nothing if it is NULL. finder: "the shadow has".
 */
void replay_oracle_differs(struct replay *replay, const struct replay_expected *expected, uint64_t first, uint64_t last, const struct viommu_run *run,
			   const char *finder);
uint64_t replay_pages(uint64_t first, uint64_t last);

/* invariant.c */
void replay_check(struct replay *replay, bool thorough);
/* The kernel's count of pinned memory. */
void replay_check_kernel(struct replay *replay);
void replay_check_torn_down(struct replay *replay);

/* disagree.c: counts, and prints the first few */
void replay_disagree(struct replay *replay, const char *format, ...) __attribute__((format(printf, 2, 3)));
void replay_disagree_finish(const struct replay *replay);

/* summary.c */
bool replay_agrees(const struct replay_counts *counts);
void replay_summary(const struct replay *replay);
/* One line for several captures. unread: one of them could not be read to its end. */
void replay_summary_total(const struct replay_counts *total, unsigned int captures, bool unread);
void replay_counts_add(struct replay_counts *total, const struct replay_counts *counts);

/* ops.c, map.c: called with every operation, and at the end */
void replay_ops_line(const struct replay *replay);
struct replay_map_line {
	const struct replay_iommu *iommu;
	uint32_t name; /* of the function */
	struct viommu_run run;
};
/*
 * The function with the lowest name from *from on, NULL if there is none. Names are unique. *from
 * is then the next higher name.
 */
const struct replay_function *replay_next_function(const struct replay *replay, uint64_t *from);
void replay_map_each(struct replay *replay, void (*fn)(void *ctx, const struct replay_map_line *line), void *ctx);
void replay_map_lines(struct replay *replay);

/*
 * pictures.c: the runs of a function within a range, as lines for the drawing program. False if
 * there are too many.
 */
bool replay_put_runs(const struct replay *replay, const struct replay_function *function, const char *kind, uint64_t first, uint64_t last, FILE *to);

/* json.c: one document, written during the replay. Without --json each call does nothing. */
struct replay_json {
	bool on;
	bool several; /* captures */
	bool ops;
	uint64_t captures;
	uint64_t operations; /* of this capture, written so far */
	void *map;	     /* a json_t: the final map, kept until the end */
};
/* For replay_iommu.json: a member of an object (a json_t) that is a number in hexadecimal. */
void replay_set_hex(void *object, const char *key, uint64_t value);
void replay_json_begin(struct replay_json *json, const struct replay_options *options, bool several);
void replay_json_capture_begin(struct replay_json *json);
void replay_json_operation(struct replay_json *json, const struct replay *replay);
/* The map is taken before the machine is destroyed, the rest afterwards. */
void replay_json_map(struct replay_json *json, struct replay *replay);
void replay_json_capture_end(struct replay_json *json, struct replay *replay);
void replay_json_end(struct replay_json *json, const struct replay_counts *total);

/* progress.c */
struct replay_progress {
	bool on;
	bool shown;
	unsigned int skipped;
	double shown_at;
};
void replay_progress_begin(struct replay_progress *progress, const struct replay_options *options);
void replay_progress_update(struct replay_progress *progress, const struct replay *replay, const struct capture_reader *reader);
void replay_progress_end(struct replay_progress *progress);

/*
 * replay.c: one capture from beginning to end, added to total. CLI_OK, CLI_DISAGREES or
 * CLI_BAD_INPUT.
 */
int replay_path(const char *path, const struct replay_options *to, struct replay_json *json, struct replay_counts *total);

/* The defaults. */
extern const struct replay_options replay_defaults;

/* Seconds of a monotonic clock. */
double replay_now(void);

#endif
