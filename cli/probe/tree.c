// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Files of a machine: this one, or a copy of another one's in a folder. A link in the copy must
 * lead to its target in the copy. So links are followed here, one component of the path at a time,
 * and an absolute link starts at the copy's root.
 */
#include "probe.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LINKS_LIMIT   40
#define ENTRIES_LIMIT 65536u

void probe_printable(char *to, size_t bytes, const char *from)
{
	size_t length = 0;

	for (; *from && *from != '\n' && length + 1 < bytes; from++)
		to[length++] = *from >= ' ' && *from <= '~' ? *from : '?';
	while (length && to[length - 1] == ' ')
		length--;
	to[length] = '\0';
}

bool probe_path(char path[PATH_MAX], const char *folder, const char *name, const char *rest)
{
	if (!*name || !strcmp(name, ".") || !strcmp(name, ".."))
		return false;
	for (const char *c = name; *c; c++) {
		if (*c < '!' || *c > '~' || *c == '/')
			return false;
	}
	int length = snprintf(path, PATH_MAX, "%s/%s%s", folder, name, rest);
	return length > 0 && length < PATH_MAX;
}

/* The system's path for a path of the tree. */
static bool system_path(const struct probe_tree *tree, const char *path, char out[PATH_MAX])
{
	int length = snprintf(out, PATH_MAX, "%s%s", tree->root ? tree->root : "", *path ? path : "/");

	return length > 0 && length < PATH_MAX;
}

/* Puts the target of a link before the rest of the path. */
static bool follow(const char *target, const char *left, char rest[PATH_MAX])
{
	char joined[PATH_MAX];
	int length = snprintf(joined, sizeof(joined), "%s/%s", target, left);

	if (length < 0 || length >= PATH_MAX)
		return false;
	memcpy(rest, joined, (size_t)length + 1);
	return true;
}

/*
 * Follows all links, except one at the very end unless requested: returns the system's path of an
 * existing file.
 */
static bool resolve(const struct probe_tree *tree, const char *path, bool follow_last, char out[PATH_MAX])
{
	char done[PATH_MAX] = "", rest[PATH_MAX], part[PATH_MAX], target[PATH_MAX];
	char *left = rest;

	if (strlen(path) >= PATH_MAX)
		return false;
	strcpy(rest, path);
	for (int links = 0;;) {
		left += strspn(left, "/");
		size_t length = strcspn(left, "/");
		if (!length)
			return system_path(tree, done, out);
		char *behind = left + length;
		bool last = !behind[strspn(behind, "/")];
		size_t before = strlen(done);
		if (length == 2 && !memcmp(left, "..", 2)) {
			char *slash = strrchr(done, '/');
			if (slash)
				*slash = '\0';
		} else if (length > 1 || *left != '.') {
			if (before + 1 + length >= PATH_MAX)
				return false;
			done[before] = '/';
			memcpy(done + before + 1, left, length);
			done[before + 1 + length] = '\0';
			if (!system_path(tree, done, part))
				return false;
			ssize_t got = last && !follow_last ? -1 : readlink(part, target, sizeof(target) - 1);
			if (got > 0) {
				target[got] = '\0';
				done[*target == '/' ? 0 : before] = '\0';
				if (++links > LINKS_LIMIT || !follow(target, behind, rest))
					return false;
				left = rest;
				continue;
			}
		}
		left = behind;
	}
}

