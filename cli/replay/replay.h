/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * `viommu replay`: a capture is carried out on a machine made of the library, a host and plain
 * memory, and everything that can be seen from outside is compared with what the capture says, and
 * with what must always hold.
 *
 *   replay.c      options; one capture after the other; the loop over a capture's records
 *   machine.c     the machine: memory, and the devices behind its IOMMU; made, changed, torn down
 *   zpci/ smmuv3/ a guest IOMMU's own part, behind struct replay_iommu: nothing else here names one
 *   devices.c     --host: hosts that drive the kernel, and which function is which device
 *   oracle.c      the recorded machine's translations, handed out piece by piece for comparison
 *   access.c      comparison by accesses: what the host was given, and not what the library has on record
 *   recorded.c    the last translations of the recorded machine
 *   dma_check.c   the end checked by devices, and the other dma_*.c below it; guest_image.c finds changes in memory
 *   invariant.c   checks after every operation, whatever the guest did
 *   disagree.c    messages about disagreements
 *   summary.c json.c map.c ops.c progress.c    output
 *   pictures.c view.h tables.c     data for the drawing program
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
#define REPLAY_MAX_INSTRUCTIONS 16u /* of one guest IOMMU that are counted apart */
#define REPLAY_IOMMUS		2u
#define REPLAY_MAX_CODES	8u  /* different program exceptions that are counted apart */
#define REPLAY_SHOWN		20u /* disagreements that are printed */
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
	uint64_t dma_pages;		      /* of a function that its device checks in the end, 0 for no check */
	bool overwrite;			      /* what is on a disk may be lost */
	bool limited;			      /* the user set a budget or a shadow limit: a shortage is expected */
	bool qemu;
	bool map;
	bool ops;
	bool json;
	bool quiet;
	bool mute;	      /* no complaint of bad input either: it was made already */
	const char *svg;      /* where to draw what is mapped in the end, NULL for nowhere */
	const char *timeline; /* where to draw what happened over the run */
};

/* A kind of operation of one guest IOMMU. */
struct replay_instruction {
	const char *name;   /* as --ops and --json print it */
	const char *group;  /* in the summary, together with those before and after it of the same group */
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
	bool of[REPLAY_IOMMUS]; /* captures that were counted, by guest IOMMU */
	uint64_t operations;
	struct replay_answers answers[REPLAY_IOMMUS][REPLAY_MAX_INSTRUCTIONS];
	uint64_t refreshes;	   /* RPCITs of the capture; or of domains, that commands asked for */
	uint64_t global_refreshes; /* of these, the ones that cover all that is registered */
	uint64_t make_room_refreshes;
	uint64_t pages_established;
	uint64_t pages_released;
	uint64_t mapped_pages;
	uint64_t mapped_pages_peak;
	uint64_t mapped_pages_peak_operation; /* the first after which there were so many */
	uint64_t pinned_bytes;
	uint64_t pinned_bytes_peak;
	uint64_t shadow_bytes_peak;
	uint64_t guest_bytes;
	uint64_t insufficient_resources; /* instructions that answered so, those that make room included */
	uint64_t exceptions;
	uint64_t events;
	uint64_t skipped;  /* not carried out, because a registration had found no room */
	uint64_t refused;  /* CLP and SCLP operations that the library would not carry out */
	uint64_t left;	   /* MPCIFCs that are not a matter of translation */
	uint64_t commands; /* of a guest IOMMU that has a queue of them */
	uint64_t invalidations;
	uint64_t configurations;
	uint64_t command_errors;
	uint64_t accesses; /* that an oracle's answers were compared by */
	uint64_t misses;   /* of these; with others that came in between */
	uint64_t filled;   /* of the misses, those that the tables had a translation for */
	uint64_t answers_checked;
	uint64_t answers_short; /* of these, the ones that differ because there was no room */
	uint64_t answer_mismatches;
	uint64_t oracle_checks;
	uint64_t oracle_pages;
	uint64_t oracle_mismatches;
	uint64_t oracle_missing;
	uint64_t oracle_unbacked;
	uint64_t invariant_checks;
	uint64_t invariant_violations;
	uint64_t soft_functions;  /* in the end, beside those that are devices */
	uint64_t dma_functions;	  /* whose device checked the end */
	uint64_t dma_unwitnessed; /* of these, the ones whose map is the library's word */
	uint64_t dma_pages;	  /* that it could read and write, or read, as it should */
	uint64_t dma_read_only;	  /* of these, the ones that may only be read */
	uint64_t dma_protected;	  /* of these, the ones that it tried to write */
	uint64_t dma_unmapped;	  /* IOVAs that lead nowhere, and that it tried */
	uint64_t dma_unchecked;	  /* pages that were not tried */
	uint64_t dma_wrong;
	double seconds;
	double library_seconds;
	double miss_seconds; /* of misses that were filled */
};

