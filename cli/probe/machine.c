// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The machine: architecture, kernel, the options on its command line that concern IOMMUs, and the
 * IOMMUs that the kernel drives.
 *
 * IOMMUs have names that their drivers give them (Linux, iommu_device_sysfs_add() in drivers/iommu
 * and arch/s390). The capabilities of VT-d and AMD-Vi are read from their registers, which sysfs
 * shows: Intel Virtualization Technology for Directed I/O, "Capability Register" and "Extended
 * Capability Register"; AMD I/O Virtualization Technology, "Extended Feature Register".
 */
#include "probe.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

/* The word after a colon, in the first line that begins with a key. */
static void cpuinfo_value(const char *cpuinfo, const char *key, char *value, size_t bytes)
{
	const char *at = strstr(cpuinfo, key);

	*value = '\0';
	if (!at || (at != cpuinfo && at[-1] != '\n'))
		return;
	at += strcspn(at, ":\n");
	if (*at == ':')
		probe_printable(value, bytes, at + 1 + strspn(at + 1, " \t"));
}

static void read_processor(const struct probe_tree *tree, struct probe_machine *machine)
{
	char *cpuinfo = probe_load(tree, "/proc/cpuinfo", 65536);

	if (!cpuinfo)
		return;
	cpuinfo_value(cpuinfo, "vendor_id", machine->processor, sizeof(machine->processor));
	const char *flags = strstr(cpuinfo, "\nflags");
	if (flags) {
		size_t length = strcspn(flags + 1, "\n");
		const char *found = strstr(flags, " hypervisor");
		machine->virtual = found && found < flags + 1 + length;
	}
	free(cpuinfo);
}

/* Whether a word of the kernel's command line concerns IOMMUs or VFIO. */
static bool is_of_interest(const char *word)
{
	static const char *const beginnings[] = {
		"intel_iommu=", "amd_iommu=", "iommu=", "iommu.", "iommufd.", "s390_iommu", "vfio", "arm-smmu", "intremap=", "amd_iommu_intr=", "pci=",
	};

	for (size_t i = 0; i < sizeof(beginnings) / sizeof(beginnings[0]); i++) {
		if (!strncmp(word, beginnings[i], strlen(beginnings[i])))
			return true;
	}
	return false;
}

static void read_parameters(const struct probe_tree *tree, struct probe_machine *machine)
{
	char *line = probe_load(tree, "/proc/cmdline", 65536);
	char *rest = NULL;

	if (!line)
		return;
	for (char *word = strtok_r(line, " \t\n", &rest); word; word = strtok_r(NULL, " \t\n", &rest)) {
		if (machine->parameter_count < PROBE_PARAMETERS && is_of_interest(word))
			probe_printable(machine->parameters[machine->parameter_count++], PROBE_NAME, word);
	}
	free(line);
}

static void find_acpi_table(const struct probe_tree *tree, struct probe_machine *machine)
{
	static const char *const tables[] = { "DMAR", "IVRS", "IORT", "RIMT", "VIOT" };
	char path[PATH_MAX];

	machine->acpi_known = probe_exists(tree, "/sys/firmware/acpi/tables");
	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]) && !*machine->acpi_table; i++) {
		if (probe_path(path, "/sys/firmware/acpi/tables", tables[i], "") && probe_exists(tree, path))
			snprintf(machine->acpi_table, sizeof(machine->acpi_table), "%s", tables[i]);
	}
}

static bool read_register(const struct probe_tree *tree, const char *iommu, const char *file, uint64_t *value)
{
	char path[PATH_MAX], text[PROBE_NAME];
	char *end;

	if (!probe_path(path, "/sys/class/iommu", iommu, file) || !probe_line(tree, path, text, sizeof(text)) || !*text)
		return false;
	*value = strtoull(text, &end, 16);
	return !*end;
}

static enum probe_answer bit(uint64_t value, unsigned int n)
{
	return value >> n & 1 ? PROBE_YES : PROBE_NO;
}

/*
 * MGAW (bits 21:16) is the widest IOVA minus one. SLLPS (bits 37:34) has large pages of the second
 * stage. ECAP: NEST 26, SMTS 43, SLADS 45.
 */
