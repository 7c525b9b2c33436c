/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The ring of messages, interrupted between any two of its loads and stores: a write while a reader
 * copies a message, and a read while the writer stores one. The ring's code is compiled in here
 * with its atomic operations counted. (Threads in test_board.c test the memory order.)
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "live/board.h"

static unsigned int operations;
static unsigned int interrupt_at; /* the operation before which the interruption comes; 0: never */
static void (*interrupt)(void);

static void step(void)
{
	if (++operations == interrupt_at)
		interrupt();
}

static uint64_t stepped_load(const uint64_t *word)
{
	step();
	return __atomic_load_n(word, __ATOMIC_SEQ_CST);
}

static void stepped_store(uint64_t *word, uint64_t value)
{
	step();
	__atomic_store_n(word, value, __ATOMIC_SEQ_CST);
}

#define live_get(word)			     stepped_load(word)
#define live_set(word, value)		     stepped_store(word, value)
#define __atomic_load_n(word, order)	     stepped_load(word)
#define __atomic_store_n(word, value, order) stepped_store(word, value)
#include "live/ring.c"

static struct live_ring ring;
static uint64_t writes;

/* A message with a unique value in each word. */
static void write_one(void)
{
	char text[LIVE_MESSAGE_BYTES];

	memset(text, 'a' + (int)(writes % 23), sizeof(text) - 1);
	text[sizeof(text) - 1] = 0;
	live_ring_write(&ring, (enum live_message_kind)(writes % 3), writes, text);
	writes++;
}

static void check(const struct live_message *message)
{
	size_t i;

	assert_true(message->time == message->sequence);
	assert_int_equal(message->kind, message->sequence % 3);
	for (i = 0; i < LIVE_MESSAGE_BYTES - 1; i++)
		assert_int_equal(message->text[i], 'a' + (char)(message->sequence % 23));
}

static void start(void)
{
	memset(&ring, 0, sizeof(ring));
	writes = 0;
	interrupt_at = 0;
	while (writes < LIVE_RING_LINES)
		write_one();
	operations = 0;
}

/* The oldest message is overwritten while it is read. */
static void test_writer_interrupts(void **state)
{
	unsigned int at = 0, total = 0;

	(void)state;
	interrupt = write_one;
	do {
		struct live_message message;
		uint64_t next = 0;

		start();
		interrupt_at = ++at;
		assert_true(live_ring_read(&ring, &next, &message));
		total = operations;
		check(&message);
		/* The oldest message, or the next one. */
		assert_in_range(message.sequence, 0, 1);
	} while (at <= total);
}

static void read_all(void)
{
	struct live_message message;
	uint64_t next = 0, count = 0;

	while (live_ring_read(&ring, &next, &message)) {
		check(&message);
		count++;
	}
	assert_in_range(count, LIVE_RING_LINES - 1, LIVE_RING_LINES);
}

/* All messages are read while one is written over the oldest. */
static void test_reader_interrupts(void **state)
{
	unsigned int at = 0, total;

	(void)state;
	interrupt = read_all;
	do {
		start();
		write_one();
		total = operations;
		start();
		interrupt_at = ++at;
		write_one();
	} while (at < total);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_writer_interrupts),
		cmocka_unit_test(test_reader_interrupts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