/* A device behind the guest's IOMMU. */
struct replay_function {
	void *own;		   /* the guest IOMMU's part */
	int device;		   /* of the options' devices; -1: it is on the soft host */
	uint32_t handle;	   /* in the end, where it is checked by its device */
	struct recorded *recorded; /* NULL: on the soft host */
};

enum replay_outcome {
	REPLAY_ANSWERED,
	REPLAY_DONE,	/* an operation without an answer: carried out */
	REPLAY_REFUSED, /* the library did not carry it out; err says why */
	REPLAY_LEFT,	/* not a matter of translation, left to the VMM */
	REPLAY_SKIPPED,
};

/* The operation that was carried out last. */
struct replay_operation {
	struct capture_record record;
	uint64_t number;	  /* from 1 on */
	unsigned int instruction; /* of the guest IOMMU's */
	enum replay_outcome outcome;
	int err;
	uint64_t established, released;	  /* pages */
	struct replay_function *function; /* NULL if it names none */
};

/* Expected for some IOVAs: a translation, or none. */
struct replay_expected {
	bool mapped;
	uint64_t first; /* IOVA */
	uint64_t last;
	uint64_t gpa; /* of the first IOVA */
	uint32_t prot;
};

/* Where in an oracle's answer the comparison is. */
struct replay_oracle {
	bool open;
	struct replay_function *function; /* that it speaks of; NULL if there is none */
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
 * Functions are those of replay->functions. A guest IOMMU may call them something else.
 */
struct replay_iommu {
	enum capture_guest guest;
	bool little_endian;   /* the guest's memory */
	bool accesses;	      /* comparing with an oracle makes translations, as devices' accesses do */
	const char *function; /* what its devices are called: "function" */
	int name_digits;      /* of a function's name, in hexadecimal: at least so many */

	/*
	 * The kinds of operations. answers: an operation has a condition code, a status or an
	 * exception, which are counted.
	 */
	const struct replay_instruction *instructions;
	unsigned int instruction_count;
	bool answers;
	unsigned int (*instruction_of)(const struct capture_record *record);

	/* Why it does not support the options; NULL if it does. May be NULL. */
	const char *(*refuses)(const struct replay_options *options);

	/*
	 * The machine. 0 or a negative errno, with or without replay->problem filled in; destroy is
	 * called in any case, when all functions are gone.
	 */
	int (*create)(struct replay *replay);
	void (*destroy)(struct replay *replay);
	/*
	 * A record that is neither operation nor memory. 0, or -1 with replay->problem filled in.
	 */
	int (*apply)(struct replay *replay, const struct capture_record *record);
	void (*remove)(struct replay_function *function);

	/*
	 * An operation: carries it out, counts it, and compares its answer. replay->operation has
	 * the record and its number.
	 */
	void (*operation)(struct replay *replay);

	/* A function: its name in captures, the IOVAs that it can use, and the library's device. */
	uint32_t (*name)(const struct replay_function *function);
	void (*aperture)(const struct replay_function *function, struct replay_aperture *aperture);
	struct viommu_device *(*device)(const struct replay_function *function);
	/*
	 * The function that a record gives an aperture, and the aperture; NULL where the record
	 * does nothing of the kind. May be NULL without --host.
	 */
	const struct replay_function *(*registers)(struct replay *replay, const struct capture_record *record, uint64_t *first, uint64_t *last);
	void (*stats)(const struct replay_function *function, struct viommu_domain_stats *stats);
	int (*each_run)(const struct replay_function *function, uint64_t first, uint64_t last, int (*fn)(void *ctx, const struct viommu_run *run), void *ctx);

	/*
	 * Whether a function before it, in replay->functions, has the same translations, so that
	 * these are not to be counted once more. May be NULL.
	 */
	bool (*shares)(const struct replay *replay, unsigned int number);

	/*
	 * The function that an oracle speaks of; and whether its answer is true of
	 * replay->oracle.function.
	 */
	struct replay_function *(*asked)(struct replay *replay, const struct capture_oracle *oracle);
	void (*compare)(struct replay *replay, const struct replay_expected *expected);
	/*
	 * For comparisons by accesses (access.c): a function's reader, NULL where its host's translations
	 * cannot be read back; what takes a miss, and answers 0 if there may be a translation now; how
	 * many shortages there have been; and whether a page may be missing, where the user has limited
	 * the library. miss and shortages may be NULL.
	 */
	struct viommu_reader *(*reader)(const struct replay_function *function);
	int (*miss)(struct replay *replay, struct replay_function *function, const struct viommu_fault *fault);
	uint64_t (*shortages)(const struct replay *replay);
	bool (*excuses)(struct replay *replay, uint64_t iova, uint64_t shortages);

	/*
	 * Output about an operation: after its number and instruction in a line of --ops, as
	 * members of an object, and in brackets behind a disagreement.
	 */
	void (*ops)(const struct replay *replay);
	void (*json)(const struct replay *replay, void *object);
	void (*print_operation)(const struct replay *replay);
	/* The sums of its operations, as lines of the summary. */
	void (*summary)(const struct replay_counts *counts);

