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
 *   iommus.c iommu_*.c         guest IOMMUs: the cases, and a kind each
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
	 * Takes one sample: its figure, or a negative errno after an error. NULL if bench_note()
	 * supplies the figure.
	 */
	double (*sample)(void *ctx);
	void *ctx;
	/* Aims: 0 for none. */
	double at_most;	     /* upper limit of the figure */
	double at_least;     /* minimum ratio to the lane `against` */
	bool together;	     /* two threads work at the same time: needs two CPUs */
	const char *against; /* the baseline of the ratio; NULL: each */
	bool exact;	     /* at_most includes the value itself: for counts that must be 0 */
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
	double size; /* its place on the plot, 0: none */
	unsigned int figures;
	struct bench_figure figure[BENCH_LANES];
	char skipped[128]; /* why there are no figures; empty if there are */
};

/* The machine. */
struct bench_machine {
	char cpu[96];
	char system[160];
	unsigned int cpus;  /* that this process may use */
	int cpu_number[2];  /* CPUs of the measured work; the second is -1 if there is only one */
	bool pinned;	    /* the process was bound to them */
	bool siblings;	    /* they share a core */
	double clock_ns;    /* cost of a read of the clock */
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
	uint64_t memory; /* memory limit of a case */
	char **captures;
	int capture_count;
};

struct bench {
	struct bench_options options;
	struct bench_machine machine;
	regex_t only;
	struct bench_case *cases, **cases_end;
	unsigned int run;   /* from 0 on */
	uint64_t disturbed; /* samples repeated because the kernel took the CPU away */
	uint64_t samples;
	uint64_t lost;	/* preemptions of threads that a sample has created */
	bool failed;	/* a check failed */
	bool bad_input; /* of a capture */
};

/* bench.c: shows the current measurement on a terminal. */
void bench_progress(const struct bench *bench, const struct bench_case *one);

/* case.c */

/*
 * The case of that name for one more run, created in the first run. NULL if the user has not
 * selected it, if it was skipped before, or if memory is short.
 */
struct bench_case *bench_case(struct bench *bench, enum bench_unit unit, const char *what, const char *name, ...) __attribute__((format(printf, 4, 5)));

/* One run of a case: samples of all its lanes. */
void bench_measure(struct bench *bench, struct bench_case *one, const struct bench_lane *lanes, unsigned int number);

/* A figure that needs no samples. */
void bench_note(struct bench_case *one, const struct bench_lane *lane, double value);

/* This machine cannot measure it; or (fail) a check failed. */
void bench_skip(struct bench_case *one, const char *format, ...) __attribute__((format(printf, 2, 3)));
void bench_fail(struct bench *bench, struct bench_case *one, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* True if a setup returned 0. Otherwise its negative errno becomes the case's failure. */
bool bench_is_set_up(struct bench *bench, struct bench_case *one, int error);

/* The median, the mean of the two middle values for an even number. Sorts the values. */
double bench_median(double *values, unsigned int number);

/* The figure over all runs. */
struct bench_spread {
	double median, least, most;
};
struct bench_spread bench_spread(const struct bench_figure *figure);
/* The ratio to the baseline, run by run. */
struct bench_spread bench_ratio(const struct bench_figure *figure, const struct bench_figure *baseline);
/* The n-th baseline of the case that a figure is compared with, NULL if it is not one. */
const struct bench_figure *bench_against(const struct bench_case *one, const struct bench_figure *figure, unsigned int place);

enum bench_verdict { BENCH_NO_AIM, BENCH_MET, BENCH_MISSED };
enum bench_verdict bench_verdict(const struct bench_case *one, const struct bench_figure *figure);

/* machine.c */
void bench_machine(struct bench_machine *machine);
/* Binds the calling thread to one of the two CPUs. */
void bench_bind(const struct bench_machine *machine, unsigned int which);
/* Nanoseconds of a monotonic clock. */
uint64_t bench_now(void);
/*
 * A stopwatch for one thread that never waits. Below a millisecond it gives wall time. Above, where
 * a busy machine may preempt the thread, it gives the thread's CPU time.
 */
struct bench_watch {
	uint64_t begin, cpu_begin;
};
struct bench_watch bench_watch(void);
double bench_elapsed(const struct bench_watch *watch);
/* The number of preemptions of the calling thread. */
uint64_t bench_preemptions(void);
/* Keeps the compiler from removing a computation. */
static inline void bench_use(uint64_t value)
{
	__asm__ volatile("" : : "r"(value) : "memory");
}

/*
 * pair.c: runs work in one or two threads, each on its own CPU. Returns the nanoseconds from the
 * first start to the last end.
 */
struct bench_work {
	/* 0 or a negative errno */
	int (*fn)(void *ctx);
	void *ctx;
};
double bench_together(struct bench *bench, const struct bench_work *work, unsigned int threads);

/* Groups of cases. Each is called once in each run. */
void bench_changes(struct bench *bench);
void bench_same(struct bench *bench);
void bench_tracking(struct bench *bench);
void bench_arm64(struct bench *bench);
void bench_iommus(struct bench *bench);
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
/* "80.0 ns, 5 times": empty without an aim. */
void bench_print_aim(char *text, size_t bytes, enum bench_unit unit, const struct bench_lane *lane);
void bench_markdown(const struct bench *bench);
void bench_json(const struct bench *bench);
/* The picture. False, with an error message, if drawing failed. */
bool bench_draw(const struct bench *bench, const char *path);

#endif
