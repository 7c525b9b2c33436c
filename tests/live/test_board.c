/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The board: histograms compared with a sorted array; the ring of messages with a writer that never
 * waits; files that are not boards.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "live/board.h"

static uint64_t random_state;

static uint64_t random_next(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state;
}

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/*
 * Every value is in the one class that claims it. Classes follow one another without a gap, and
 * none is wider than 6 % of its values.
 */
static void test_classes(void **state)
{
	unsigned int class;

	(void)state;
	assert_int_equal(live_class_first(0), 0);
	for (class = 0; class < LIVE_CLASSES - 1; class ++) {
		uint64_t first = live_class_first(class), last = live_class_last(class), values[2] = { first, last };
		unsigned int i, n;

		assert_true(last >= first);
		assert_true(live_class_first(class + 1) == last + 1);
		assert_true((last - first) * 100 <= first * 6);
		for (i = 0; i < 2; i++) {
			struct live_histogram *histogram = calloc(1, sizeof(*histogram));

			assert_non_null(histogram);
			live_histogram_add(histogram, values[i]);
			for (n = 0; n < LIVE_CLASSES; n++)
				assert_int_equal(histogram->classes[n], n == class);
			free(histogram);
		}
	}
	assert_true(live_class_last(LIVE_CLASSES - 1) == UINT64_MAX);
}

#define VALUES 5000u

static void check_values(const uint64_t *unsorted, unsigned int count)
{
	static const unsigned int percents[] = { 1, 10, 50, 90, 99, 100 };
	struct live_histogram *histogram = calloc(2, sizeof(*histogram));
	uint64_t *sorted = malloc(count * sizeof(*sorted)), total = 0;
	unsigned int i;

	assert_non_null(histogram);
	assert_non_null(sorted);
	for (i = 0; i < count; i++) {
		sorted[i] = unsorted[i];
		total += unsorted[i];
		/* Merging two histograms gives the histogram of all values. */
		live_histogram_add(&histogram[i & 1], unsorted[i]);
	}
	live_histogram_merge(&histogram[0], &histogram[1]);
	qsort(sorted, count, sizeof(*sorted), by_value);
	assert_true(histogram->count == count);
	assert_true(histogram->total == total);
	assert_true(histogram->most == sorted[count - 1]);
	for (i = 0; i < sizeof(percents) / sizeof(percents[0]); i++) {
		/*
		 * The least value of which at least that many per cent of all are not above it, by
		 * counting.
		 */
		uint64_t rank = ((uint64_t)count * percents[i] + 99) / 100, value = sorted[rank - 1];
		uint64_t found = live_histogram_percentile(histogram, percents[i]);
		uint64_t off = found > value ? found - value : value - found;

		assert_true(off * 100 <= value * 3);
	}
	assert_true(live_histogram_median(histogram) == live_histogram_percentile(histogram, 50));
	free(sorted);
	free(histogram);
}

static void test_percentiles(void **state)
{
	uint64_t *values = malloc(VALUES * sizeof(*values));
	unsigned int round, i;

	(void)state;
	assert_non_null(values);
	random_state = 88172645463325252u;
	for (round = 0; round < 40; round++) {
		unsigned int count = round < 8 ? round + 1 : (unsigned int)(random_next() % VALUES) + 1;

		for (i = 0; i < count; i++) {
			/* Of all magnitudes that have a class of their own. */
			values[i] = random_next() >> (64 - LIVE_VALUE_BITS);
			values[i] >>= random_next() % (round % 40 + 1);
		}
		check_values(values, count);
	}
	free(values);
}

static void test_extreme_values(void **state)
{
	struct live_histogram *histogram = calloc(1, sizeof(*histogram));

	(void)state;
	assert_non_null(histogram);
	assert_int_equal(live_histogram_median(histogram), 0);
	live_histogram_add(histogram, 0);
	assert_int_equal(live_histogram_median(histogram), 0);
	live_histogram_add(histogram, UINT64_MAX);
	live_histogram_add(histogram, UINT64_C(1) << 60);
	assert_true(live_histogram_median(histogram) == UINT64_MAX);
	assert_true(histogram->most == UINT64_MAX);
	live_histogram_add(histogram, UINT64_C(1) << LIVE_VALUE_BITS);
	assert_int_equal(histogram->classes[LIVE_CLASSES - 1], 3);
	free(histogram);
}

