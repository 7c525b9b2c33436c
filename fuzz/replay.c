/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Runs a fuzzer's function without libFuzzer, for the tests, and to debug a finding: on files, and
 * on the files of folders, once each, or on bytes from a PRNG. Prints the number of inputs.
 *
 * usage: replay-NAME FILE...
 *        replay-NAME --random INPUTS SEED [HEADER FILE...]
 *
 * Random inputs have the seeds SEED, SEED + 1, and so on; the seed of one that aborts is printed.
 * With files, an input is a sequence of some of them with some bytes changed. Their header (of so
 * many bytes) is used once. This is for fuzzers whose programs have no effect without an order.
 */
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "input.h"

#define MOST_BYTES   (1u << 20)
#define RANDOM_BYTES 6000u

#define MOST_FILES 256u

static unsigned int inputs;
static volatile uint64_t seed;

/* The files whose bytes random inputs combine. */
static struct part {
	uint8_t *bytes;
	size_t size;
} part[MOST_FILES];
static unsigned int parts;

static void complain(const char *path)
{
	fprintf(stderr, "%s: %s\n", path, strerror(errno));
	exit(1);
}

static void run(const char *name, const uint8_t *bytes, size_t size)
{
	/* A copy of exactly its size, so that a sanitizer sees each read beyond it. */
	uint8_t *copy = malloc(size ? size : 1);

	if (!copy)
		complain(name);
	memcpy(copy, bytes, size);
	if (LLVMFuzzerTestOneInput(copy, size))
		fuzz_wrong("%s: a fuzzer's function returns 0", name);
	free(copy);
	inputs++;
}

static void replay_file(const char *path)
{
	uint8_t *bytes = malloc(MOST_BYTES);
	FILE *file = fopen(path, "rb");

	if (!file || !bytes)
		complain(path);
	run(path, bytes, fread(bytes, 1, MOST_BYTES, file));
	fclose(file);
	free(bytes);
}

static void keep_file(const char *path)
{
	FILE *file = fopen(path, "rb");
	uint8_t *bytes = malloc(RANDOM_BYTES);

	if (!file || !bytes || parts == MOST_FILES)
		complain(path);
	part[parts++] = (struct part){ bytes, fread(bytes, 1, RANDOM_BYTES, file) };
	fclose(file);
}

static void say_seed(int signal)
{
	char text[64];
	int length = snprintf(text, sizeof(text), "again: --random 1 %" PRIu64 "\n", seed);

	(void)signal;
	if (write(STDERR_FILENO, text, (size_t)length) < 0)
		_exit(1);
}

/* splitmix64: any seed is good, adjacent ones included. */
static uint64_t draw(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

/* A sequence of parts. One in 64 of their bytes is changed. Returns the number of bytes. */
static size_t join(uint64_t *state, uint8_t *bytes, size_t header)
{
	size_t size = 0, number = 1 + (size_t)(draw(state) % 60);

	for (size_t i = 0; i < number; i++) {
		const struct part *from = &part[draw(state) % parts];
		size_t skip = i && from->size > header ? header : 0, more = from->size - skip;

		if (more > RANDOM_BYTES - size)
			break;
		memcpy(bytes + size, from->bytes + skip, more);
		size += more;
	}
	for (size_t i = 0; i < size; i++)
		if (draw(state) % 64 == 0)
			bytes[i] = (uint8_t)draw(state);
	return size;
}

static void run_random(uint64_t number, uint64_t first, size_t header)
{
	uint8_t bytes[RANDOM_BYTES];

	signal(SIGABRT, say_seed);
	for (seed = first; seed - first < number; seed++) {
		uint64_t state = seed << 32;
		size_t size = 1 + (size_t)(draw(&state) % sizeof(bytes));

		for (size_t i = 0; i < size && !parts; i++)
			bytes[i] = (uint8_t)(draw(&state) >> 56);
		if (parts)
			size = join(&state, bytes, header);
		run("random bytes", bytes, size);
	}
	if (input_summary)
		input_summary();
}

/* A file, or those of a folder. */
static void each_file(const char *path, void (*use)(const char *path))
{
	struct stat status;
	struct dirent *entry;
	DIR *folder;

	if (stat(path, &status))
		complain(path);
	if (!S_ISDIR(status.st_mode)) {
		use(path);
		return;
	}
	folder = opendir(path);
	if (!folder)
		complain(path);
	while ((entry = readdir(folder))) {
		char inside[4096];

		if (entry->d_name[0] == '.')
			continue;
		snprintf(inside, sizeof(inside), "%s/%s", path, entry->d_name);
		each_file(inside, use);
	}
	closedir(folder);
}

int main(int argc, char **argv)
{
	if (argc > 3 && !strcmp(argv[1], "--random")) {
		for (int i = 5; i < argc; i++)
			each_file(argv[i], keep_file);
		run_random(strtoull(argv[2], NULL, 0), strtoull(argv[3], NULL, 0), argc > 4 ? strtoul(argv[4], NULL, 0) : 0);
	} else {
		for (int i = 1; i < argc; i++)
			each_file(argv[i], replay_file);
	}
	printf("%u inputs\n", inputs);
	return inputs ? 0 : 1;
}
