/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * `viommu bench`: what the library costs, beside what else the same work could cost. Each case
 * measures one piece of work on several lanes: the library on a host, and baselines.
 * docs/benchmarks.md explains every case.
 *
 *   bench.c                    options, and the order of things
 *   case.c                     cases, lanes, and the samples of them
 *   machine.c                  clock, CPUs, memory; the description of the machine
 *   pair.c                     work by two threads on two CPUs
 *   guest.c                    guest memory, and tables in it
 *   walk.c                     the baseline: a walk page by page into a hash table
 *   noop.c                     a host that does nothing
 *   count.c                    allocations and system calls
 *   table.c markdown.c json.c  what the user sees
 *   the others                 the cases, a group a file
 *
 * How a figure comes about, on a machine that is shared and noisy: a run sets a case up anew (new
 * memory, new tables, a new domain), and takes rounds of samples. In a round each lane is sampled
 * once, one right after the other, so that noise hits all alike; each round begins with another
 * lane. A lane's figure in a run is the median of its samples. All cases have a first run before
 * any has a second one. The result is the median over the runs, and their least and largest
 * figures; a ratio is formed within each run.
 */
#ifndef VIOMMU_CLI_BENCH_H
#define VIOMMU_CLI_BENCH_H

#include <regex.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/cli.h"

#define BENCH_LANES	 6u
#define BENCH_MAX_RUNS	 99u
#define BENCH_NAME_BYTES 64u

/* The unit of a figure. */
enum bench_unit {
	BENCH_TIME,	 /* nanoseconds, for all of it */
	BENCH_TIME_EACH, /* nanoseconds, for a page or a call: no larger unit is chosen */
	BENCH_BYTES,
	BENCH_COUNT,
};

/* One way to do a case's work. */
struct bench_lane {
	const char *name;
	bool baseline;
	/*
	 * Takes one sample: its figure, or a negative errno value where something went wrong. NULL
	 * where bench_note() brings the figure.
	 */
	double (*sample)(void *ctx);
	void *ctx;
	/* Aims: 0 where there is none. */
	double at_most;	     /* of the figure */
	double at_least;     /* how many times as fast as the lane `against` */
	bool together;	     /* two threads work at the same time: without two CPUs there is no figure */
	const char *against; /* which baseline a ratio is formed with; NULL: with each */
	bool exact;	     /* at_most is also met by nothing more: counts that must be 0 */
};

struct bench_figure {
	struct bench_lane lane;
	unsigned int runs;
	double values[BENCH_MAX_RUNS];
};

struct bench_case {
	struct bench_case *next;
	char name[BENCH_NAME_BYTES];
	char what[128];
	enum bench_unit unit;
	double size; /* where it stands on the plot, 0 if it does not */
	unsigned int figures;
	struct bench_figure figure[BENCH_LANES];
	char skipped[128]; /* why there are no figures; empty if there are */
};

/* The machine. */
struct bench_machine {
	char cpu[96];
	char system[160];
	unsigned int cpus;  /* that this process may use */
	int cpu_number[2];  /* the ones that work is done on; the second is -1 if there is but one */
	bool pinned;	    /* the process was bound to them */
	bool siblings;	    /* they share a core */
	double clock_ns;    /* that a look at the clock takes */
	uint64_t available; /* bytes of memory */
};

struct bench_options {
	unsigned int runs;
	bool quick;
	bool json;
	bool markdown;
	bool list;
	const char *svg;
	const char *only;
	uint64_t memory; /* that a case may take */
	char **captures;
	int capture_count;
};

struct bench {
	struct bench_options options;
	struct bench_machine machine;
	regex_t only;
	struct bench_case *cases, **cases_end;
	unsigned int run;   /* from 0 on */
	uint64_t disturbed; /* samples that were taken again, since the kernel had taken the CPU away */
	uint64_t samples;
	uint64_t lost;	/* by threads that a sample has made: times that the kernel took the CPU away from one */
	bool failed;	/* something was not as it should be */
	bool bad_input; /* a capture was not */
};

/* bench.c: shows the current measurement on a terminal. */
void bench_progress(const struct bench *bench, const struct bench_case *one);

/* case.c */

