/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Runs a fuzzer's function on files, and on the files of folders, once each: for compilers without libFuzzer, for the tests, and to look at a finding in a
 * debugger. Says how many there were.
 */
#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "input.h"

#define MOST_BYTES (1u << 20)

static unsigned int files;

static void complain(const char *path)
{
	fprintf(stderr, "%s: %s\n", path, strerror(errno));
	exit(1);
}

static void replay_file(const char *path)
{
	/* A copy of exactly its size, so that a sanitizer sees each read beyond it. */
	uint8_t *bytes = malloc(MOST_BYTES), *copy;
	FILE *file = fopen(path, "rb");
	size_t size;

	if (!file || !bytes)
		complain(path);
	size = fread(bytes, 1, MOST_BYTES, file);
	fclose(file);
	copy = malloc(size ? size : 1);
	if (!copy)
		complain(path);
	memcpy(copy, bytes, size);
	free(bytes);
	if (LLVMFuzzerTestOneInput(copy, size))
		fuzz_wrong("%s: a fuzzer's function returns 0", path);
	free(copy);
	files++;
}

static void replay(const char *path)
{
	struct stat status;
	struct dirent *entry;
	DIR *folder;

	if (stat(path, &status))
		complain(path);
	if (!S_ISDIR(status.st_mode)) {
		replay_file(path);
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
		replay(inside);
	}
	closedir(folder);
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		replay(argv[i]);
	printf("%u inputs\n", files);
	return files ? 0 : 1;
}
