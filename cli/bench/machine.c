// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The machine: its clock, the CPUs for the work, and its description in the results.
 *
 * The clock is CLOCK_MONOTONIC, which user space reads without a system call on most machines. A
 * sample is long compared with a read of it. The cost of a read is printed. The thread's CPU clock
 * takes a system call, and is for samples that are long compared with that.
 */
#include "bench.h"

#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#define LONG_NS UINT64_C(1000000)

static uint64_t read_clock(clockid_t clock)
{
	struct timespec now;

	return clock_gettime(clock, &now) ? 0 : (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

uint64_t bench_now(void)
{
	return read_clock(CLOCK_MONOTONIC);
}

struct bench_watch bench_watch(void)
{
	struct bench_watch watch = { .cpu_begin = read_clock(CLOCK_THREAD_CPUTIME_ID) };

	watch.begin = bench_now();
	return watch;
}

double bench_elapsed(const struct bench_watch *watch)
{
	uint64_t elapsed = bench_now() - watch->begin;

	if (elapsed > LONG_NS)
		elapsed = read_clock(CLOCK_THREAD_CPUTIME_ID) - watch->cpu_begin;
	return (double)elapsed;
}

uint64_t bench_preemptions(void)
{
	struct rusage usage;

	return getrusage(RUSAGE_THREAD, &usage) ? 0 : (uint64_t)usage.ru_nivcsw;
}

void bench_bind(const struct bench_machine *machine, unsigned int which)
{
	cpu_set_t set;

	if (machine->cpu_number[which] < 0)
		return;
	CPU_ZERO(&set);
	CPU_SET((size_t)machine->cpu_number[which], &set);
	(void)sched_setaffinity(0, sizeof(set), &set);
}

/* The text after the colon in the line of a file that begins with a word. */
static bool find_line(const char *path, const char *word, char *text, size_t bytes)
{
	char line[512];
	FILE *file = fopen(path, "r");
	bool found = false;

	if (!file)
		return false;
	while (!found && fgets(line, sizeof(line), file)) {
		const char *colon = strchr(line, ':');
		found = !strncmp(line, word, strlen(word)) && colon;
		if (found) {
			colon += 1 + strspn(colon + 1, " \t");
			snprintf(text, bytes, "%.*s", (int)strcspn(colon, "\n"), colon);
		}
	}
	fclose(file);
	return found;
}

/* The CPUs that share a core with that one, as the kernel writes them. */
static bool core_of(int cpu, char *text, size_t bytes)
{
	char path[96];

	snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%d/topology/thread_siblings_list", cpu);
	FILE *file = fopen(path, "r");
	bool found = file && fgets(text, (int)bytes, file);
	if (file)
		fclose(file);
	return found;
}

static void choose_cpus(struct bench_machine *machine)
{
	char core[2][64];
	cpu_set_t set;

	machine->cpu_number[0] = -1;
	machine->cpu_number[1] = -1;
	CPU_ZERO(&set);
	if (sched_getaffinity(0, sizeof(set), &set))
		return;
	machine->cpus = (unsigned int)CPU_COUNT(&set);
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (!CPU_ISSET((size_t)cpu, &set))
			continue;
		if (machine->cpu_number[0] < 0) {
			machine->cpu_number[0] = cpu;
			continue;
		}
		bool apart =
			!core_of(machine->cpu_number[0], core[0], sizeof(core[0])) || !core_of(cpu, core[1], sizeof(core[1])) || strcmp(core[0], core[1]) != 0;
		if (machine->cpu_number[1] < 0 || apart) {
			machine->cpu_number[1] = cpu;
			machine->siblings = !apart;
		}
		if (apart)
			break;
	}
	/* Whether binding is permitted. */
	CPU_ZERO(&set);
	if (machine->cpu_number[0] >= 0) {
		CPU_SET((size_t)machine->cpu_number[0], &set);
		machine->pinned = !sched_setaffinity(0, sizeof(set), &set);
	}
}

static double clock_cost(void)
{
	double values[99];

	for (unsigned int i = 0; i < 99; i++) {
		uint64_t begin = bench_now();
		for (unsigned int look = 0; look < 30; look++)
			bench_use(bench_now());
		values[i] = (double)(bench_now() - begin) / 31;
	}
	return bench_median(values, 99);
}

static void *do_nothing(void *ctx)
{
	return ctx;
}

/*
 * A C library may simplify locks while there is one thread. A VMM has many, so that must not be
 * measured.
 */
static void end_single_thread(void)
{
	pthread_t thread;

	if (!pthread_create(&thread, NULL, do_nothing, NULL))
		pthread_join(thread, NULL);
}

void bench_machine(struct bench_machine *machine)
{
	struct utsname system;
	char text[64];
	unsigned long long kilobytes;

	*machine = (struct bench_machine){ .cpus = 1 };
	if (!find_line("/proc/cpuinfo", "model name", machine->cpu, sizeof(machine->cpu)) &&
	    !find_line("/proc/cpuinfo", "processor 0", machine->cpu, sizeof(machine->cpu)))
		snprintf(machine->cpu, sizeof(machine->cpu), "unknown CPU");
	if (!uname(&system))
		snprintf(machine->system, sizeof(machine->system), "%.40s %.60s, %.40s", system.sysname, system.release, system.machine);
	if (find_line("/proc/meminfo", "MemAvailable", text, sizeof(text)) && sscanf(text, "%llu", &kilobytes) == 1)
		machine->available = kilobytes * 1024;
	end_single_thread();
	choose_cpus(machine);
	machine->clock_ns = clock_cost();
}