/*
 * The case of that name for one more run, made in the first. NULL where the user wants others only,
 * where it was skipped before, or where there is no memory for it.
 */
struct bench_case *bench_case(struct bench *bench, enum bench_unit unit, const char *what, const char *name, ...) __attribute__((format(printf, 4, 5)));

/* One run of a case: samples of all its lanes. */
void bench_measure(struct bench *bench, struct bench_case *one, const struct bench_lane *lanes, unsigned int number);

/* A figure that needs no samples. */
void bench_note(struct bench_case *one, const struct bench_lane *lane, double value);

/* There is nothing to measure on this machine; or (fail) something was not as it should be. */
void bench_skip(struct bench_case *one, const char *format, ...) __attribute__((format(printf, 2, 3)));
void bench_fail(struct bench *bench, struct bench_case *one, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* The middle one, the mean of the two middle ones. Sorts the values. */
double bench_median(double *values, unsigned int number);

/* Of a figure over the runs. */
struct bench_spread {
	double median, least, most;
};
struct bench_spread bench_spread(const struct bench_figure *figure);
/* How many times as fast as the baseline, run by run. */
struct bench_spread bench_ratio(const struct bench_figure *figure, const struct bench_figure *baseline);
/* The baseline at a place in the case that a figure is compared with, NULL if it is not one. */
const struct bench_figure *bench_against(const struct bench_case *one, const struct bench_figure *figure, unsigned int place);

enum bench_verdict { BENCH_NO_AIM, BENCH_MET, BENCH_MISSED };
enum bench_verdict bench_verdict(const struct bench_case *one, const struct bench_figure *figure);

/* machine.c */
void bench_machine(struct bench_machine *machine);
/* Binds the calling thread to one of the two CPUs. */
void bench_bind(const struct bench_machine *machine, unsigned int which);
/* Nanoseconds on a clock that only goes forward. */
uint64_t bench_now(void);
/*
 * A stopwatch for one thread that never waits. Below a millisecond it gives the time that has
 * passed; above, where a busy machine lets others run in between, the time that the thread has had
 * a CPU.
 */
struct bench_watch {
	uint64_t begin, cpu_begin;
};
struct bench_watch bench_watch(void);
double bench_elapsed(const struct bench_watch *watch);
/* How often the kernel has taken the CPU away from the calling thread. */
uint64_t bench_preemptions(void);
/* Keeps the compiler from removing the computation of a value. */
static inline void bench_use(uint64_t value)
{
	__asm__ volatile("" : : "r"(value) : "memory");
}

/*
 * pair.c: runs work by one or two threads, each on a CPU of its own, and returns the nanoseconds
 * from the first beginning to the last end.
 */
struct bench_work {
	/* 0 or a negative errno value */
	int (*fn)(void *ctx);
	void *ctx;
};
double bench_together(struct bench *bench, const struct bench_work *work, unsigned int threads);

/* Groups of cases. Each is called once a run. */
void bench_changes(struct bench *bench);
void bench_same(struct bench *bench);
void bench_tracking(struct bench *bench);
void bench_arm64(struct bench *bench);
void bench_smmuv3(struct bench *bench);
void bench_life(struct bench *bench);
void bench_translate(struct bench *bench);
void bench_vcpus(struct bench *bench);
void bench_hold(struct bench *bench);
void bench_memory(struct bench *bench);
void bench_steady(struct bench *bench);
void bench_captures(struct bench *bench);
/* The name of a capture's case. */
void bench_capture_name(const char *path, char name[BENCH_NAME_BYTES]);

/* table.c, markdown.c, json.c */
void bench_table(const struct bench *bench);
/* "12.3 ns": three digits, in a unit that fits. */
void bench_print_value(char *text, size_t bytes, enum bench_unit unit, double value);
/* "80.0 ns, 5 times": empty where there is none. */
void bench_print_aim(char *text, size_t bytes, enum bench_unit unit, const struct bench_lane *lane);
void bench_markdown(const struct bench *bench);
void bench_json(const struct bench *bench);
/* The picture. False, with a complaint, if it could not be drawn. */
bool bench_draw(const struct bench *bench, const char *path);

#endif