static struct live_board *new_board(int *fd)
{
	struct live_board *board;

	assert_int_equal(live_board_memfd(fd, &board), 0);
	return board;
}

static void test_messages(void **state)
{
	static const char start[] = "a message that is too long ";
	struct live_message message;
	struct live_board *board;
	char text[3 * LIVE_MESSAGE_BYTES];
	uint64_t next = 0, i;
	int fd;

	(void)state;
	board = new_board(&fd);
	assert_false(live_ring_read(&board->ring, &next, &message));
	live_ring_write(&board->ring, LIVE_EVENT, 7, "first");
	assert_true(live_ring_read(&board->ring, &next, &message));
	assert_string_equal(message.text, "first");
	assert_int_equal(message.kind, LIVE_EVENT);
	assert_int_equal(message.time, 7);
	assert_int_equal(message.sequence, 0);
	assert_false(live_ring_read(&board->ring, &next, &message));

	/* A message that is too long is truncated, with a mark. One that just fits is not. */
	for (i = LIVE_MESSAGE_BYTES - 2; i < LIVE_MESSAGE_BYTES + 2; i++) {
		memset(text, 'x', sizeof(text));
		memcpy(text, start, sizeof(start) - 1);
		text[i] = 0;
		live_ring_write(&board->ring, LIVE_NOTE, 0, text);
		assert_true(live_ring_read(&board->ring, &next, &message));
		if (i < LIVE_MESSAGE_BYTES) {
			assert_string_equal(message.text, text);
		} else {
			assert_int_equal(strlen(message.text), LIVE_MESSAGE_BYTES - 1);
			assert_string_equal(message.text + LIVE_MESSAGE_BYTES - 4, "...");
			assert_memory_equal(message.text, text, LIVE_MESSAGE_BYTES - 4);
		}
	}

	/*
	 * A late reader gets the messages that are still there. Their numbers show how many it has
	 * missed.
	 */
	for (i = 0; i < 2 * LIVE_RING_LINES; i++) {
		snprintf(text, sizeof(text), "%" PRIu64, i + 5);
		live_ring_write(&board->ring, LIVE_NOTE, 0, text);
	}
	for (i = LIVE_RING_LINES; i < 2 * LIVE_RING_LINES; i++) {
		assert_true(live_ring_read(&board->ring, &next, &message));
		assert_int_equal(message.sequence, i + 5);
		assert_int_equal(strtoull(message.text, NULL, 10), i + 5);
	}
	assert_false(live_ring_read(&board->ring, &next, &message));
	live_board_close(board);
	close(fd);
}

/*
 * One thread writes as fast as it can, others read. No message is a mix of two, and none comes
 * twice or out of order. One reader follows the writer. The others always read the oldest message,
 * the next to be overwritten.
 */
#define WRITTEN 30000u
#define READERS 3u

struct reading {
	const struct live_board *board;
	bool oldest;
};

static void *write_messages(void *ctx)
{
	struct live_board *board = ctx;
	char text[LIVE_MESSAGE_BYTES];
	uint64_t i;

	for (i = 0; i < WRITTEN; i++) {
		size_t length = 100 + (size_t)(i % 800);

		/*
		 * Filled with one character, which determines the number, the length and the kind.
		 */
		memset(text, 'a' + (int)(i % 23), length);
		text[length] = 0;
		live_ring_write(&board->ring, (enum live_message_kind)(i % 3), i * 3, text);
	}
	return NULL;
}

