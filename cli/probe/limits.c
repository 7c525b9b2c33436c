// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The limit of locked memory. Both interfaces pin the memory that devices can reach, and count it
 * against RLIMIT_MEMLOCK unless the process has CAP_IPC_LOCK: type1 against the process (VmLck),
 * iommufd against the user (Linux, drivers/vfio/vfio_iommu_type1.c and
 * drivers/iommu/iommufd/pages.c). The kernel does not show the user's own account; the sum over the
 * user's processes of locked and pinned memory comes close.
 */
#include "probe.h"

#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define CAPABILITY_IPC_LOCK	14
#define CAPABILITY_DAC_OVERRIDE 1

/* The number after "Name:" at the start of a line. */
static bool field(const char *text, const char *name, int base, uint64_t *value)
{
	size_t length = strlen(name);

	for (const char *line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, name, length) != 0 || line[length] != ':')
			continue;
		line += length + 1;
		char *end;
		*value = strtoull(line, &end, base);
		return end != line;
	}
	return false;
}

static void add_process(void *ctx, const char *name)
{
	struct probe *probe = ctx;
	uint64_t uid = 0, locked = 0, pinned = 0;
	char path[PATH_MAX];

	if (*name < '0' || *name > '9' || !probe_path(path, "/proc", name, "/status"))
		return;
	char *status = probe_load(&probe->tree, path, 16384);
	if (!status)
		return;
	if (field(status, "Uid", 10, &uid) && uid == probe->tree.uid && field(status, "VmLck", 10, &locked)) {
		field(status, "VmPin", 10, &pinned);
		probe->limits.locked_bytes += locked * 1024;
		probe->limits.pinned_bytes += pinned * 1024;
		probe->limits.processes++;
	}
	free(status);
}

static bool parse_limit(char **at, uint64_t *value)
{
	char *from = *at + strspn(*at, " ");

	if (!strncmp(from, "unlimited", 9)) {
		*at = from + 9;
		*value = VIOMMU_NO_LIMIT;
		return true;
	}
	*value = strtoull(from, at, 10);
	return *at != from;
}

/* "Max locked memory         8388608              8388608              bytes" */
static void read_limit(const struct probe *probe, struct probe_limits *limits)
{
	static const char wanted[] = "Max locked memory";
	char *text = probe_load(&probe->tree, "/proc/self/limits", 16384);
	char *at = text ? strstr(text, wanted) : NULL;

	if (at) {
		at += sizeof(wanted) - 1;
		limits->known = parse_limit(&at, &limits->soft) && parse_limit(&at, &limits->hard);
	}
	free(text);
	struct rlimit limit;
	if (!probe->tree.root && !getrlimit(RLIMIT_MEMLOCK, &limit)) {
		limits->soft = limit.rlim_cur == RLIM_INFINITY ? VIOMMU_NO_LIMIT : (uint64_t)limit.rlim_cur;
		limits->hard = limit.rlim_max == RLIM_INFINITY ? VIOMMU_NO_LIMIT : (uint64_t)limit.rlim_max;
		limits->known = true;
	}
}

/* The process whose rights are judged. In a tree, the one of the status file there. */
static void read_user(struct probe *probe)
{
	struct probe_limits *limits = &probe->limits;
	uint64_t capabilities;

	limits->cap_ipc_lock = PROBE_UNKNOWN;
	if (!probe->tree.root)
		probe->tree.uid = getuid();
	char *status = probe_load(&probe->tree, "/proc/self/status", 16384);
	if (!status)
		return;
	if (probe->tree.root) {
		field(status, "Uid", 10, &probe->tree.uid);
		field(status, "Gid", 10, &probe->tree.gid);
	}
	if (field(status, "CapEff", 16, &capabilities)) {
		limits->cap_ipc_lock = capabilities >> CAPABILITY_IPC_LOCK & 1 ? PROBE_YES : PROBE_NO;
		probe->tree.all_powerful = capabilities >> CAPABILITY_DAC_OVERRIDE & 1;
	}
	free(status);
}

void probe_read_limits(struct probe *probe)
{
	uint64_t kilobytes;

	read_user(probe);
	read_limit(probe, &probe->limits);
	char *memory = probe_load(&probe->tree, "/proc/meminfo", 16384);
	if (memory && field(memory, "MemTotal", 10, &kilobytes))
		probe->limits.memory_bytes = kilobytes * 1024;
	free(memory);
	probe_each(&probe->tree, "/proc", add_process, probe);
}
