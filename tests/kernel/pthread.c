/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <linux/atomic.h>
#include <linux/sched.h>
#include <linux/wait_bit.h>

#include <pthread.h>

int pthread_mutex_init(pthread_mutex_t *mutex, const void *attributes)
{
	mutex->locked = 0;
	return 0;
}

int pthread_mutex_destroy(pthread_mutex_t *mutex)
{
	return 0;
}

int pthread_mutex_lock(pthread_mutex_t *mutex)
{
	wait_var_event(&mutex->locked, !cmpxchg_acquire(&mutex->locked, 0, 1));
	return 0;
}

int pthread_mutex_unlock(pthread_mutex_t *mutex)
{
	smp_store_release(&mutex->locked, 0);
	smp_mb(); /* before the look for those that wait */
	wake_up_var(&mutex->locked);
	return 0;
}

int pthread_cond_wait(pthread_cond_t *condition, pthread_mutex_t *mutex)
{
	unsigned int broadcasts = condition->broadcasts;

	pthread_mutex_unlock(mutex);
	wait_var_event(&condition->broadcasts, READ_ONCE(condition->broadcasts) != broadcasts);
	return pthread_mutex_lock(mutex);
}

/* With the mutex held. */
int pthread_cond_broadcast(pthread_cond_t *condition)
{
	WRITE_ONCE(condition->broadcasts, condition->broadcasts + 1);
	smp_mb(); /* as in pthread_mutex_unlock() */
	wake_up_var(&condition->broadcasts);
	return 0;
}

int pthread_barrier_init(pthread_barrier_t *barrier, const void *attributes, unsigned int number)
{
	*barrier = (pthread_barrier_t){ .number = number };
	return 0;
}

int pthread_barrier_destroy(pthread_barrier_t *barrier)
{
	return 0;
}

int pthread_barrier_wait(pthread_barrier_t *barrier)
{
	pthread_mutex_lock(&barrier->mutex);
	if (++barrier->arrived < barrier->number) {
		pthread_cond_wait(&barrier->all, &barrier->mutex);
	} else {
		barrier->arrived = 0;
		pthread_cond_broadcast(&barrier->all);
	}
	return pthread_mutex_unlock(&barrier->mutex);
}