static void *read_messages(void *ctx)
{
	const struct reading *reading = ctx;
	uint64_t next = 0, least = 0, end = reading->oldest ? WRITTEN - LIVE_RING_LINES : WRITTEN;
	struct live_message message;
	size_t wrong = 0, i;

	while (least < end) {
		if (reading->oldest)
			next = 0;
		if (!live_ring_read(&reading->board->ring, &next, &message))
			continue;
		wrong += message.sequence < least || message.time != message.sequence * 3 || (uint64_t)message.kind != message.sequence % 3;
		wrong += strlen(message.text) != 100 + message.sequence % 800;
		for (i = 0; message.text[i]; i++)
			wrong += message.text[i] != 'a' + (char)(message.sequence % 23);
		least = message.sequence + !reading->oldest;
	}
	return (void *)(uintptr_t)wrong;
}

static void test_ring_threads(void **state)
{
	struct reading readings[READERS];
	pthread_t writer, readers[READERS];
	struct live_board *board;
	unsigned int i;
	int fd;

	(void)state;
	board = new_board(&fd);
	for (i = 0; i < READERS; i++) {
		readings[i] = (struct reading){ .board = board, .oldest = i > 0 };
		assert_int_equal(pthread_create(&readers[i], NULL, read_messages, &readings[i]), 0);
	}
	assert_int_equal(pthread_create(&writer, NULL, write_messages, board), 0);
	assert_int_equal(pthread_join(writer, NULL), 0);
	for (i = 0; i < READERS; i++) {
		void *wrong;

		assert_int_equal(pthread_join(readers[i], &wrong), 0);
		assert_null(wrong);
	}
	live_board_close(board);
	close(fd);
}

static void *write_numbers(void *ctx)
{
	struct live_board *board = ctx;
	uint64_t i;

	for (i = 1; i <= WRITTEN; i++) {
		live_add(&board->numbers.rpcits, 1);
		live_histogram_add(&board->numbers.overhead, i);
	}
	return NULL;
}

/* Snapshots while numbers are written: the numbers only grow. */
static void test_snapshot_threads(void **state)
{
	struct live_numbers *numbers = malloc(sizeof(*numbers));
	struct live_board *board;
	uint64_t before = 0;
	pthread_t writer;
	int fd;

	(void)state;
	assert_non_null(numbers);
	board = new_board(&fd);
	assert_int_equal(pthread_create(&writer, NULL, write_numbers, board), 0);
	do {
		live_board_snapshot(board, numbers);
		assert_true(numbers->rpcits >= before && numbers->rpcits <= WRITTEN);
		before = numbers->rpcits;
	} while (before < WRITTEN);
	assert_int_equal(pthread_join(writer, NULL), 0);
	live_board_snapshot(board, numbers);
	assert_int_equal(numbers->overhead.count, WRITTEN);
	assert_true(numbers->overhead.total == (uint64_t)WRITTEN * (WRITTEN + 1) / 2);
	live_board_close(board);
	close(fd);
	free(numbers);
}

/* A file in a temporary folder. */
struct place {
	char folder[64];
	char file[96];
};

static int make_place(void **state)
{
	struct place *place = calloc(1, sizeof(*place));

	if (!place)
		return -1;
	strcpy(place->folder, "/tmp/viommu-board-XXXXXX");
	if (!mkdtemp(place->folder))
		return -1;
	snprintf(place->file, sizeof(place->file), "%s/board", place->folder);
	*state = place;
	return 0;
}

static int remove_place(void **state)
{
	struct place *place = *state;

	unlink(place->file);
	rmdir(place->folder);
	free(place);
	return 0;
}

/* Opening a board's file again finds what was written to it. */
static void test_file(void **state)
{
	struct place *place = *state;
	struct live_board *board, *same;
	const char *why;

	assert_int_equal(live_board_open(place->file, false, &board, &why), -ENOENT);
	assert_non_null(why);
	assert_int_equal(live_board_open(place->file, true, &board, &why), 0);
	live_set(&board->numbers.rpcits, 42);
	assert_int_equal(live_board_open(place->file, false, &same, NULL), 0);
	assert_int_equal(live_get(&same->numbers.rpcits), 42);
	/* Also in the other direction. Creating it again does not empty it. */
	live_set(&same->numbers.rpcits, 43);
	assert_int_equal(live_get(&board->numbers.rpcits), 43);
	live_board_close(same);
	assert_int_equal(live_board_open(place->file, true, &same, &why), 0);
	assert_int_equal(live_get(&same->numbers.rpcits), 43);
	live_board_close(same);
	live_board_close(board);
	live_board_close(NULL);
}

