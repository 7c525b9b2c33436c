// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The kernel's build options and modules, as far as the distribution lets users read them. Without
 * them every answer is "not known", and only device nodes show what works.
 */
#include "probe.h"

#include <stdlib.h>
#include <string.h>

#ifdef HAVE_ZLIB
#include <fcntl.h>
#include <unistd.h>
#include <zlib.h>
#endif

#define TEXT_LIMIT ((size_t)4 << 20)

#ifdef HAVE_ZLIB
/* proc/config.gz: read into memory, and unpacked up to the limit. */
static char *load_compressed(const struct probe_tree *tree, const char *path)
{
	int fd = probe_descriptor(tree, path);
	if (fd < 0)
		return NULL;
	gzFile file = gzdopen(fd, "rb");
	if (!file) {
		close(fd);
		return NULL;
	}
	char *text = malloc(TEXT_LIMIT + 1);
	int got = text ? gzread(file, text, (unsigned int)TEXT_LIMIT) : -1;
	gzclose(file);
	if (got <= 0) {
		free(text);
		return NULL;
	}
	text[got] = '\0';
	return text;
}
#else
static char *load_compressed(const struct probe_tree *tree, const char *path)
{
	(void)tree;
	(void)path;
	return NULL;
}
#endif

void probe_kernel_load(const struct probe_tree *tree, const char *release, struct probe_kernel *kernel)
{
	static const struct {
		const char *folder, *before, *rest;
	} places[] = { { "/boot", "config-", "" }, { "/lib/modules", "", "/config" }, { "/usr/lib/modules", "", "/config" } };
	char path[PATH_MAX], name[PROBE_NAME + 16];

	kernel->config = load_compressed(tree, "/proc/config.gz");
	if (kernel->config)
		snprintf(kernel->config_path, sizeof(kernel->config_path), "/proc/config.gz");
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]) && !kernel->config; i++) {
		snprintf(name, sizeof(name), "%s%s", places[i].before, release);
		if (!*release || !probe_path(path, places[i].folder, name, places[i].rest))
			continue;
		kernel->config = probe_load(tree, path, TEXT_LIMIT);
		if (kernel->config)
			probe_printable(kernel->config_path, sizeof(kernel->config_path), path);
	}
	if (*release && probe_path(path, "/lib/modules", release, "/modules.builtin"))
		kernel->built_in = probe_load(tree, path, TEXT_LIMIT);
	if (*release && probe_path(path, "/lib/modules", release, "/modules.dep"))
		kernel->dependencies = probe_load(tree, path, TEXT_LIMIT);
}

void probe_kernel_free(struct probe_kernel *kernel)
{
	free(kernel->config);
	free(kernel->built_in);
	free(kernel->dependencies);
	*kernel = (struct probe_kernel){ 0 };
}

/* The first line with this beginning; NULL if there is none. */
static const char *find_line(const char *text, const char *wanted)
{
	for (const char *at = text; (at = strstr(at, wanted)); at++) {
		if (at == text || at[-1] == '\n')
			return at;
	}
	return NULL;
}

char probe_option(const struct probe_kernel *kernel, const char *name)
{
	char wanted[PROBE_NAME + 24];

	if (!kernel->config)
		return '?';
	size_t length = (size_t)snprintf(wanted, sizeof(wanted), "CONFIG_%s=", name);
	const char *line = find_line(kernel->config, wanted);
	if (line)
		return line[length] == 'y' || line[length] == 'm' ? line[length] : 'n';
	snprintf(wanted, sizeof(wanted), "# CONFIG_%s is not set", name);
	return find_line(kernel->config, wanted) ? 'n' : '-';
}

bool probe_option_is_off(char value)
{
	return value == 'n' || value == '-';
}

/*
 * Whether a list of modules has a file of this name. Lines are "kernel/drivers/vfio/vfio.ko", in
 * modules.dep with ".xz:" and more after it.
 */
static bool is_listed(const char *list, const char *name)
{
	char wanted[PROBE_NAME];
	size_t length = (size_t)snprintf(wanted, sizeof(wanted), "/%s.ko", name);

	for (const char *at = list; (at = strstr(at, wanted)); at += length) {
		/* The modules after the colon are this module's requirements. */
		const char *line = at;
		while (line > list && line[-1] != '\n' && line[-1] != ':')
			line--;
		if (line == list || line[-1] == '\n')
			return true;
	}
	return false;
}

/* In file names of modules, '-' and '_' are interchangeable. */
static bool has_module(const char *list, const char *name)
{
	char other[PROBE_NAME];

	snprintf(other, sizeof(other), "%s", name);
	for (char *c = other; *c; c++) {
		if (*c == '_')
			*c = '-';
	}
	return is_listed(list, name) || is_listed(list, other);
}

enum probe_module probe_module(const struct probe_tree *tree, const struct probe_kernel *kernel, const char *name)
{
	char path[PATH_MAX];

	if (kernel->built_in && has_module(kernel->built_in, name))
		return PROBE_MODULE_BUILT_IN;
	if (probe_path(path, "/sys/module", name, "") && probe_exists(tree, path))
		return PROBE_MODULE_LOADED;
	if (kernel->dependencies && has_module(kernel->dependencies, name))
		return PROBE_MODULE_LOADABLE;
	return kernel->dependencies ? PROBE_MODULE_ABSENT : PROBE_MODULE_UNKNOWN;
}

const char *probe_module_name(enum probe_module module)
{
	static const char *const names[] = { "unknown", "absent", "loadable", "loaded", "built in" };

	return names[module];
}
