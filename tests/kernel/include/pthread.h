/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * POSIX threads are threads of the kernel: cmocka.c. Locks are words, since tests initialise them
 * on their stacks, too.
 */
#ifndef TESTS_KERNEL_PTHREAD_H
#define TESTS_KERNEL_PTHREAD_H

#include <linux/types.h>

typedef struct test_thread *pthread_t;
typedef struct {
	unsigned int locked;
} pthread_mutex_t;
typedef struct {
	unsigned int broadcasts;
} pthread_cond_t;
typedef struct {
	pthread_mutex_t mutex;
	unsigned int number, arrived;
	pthread_cond_t all;
} pthread_barrier_t;

#define PTHREAD_MUTEX_INITIALIZER \
	{                         \
		0                 \
	}
#define PTHREAD_COND_INITIALIZER \
	{                        \
		0                \
	}

int pthread_create(pthread_t *out, const void *attributes, void *(*function)(void *), void *argument);
int pthread_join(pthread_t thread, void **result);
int pthread_mutex_init(pthread_mutex_t *mutex, const void *attributes);
int pthread_mutex_destroy(pthread_mutex_t *mutex);
int pthread_mutex_lock(pthread_mutex_t *mutex);
int pthread_mutex_unlock(pthread_mutex_t *mutex);
int pthread_cond_wait(pthread_cond_t *condition, pthread_mutex_t *mutex);
int pthread_cond_broadcast(pthread_cond_t *condition);
int pthread_barrier_init(pthread_barrier_t *barrier, const void *attributes, unsigned int number);
int pthread_barrier_destroy(pthread_barrier_t *barrier);
int pthread_barrier_wait(pthread_barrier_t *barrier);

#endif