/* The files of the command's child. */
static void test_memfd(void **state)
{
	struct live_board *board, *same;
	char path[64];
	int fd;

	(void)state;
	board = new_board(&fd);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	assert_int_equal(fcntl(fd, F_GETFD) & FD_CLOEXEC, 0);
	assert_int_equal(live_board_open(path, true, &same, NULL), 0);
	live_set(&same->numbers.rpcits, 5);
	assert_int_equal(live_get(&board->numbers.rpcits), 5);
	/* No process can truncate the board while others have it mapped. */
	assert_int_equal(ftruncate(fd, 4096), -1);
	live_board_close(same);
	live_board_close(board);
	close(fd);
}

static void write_file(const struct place *place, const void *bytes, size_t count, off_t length)
{
	int fd = open(place->file, O_RDWR | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, count), count);
	if (length)
		assert_int_equal(ftruncate(fd, length), 0);
	close(fd);
}

static void refuse(const struct place *place, const char *word)
{
	struct live_board *board = NULL;
	struct stat before, after;
	const char *why;
	int create;

	for (create = 0; create < 2; create++) {
		assert_int_equal(stat(place->file, &before), 0);
		assert_int_equal(live_board_open(place->file, create, &board, &why), -EINVAL);
		assert_null(board);
		assert_non_null(strstr(why, word));
		/* Any other file belongs to someone and is refused. */
		assert_int_equal(stat(place->file, &after), 0);
		assert_int_equal(before.st_size, after.st_size);
	}
}

static void test_bad_files(void **state)
{
	struct place *place = *state;
	uint64_t header[3] = { LIVE_BOARD_MAGIC, LIVE_BOARD_VERSION, sizeof(struct live_board) };
	off_t whole = sizeof(struct live_board);
	struct live_board *board;
	const char *why;

	write_file(place, "a text", 6, 0);
	refuse(place, "too short");
	write_file(place, "a text", 6, whole);
	refuse(place, "not a board");
	write_file(place, header, sizeof(header), whole - 1);
	refuse(place, "cut short");
	write_file(place, header, 4, 0);
	refuse(place, "too short");

	header[1] = LIVE_BOARD_VERSION + 1;
	write_file(place, header, sizeof(header), whole);
	refuse(place, "another version");
	header[1] = LIVE_BOARD_VERSION;
	header[2]--;
	write_file(place, header, sizeof(header), whole);
	refuse(place, "another size");
	header[2]++;
	header[0] = __builtin_bswap64(header[0]);
	write_file(place, header, sizeof(header), whole);
	refuse(place, "not a board");

	/* A correct board is accepted. */
	header[0] = LIVE_BOARD_MAGIC;
	write_file(place, header, sizeof(header), whole);
	assert_int_equal(live_board_open(place->file, false, &board, &why), 0);
	live_board_close(board);

	/* An empty file becomes a board only for a process that creates one. */
	write_file(place, header, 0, 0);
	assert_int_equal(live_board_open(place->file, false, &board, &why), -EINVAL);
	assert_int_equal(live_board_open("/dev/null", true, &board, &why), -EINVAL);
	assert_non_null(strstr(why, "not a file"));
	assert_true(live_board_open(place->folder, true, &board, &why) < 0);
	assert_non_null(why);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_classes),
		cmocka_unit_test(test_percentiles),
		cmocka_unit_test(test_extreme_values),
		cmocka_unit_test(test_messages),
		cmocka_unit_test(test_ring_threads),
		cmocka_unit_test(test_snapshot_threads),
		cmocka_unit_test_setup_teardown(test_file, make_place, remove_place),
		cmocka_unit_test(test_memfd),
		cmocka_unit_test_setup_teardown(test_bad_files, make_place, remove_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
