// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Counting allocations and system calls. */
#include "count.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdbool.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

static struct bench_count count;

void *__real_port_alloc(size_t bytes, size_t align);
void *__wrap_port_alloc(size_t bytes, size_t align);
void __real_port_free(void *memory, size_t bytes, size_t align);
void __wrap_port_free(void *memory, size_t bytes, size_t align);

void *__wrap_port_alloc(size_t bytes, size_t align)
{
	void *memory = __real_port_alloc(bytes, align);

	if (memory) {
		__atomic_add_fetch(&count.allocations, 1, __ATOMIC_RELAXED);
		__atomic_add_fetch(&count.bytes, bytes, __ATOMIC_RELAXED);
	}
	return memory;
}

void __wrap_port_free(void *memory, size_t bytes, size_t align)
{
	if (memory)
		__atomic_sub_fetch(&count.bytes, bytes, __ATOMIC_RELAXED);
	__real_port_free(memory, bytes, align);
}

struct bench_count bench_count(void)
{
	return (struct bench_count){
		.allocations = __atomic_load_n(&count.allocations, __ATOMIC_RELAXED),
		.bytes = __atomic_load_n(&count.bytes, __ATOMIC_RELAXED),
	};
}

/* The child's exit status. */
enum { CHILD_DONE = 0, CHILD_FAILED = 1, CHILD_NOT_TRACED = 2 };

/* Stops before and after fn. */
static void child(int (*fn)(void *ctx), void *ctx)
{
	pid_t self = getpid();

	if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) || kill(self, SIGSTOP))
		_exit(CHILD_NOT_TRACED);
	int error = fn(ctx);
	kill(self, SIGSTOP);
	_exit(error ? CHILD_FAILED : CHILD_DONE);
}

static bool wait_for(pid_t pid, int *status)
{
	pid_t got;

	do {
		got = waitpid(pid, status, 0);
	} while (got < 0 && errno == EINTR);
	return got == pid;
}

/* From the first SIGSTOP to the second. The child is traced and stopped. */
static int64_t count_stops(pid_t pid)
{
	int64_t stops = 0;
	int status;

	/* A stop for a system call then differs from a signal. */
	if (ptrace(PTRACE_SETOPTIONS, pid, NULL, (void *)PTRACE_O_TRACESYSGOOD))
		return -errno;
	for (;;) {
		if (ptrace(PTRACE_SYSCALL, pid, NULL, NULL))
			return -errno;
		if (!wait_for(pid, &status) || !WIFSTOPPED(status))
			return -ECHILD;
		if (WSTOPSIG(status) == SIGSTOP)
			break;
		if (WSTOPSIG(status) != (SIGTRAP | 0x80))
			return -EINTR;
		stops++;
	}
	if (ptrace(PTRACE_CONT, pid, NULL, NULL))
		return -errno;
	/* Two stops for each system call. The last one is the kill() that ends this. */
	return stops / 2 - 1;
}

static int64_t count_in_child(int (*fn)(void *ctx), void *ctx)
{
	int64_t calls = -EPERM;
	int status;
	pid_t pid = fork();

	if (pid < 0)
		return -errno;
	if (!pid)
		child(fn, ctx);
	if (!wait_for(pid, &status))
		return -ECHILD;
	if (WIFSTOPPED(status)) {
		calls = count_stops(pid);
		if (calls < 0)
			kill(pid, SIGKILL);
		if (!wait_for(pid, &status))
			return -ECHILD;
	}
	if (WIFEXITED(status) && WEXITSTATUS(status) == CHILD_FAILED)
		return -EIO;
	return calls;
}

static int make_two(void *ctx)
{
	(void)ctx;
	(void)getppid();
	(void)getppid();
	return 0;
}

int64_t bench_system_calls(int (*fn)(void *ctx), void *ctx)
{
	/* Emulators and sandboxes may trace differently: checks a known number. */
	return count_in_child(make_two, NULL) == 2 ? count_in_child(fn, ctx) : -EOPNOTSUPP;
}