	/*
	 * For pictures: a function's view (view.h); the names of tables, from the highest to the
	 * lowest, behind a number and in the legend.
	 */
	void (*view)(struct replay *replay, const struct replay_function *function, struct view *view);
	const char *tables[3];
	const char *legends[3];
	/*
	 * The change of the last refresh: noted before and after a record is carried out, and
	 * written for the drawing program. May be NULL.
	 */
	void (*note_before)(struct replay *replay, const struct capture_record *record);
	void (*note_after)(struct replay *replay);
	void (*put_change)(const struct replay *replay, const struct replay_function *function, FILE *to);
};

/* All there are (machine.c), in the order of enum capture_guest. */
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
	uint32_t device_numbers[REPLAY_MAX_DEVICES]; /* of the function whose device it is */
	uint64_t locked_before, pinned_before;	     /* by the kernel for this process */
	char dma_note[300];			     /* why not everything was checked by devices; empty: it was */
	struct viommu_vm *vm;
	struct replay_function functions[REPLAY_MAX_FUNCTIONS];
	unsigned int function_count;
	struct replay_operation operation;
	struct replay_oracle oracle;
	struct replay_counts counts;
	uint64_t disagreements;
	bool complete;	   /* the end of the capture was reached */
	bool stopped;	   /* by --stop-after */
	char problem[600]; /* bad input, for people; empty if there is none */
};

/* machine.c: 0, or -1 with replay->problem filled in. */
int replay_machine_create(struct replay *replay, enum capture_guest guest);
int replay_apply(struct replay *replay, const struct capture_record *record);
/* An operation is carried out, and what must always hold is checked. */
void replay_operation(struct replay *replay, const struct capture_record *record);
/*
 * For guest IOMMUs: the counts of the operation's instruction; whether one more function may come;
 * and one goes.
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
/* Which device a function with this lasting number is; -1: none. */
int replay_device_for(struct replay *replay, uint32_t number);
int replay_device_check(struct replay *replay, uint64_t line, const struct replay_function *function);
/* Of a registration: whether the machine's IOMMU reaches what it registers. */
int replay_aperture_check(struct replay *replay, const struct capture_record *record);
/*
 * The bytes that the kernel has locked (type1, kernel) and pinned (iommufd) for this process. False
 * where it does not say.
 */
bool replay_pinned_by_kernel(uint64_t *locked, uint64_t *pinned);

/* dma_check.c */
void replay_dma_check(struct replay *replay);

/*
 * access.c: compares what is expected with what accesses of replay->oracle.function reach; and whether
 * a page is reached with exactly these rights, without a miss. 0: not at all. True where it cannot be
 * seen.
 */
void replay_access_compare(struct replay *replay, const struct replay_expected *expected);
bool replay_access_is(const struct replay *replay, const struct replay_function *function, uint64_t iova, uint64_t gpa, uint32_t prot);

/* oracle.c */
void replay_oracle_begin(struct replay *replay, const struct capture_oracle *oracle);
void replay_oracle_page(struct replay *replay, const struct capture_page *page);
void replay_oracle_end(struct replay *replay);
/*
 * For guest IOMMUs: the oracle has expected, of which first..last is a part, and the library has
 * something else there: run, or nothing where it is NULL. finder: "the shadow has".
 */
void replay_oracle_differs(struct replay *replay, const struct replay_expected *expected, uint64_t first, uint64_t last, const struct viommu_run *run,
			   const char *finder);
uint64_t replay_pages(uint64_t first, uint64_t last);

/* invariant.c */
void replay_check(struct replay *replay, bool thorough);
/* The kernel's count of what it has pinned. */
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
 * The function with the lowest name from *from on, NULL if there is none. Names are distinct; *from
 * is then above that one's.
 */
const struct replay_function *replay_next_function(const struct replay *replay, uint64_t *from);
void replay_map_each(struct replay *replay, void (*fn)(void *ctx, const struct replay_map_line *line), void *ctx);
void replay_map_lines(struct replay *replay);

/*
 * pictures.c: the runs of a function within a range, as lines for the drawing program. False if
 * there are more than it holds.
 */
bool replay_put_runs(const struct replay *replay, const struct replay_function *function, const char *kind, uint64_t first, uint64_t last, FILE *to);

/* json.c: one document, written as it comes. Each call does nothing where --json was not given. */
struct replay_json {
	bool on;
	bool several; /* captures */
	bool ops;
	uint64_t captures;
	uint64_t operations; /* of this capture, written so far */
	void *map;	     /* a json_t: what was mapped in the end, kept until the rest is known */
};
void replay_json_begin(struct replay_json *json, const struct replay_options *options, bool several);
void replay_json_capture_begin(struct replay_json *json);
void replay_json_operation(struct replay_json *json, const struct replay *replay);
/* The map is taken while the machine still stands; the rest comes after it was torn down. */
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

/* Seconds on a clock that only goes forward. */
double replay_now(void);

#endif