static void describe_vtd(const struct probe_tree *tree, struct probe_iommu *iommu)
{
	uint64_t cap, ecap;
	char path[PATH_MAX];

	if (probe_path(path, "/sys/class/iommu", iommu->name, "/intel-iommu/version"))
		probe_line(tree, path, iommu->version, sizeof(iommu->version));
	if (read_register(tree, iommu->name, "/intel-iommu/cap", &cap)) {
		iommu->address_bits = (uint32_t)(cap >> 16 & 0x3f) + 1;
		iommu->page_sizes = UINT64_C(1) << 12 | (cap >> 34 & 1) << 21 | (cap >> 35 & 1) << 30;
	}
	if (!read_register(tree, iommu->name, "/intel-iommu/ecap", &ecap))
		return;
	iommu->scalable = bit(ecap, 43);
	iommu->nesting = bit(ecap, 43) && bit(ecap, 26) ? PROBE_YES : PROBE_NO;
	iommu->dirty = bit(ecap, 43) && bit(ecap, 45) ? PROBE_YES : PROBE_NO;
}

/*
 * GTSup (bit 4): guest translation. HDSup (bit 52): the IOMMU sets dirty bits. Page sizes are all
 * powers of two.
 */
static void describe_amd(const struct probe_tree *tree, struct probe_iommu *iommu)
{
	uint64_t features;

	iommu->page_sizes = ~UINT64_C(0xfff);
	if (!read_register(tree, iommu->name, "/amd-iommu/features", &features))
		return;
	iommu->nesting = bit(features, 4);
	iommu->dirty = bit(features, 52);
}

static void count_entry(void *ctx, const char *name)
{
	(void)name;
	++*(uint32_t *)ctx;
}

static void describe(const struct probe_tree *tree, struct probe_iommu *iommu)
{
	static const struct {
		const char *beginning, *type;
	} types[] = {
		{ "dmar", "VT-d" },	   { "ivhd", "AMD-Vi" },	{ "smmu3.", "SMMUv3" },		{ "smmu.", "SMMU" },
		{ "s390-iommu.", "zPCI" }, { "riscv-iommu", "RISC-V" }, { "iommufd_selftest", "mock" },
	};
	char path[PATH_MAX], driver[PROBE_NAME];

	iommu->type = "other";
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		if (!strncmp(iommu->name, types[i].beginning, strlen(types[i].beginning)))
			iommu->type = types[i].type;
	}
	if (probe_path(path, "/sys/class/iommu", iommu->name, "/device/driver") && probe_link(tree, path, driver, sizeof(driver)) &&
	    !strcmp(driver, "virtio_iommu"))
		iommu->type = "virtio";
	if (!strcmp(iommu->type, "VT-d"))
		describe_vtd(tree, iommu);
	if (!strcmp(iommu->type, "AMD-Vi"))
		describe_amd(tree, iommu);
	if (probe_path(path, "/sys/class/iommu", iommu->name, "/devices"))
		probe_each(tree, path, count_entry, &iommu->devices);
}

static void add_iommu(void *ctx, const char *name)
{
	struct probe *probe = ctx;
	struct probe_machine *machine = &probe->machine;
	struct probe_iommu *iommu = &machine->iommus[machine->iommu_count];
	char path[PATH_MAX];

	if (machine->iommu_count == PROBE_IOMMUS || strlen(name) >= PROBE_NAME || !probe_path(path, "/sys/class/iommu", name, ""))
		return;
	*iommu = (struct probe_iommu){ .scalable = PROBE_UNKNOWN, .nesting = PROBE_UNKNOWN, .dirty = PROBE_UNKNOWN };
	strcpy(iommu->name, name);
	describe(&probe->tree, iommu);
	machine->iommu_count++;
}

int probe_read_machine(struct probe *probe)
{
	struct probe_machine *machine = &probe->machine;
	const struct probe_tree *tree = &probe->tree;
	struct utsname system;

	machine->iommus = calloc(PROBE_IOMMUS, sizeof(*machine->iommus));
	if (!machine->iommus)
		return -ENOMEM;
	probe_line(tree, "/proc/sys/kernel/arch", machine->architecture, sizeof(machine->architecture));
	probe_line(tree, "/proc/sys/kernel/osrelease", machine->kernel, sizeof(machine->kernel));
	if (!tree->root && !uname(&system)) {
		probe_printable(machine->architecture, sizeof(machine->architecture), system.machine);
		probe_printable(machine->kernel, sizeof(machine->kernel), system.release);
	}
	read_processor(tree, machine);
	read_parameters(tree, machine);
	find_acpi_table(tree, machine);
	probe_each(tree, "/sys/class/iommu", add_iommu, probe);
	probe_kernel_load(tree, machine->kernel, &probe->kernel);
	return 0;
}