/* Opens a regular file and nothing else, since opening a device may have an effect. */
int probe_descriptor(const struct probe_tree *tree, const char *path)
{
	char real[PATH_MAX];
	struct stat info;

	if (!resolve(tree, path, true, real) || lstat(real, &info) || !S_ISREG(info.st_mode))
		return -1;
	return open(real, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
}

/* Reads up to limit bytes. Files of sysfs and proc have no size. */
static char *read_all(int fd, size_t limit)
{
	size_t capacity = 4096, length = 0;
	char *text = malloc(capacity + 1);

	while (text && length < limit) {
		if (length == capacity) {
			char *larger = realloc(text, capacity * 2 + 1);
			if (!larger)
				break;
			text = larger;
			capacity *= 2;
		}
		size_t want = capacity - length < limit - length ? capacity - length : limit - length;
		ssize_t got = read(fd, text + length, want);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			break;
		length += (size_t)got;
	}
	if (text)
		text[length] = '\0';
	return text;
}

char *probe_load(const struct probe_tree *tree, const char *path, size_t limit)
{
	int fd = probe_descriptor(tree, path);
	if (fd < 0)
		return NULL;
	char *text = read_all(fd, limit);
	close(fd);
	return text;
}

bool probe_line(const struct probe_tree *tree, const char *path, char *text, size_t bytes)
{
	char *whole = probe_load(tree, path, 4096);

	*text = '\0';
	if (!whole)
		return false;
	probe_printable(text, bytes, whole);
	free(whole);
	return true;
}

bool probe_link(const struct probe_tree *tree, const char *path, char *text, size_t bytes)
{
	char real[PATH_MAX], target[PATH_MAX];

	*text = '\0';
	if (!resolve(tree, path, false, real))
		return false;
	ssize_t got = readlink(real, target, sizeof(target) - 1);
	if (got <= 0)
		return false;
	target[got] = '\0';
	const char *slash = strrchr(target, '/');
	probe_printable(text, bytes, slash ? slash + 1 : target);
	return *text;
}

bool probe_exists(const struct probe_tree *tree, const char *path)
{
	char real[PATH_MAX];
	struct stat info;

	return resolve(tree, path, true, real) && !lstat(real, &info);
}

enum probe_answer probe_rights(const struct probe_tree *tree, const char *path)
{
	char real[PATH_MAX];
	struct stat info;

	if (!resolve(tree, path, true, real) || lstat(real, &info))
		return PROBE_UNKNOWN;
	if (!tree->root)
		return faccessat(AT_FDCWD, real, R_OK | W_OK, AT_EACCESS) ? PROBE_NO : PROBE_YES;
	mode_t mode = info.st_mode;
	if (info.st_uid == tree->uid)
		mode >>= 6;
	else if (info.st_gid == tree->gid)
		mode >>= 3;
	return tree->all_powerful || (mode & 6) == 6 ? PROBE_YES : PROBE_NO;
}

/* "2" before "10". Equal numbers with different digits are in the order of strcmp(). */
static int compare_names(const void *a, const void *b)
{
	const char *first = *(char *const *)a, *second = *(char *const *)b;
	unsigned long long one = strtoull(first, NULL, 10), two = strtoull(second, NULL, 10);
	bool numbers = *first >= '0' && *first <= '9' && *second >= '0' && *second <= '9' && !strpbrk(first, ":.") && !strpbrk(second, ":.");

	if (numbers && one != two)
		return one < two ? -1 : 1;
	return strcmp(first, second);
}

size_t probe_each(const struct probe_tree *tree, const char *folder, void (*fn)(void *ctx, const char *name), void *ctx)
{
	char real[PATH_MAX];
	char **names = NULL;
	size_t count = 0, capacity = 0;
	const struct dirent *entry;

	DIR *directory = resolve(tree, folder, true, real) ? opendir(real) : NULL;
	if (!directory)
		return 0;
	while (count < ENTRIES_LIMIT && (entry = readdir(directory))) {
		if (*entry->d_name == '.')
			continue;
		char **larger = cli_room(names, count, &capacity, sizeof(*names));
		if (!larger)
			break;
		names = larger;
		names[count] = strdup(entry->d_name);
		if (!names[count])
			break;
		count++;
	}
	closedir(directory);
	if (count)
		qsort(names, count, sizeof(*names), compare_names);
	for (size_t i = 0; i < count; i++) {
		fn(ctx, names[i]);
		free(names[i]);
	}
	free(names);
	return count;
}
