// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Text for people: the verdict, the machine from its IOMMUs to its limits, then one device or all,
 * and advice.
 */
#include "probe.h"

#include <inttypes.h>
#include <string.h>

/* "4 KiB, 2 MiB, 1 GiB"; of very many, the first and "and so on". */
static const char *sizes_text(uint64_t sizes, char *text, size_t bytes)
{
	unsigned int shown = 0;
	size_t used = 0;

	*text = '\0';
	for (unsigned int n = 0; n < 64 && used < bytes; n++) {
		if (!(sizes >> n & 1))
			continue;
		if (shown++ == 6) {
			snprintf(text + used, bytes - used, " and larger");
			break;
		}
		used += (size_t)snprintf(text + used, bytes - used, "%s%s", used ? ", " : "", cli_bytes(UINT64_C(1) << n));
	}
	return text;
}

static const char *if_yes(enum probe_answer answer, const char *yes, const char *no)
{
	return answer == PROBE_YES ? yes : answer == PROBE_NO ? no : "";
}

static void print_verdict(const struct probe *probe)
{
	const char *what = probe->chosen.device ? probe->chosen.device->address : probe->tree.root ? probe->tree.root : "this machine";
	const char *verdict = probe->chosen.device ? "can be used" : "can give devices away";

	fputs(cli_colour(stdout, CLI_BOLD), stdout);
	cli_put_text(stdout, what);
	printf("%s: ", cli_colour(stdout, CLI_PLAIN));
	if (probe->ready)
		printf("%s%s%s\n", cli_colour(stdout, CLI_GREEN), verdict, cli_colour(stdout, CLI_PLAIN));
	else
		printf("%ssomething is missing%s\n", cli_colour(stdout, CLI_RED), cli_colour(stdout, CLI_PLAIN));
}

static void print_iommus(const struct probe_machine *machine)
{
	char sizes[128];
	uint32_t alike = 0;

	if (!machine->iommu_count)
		cli_line("IOMMU", CLI_YELLOW, "none that the kernel drives");
	for (uint32_t i = 0; i < machine->iommu_count; i += alike) {
		const struct probe_iommu *iommu = &machine->iommus[i];
		/*
		 * On s390 each function has one: the first speaks for those that follow and are the
		 * same.
		 */
		uint32_t devices = 0;
		for (alike = 0; i + alike < machine->iommu_count; alike++) {
			const struct probe_iommu *other = &machine->iommus[i + alike];
			if (strcmp(other->type, iommu->type) || other->address_bits != iommu->address_bits || other->page_sizes != iommu->page_sizes ||
			    other->scalable != iommu->scalable || other->nesting != iommu->nesting || other->dirty != iommu->dirty)
				break;
			devices += other->devices;
		}
		char more[48] = "", bits[32] = "", pages[160] = "";
		if (alike > 1)
			snprintf(more, sizeof(more), " and %" PRIu32 " more", alike - 1);
		if (iommu->address_bits)
			snprintf(bits, sizeof(bits), ", %" PRIu32 " address bits", iommu->address_bits);
		if (iommu->page_sizes)
			snprintf(pages, sizeof(pages), ", pages of %s", sizes_text(iommu->page_sizes, sizes, sizeof(sizes)));
		cli_line(i ? "" : "IOMMU", CLI_PLAIN, "%s%s: %s%s%s%s%s%s%s; %s", iommu->name, more, iommu->type, bits, pages,
			 if_yes(iommu->scalable, ", scalable", ", not scalable"), if_yes(iommu->nesting, ", nests", ", does not nest"),
			 if_yes(iommu->dirty, ", tracks writes", ", does not track writes"), "", cli_count_of(devices, "device", "devices"));
	}
}

static void print_interface(const struct probe_interface *interface)
{
	char limit[64] = "";

	if (interface->usable && interface->entry_limit)
		snprintf(limit, sizeof(limit), ", %s mappings at most in a container", cli_count(interface->entry_limit));
	if (interface->usable)
		cli_line(interface->name, CLI_PLAIN, "%s%s", interface->node, limit);
	else if (!interface->present)
		cli_line(interface->name, CLI_YELLOW, "there is no %s", interface->node);
	else if (interface->rights == PROBE_NO)
		cli_line(interface->name, CLI_YELLOW, "you may not open %s", interface->node);
	else
		cli_line(interface->name, CLI_YELLOW, "%s is there, but it cannot be used", interface->node);
}

static void print_limits(const struct probe_limits *limits)
{
	const char *capability = if_yes(limits->cap_ipc_lock, "no limit (CAP_IPC_LOCK)", NULL);
	char limit[64] = "not known how much";

	if (limits->cap_ipc_lock == PROBE_YES)
		snprintf(limit, sizeof(limit), "%s", capability);
	else if (limits->known && limits->soft == VIOMMU_NO_LIMIT)
		snprintf(limit, sizeof(limit), "no limit");
	else if (limits->known)
		snprintf(limit, sizeof(limit), "%s at most", cli_bytes(limits->soft));
	cli_line("locking", CLI_PLAIN, "%s; your processes have locked %s and pinned %s now", limit, cli_bytes(limits->locked_bytes),
		 cli_bytes(limits->pinned_bytes));
}

static void print_device_line(const struct probe *probe, const struct probe_device *device)
{
	char group[PROBE_NAME + 8] = "no group", line[256];

	if (device->group >= 0)
		snprintf(group, sizeof(group), "group %s", probe->devices.groups[device->group].name);
	snprintf(line, sizeof(line), "  %-14s %-12s %-9s %-13s ", device->address, group, device->ids, probe_class_name(device->class));
	cli_put_text(stdout, line);
	fputs(cli_colour(stdout, device->vfio ? CLI_GREEN : CLI_PLAIN), stdout);
	cli_put_text(stdout, *device->driver ? device->driver : "no driver");
	puts(cli_colour(stdout, CLI_PLAIN));
}

static void print_all(const struct probe *probe)
{
	const struct probe_devices *all = &probe->devices;

	if (all->device_count)
		putchar('\n');
	for (uint32_t i = 0; i < all->device_count; i++)
		print_device_line(probe, &all->devices[i]);
	if (all->cut)
		printf("  and more\n");
}

static void print_host(const struct probe_host *host)
{
	const struct viommu_host_caps *caps = &host->caps;
	char sizes[128], limit[48] = "no limit of mappings";

	if (!host->tried || host->error) {
		cli_line(host->name, CLI_YELLOW, "%s: %s", host->tried ? "failed" : "not asked", host->why);
		return;
	}
	if (caps->entry_limit != VIOMMU_NO_LIMIT)
		snprintf(limit, sizeof(limit), "%s mappings at most", cli_count(caps->entry_limit));
	cli_line(host->name, CLI_PLAIN, "IOVA 0x%" PRIx64 " to 0x%" PRIx64 ", pages of %s", caps->first, caps->last,
		 sizes_text(caps->page_sizes, sizes, sizeof(sizes)));
	if (host->range_count > 1) {
		for (size_t i = 0; i < host->range_count && i < PROBE_RANGES; i++)
			cli_line("", CLI_PLAIN, "usable 0x%" PRIx64 " to 0x%" PRIx64, host->ranges[i].first, host->ranges[i].last);
	}
	cli_line("", CLI_PLAIN, "%s, %s, %s", limit, caps->nests ? "nests" : "does not nest", caps->dirty ? "tracks writes" : "does not track writes");
}

/* For a guest that is to have an SMMUv3 of its own. */
static void print_smmuv3(const struct probe_smmuv3 *smmu)
{
	char sizes[128], substreams[48] = "no substreams";

	if (!smmu->known)
		return;
	if (smmu->substream_bits)
		snprintf(substreams, sizeof(substreams), "substreams of %" PRIu32 " bits", smmu->substream_bits);
	if (smmu->error)
		cli_line("SMMUv3", CLI_YELLOW, "the kernel gives it to no guest: %s", strerror(-smmu->error));
	else
		cli_line("SMMUv3", CLI_PLAIN, "the kernel serves a guest's own");
	cli_line("", CLI_PLAIN, "stage 1: granules of %s, %" PRIu32 " address bits, ASIDs of %" PRIu32 " bits, streams of %" PRIu32 " bits, %s, %s",
		 sizes_text(smmu->granules, sizes, sizeof(sizes)), smmu->address_bits, smmu->asid_bits, smmu->stream_bits, substreams,
		 smmu->stalls ? "stalls" : "no stalls");
}

static void print_chosen(const struct probe *probe)
{
	const struct probe_chosen *chosen = &probe->chosen;
	const struct probe_device *device = chosen->device;
	const char *class = probe_class_name(device->class);

	putchar('\n');
	cli_line("device", CLI_PLAIN, "%s%s%s%s%s%s", device->address, *device->ids ? ", " : "", device->ids, *class ? ", " : "", class,
		 device->bridge ? " (bridge)" : "");
	cli_line("driver", device->vfio ? CLI_GREEN : CLI_YELLOW, "%s", *device->driver ? device->driver : "none");
	if (chosen->group)
		cli_line("group", CLI_PLAIN, "%s with %s%s%s", chosen->group->name, cli_count_of(chosen->group->count, "device", "devices"),
			 *chosen->group->type ? ", domain " : "", chosen->group->type);
	else
		cli_line("group", CLI_YELLOW, "none");
	for (uint32_t i = 0; chosen->group && i < chosen->group->count; i++) {
		const struct probe_device *other = &probe->devices.devices[chosen->group->first + i];
		if (other != device)
			cli_line("", other->in_the_way ? CLI_YELLOW : CLI_PLAIN, "with %s, %s", other->address, *other->driver ? other->driver : "no driver");
	}
	if (*chosen->group_node)
		cli_line("nodes", CLI_PLAIN, "%s%s%s%s", chosen->group_node, if_yes(chosen->group_rights, "", " (you may not open it)"),
			 *chosen->cdev_node ? ", " : "", chosen->cdev_node);
	for (uint32_t i = 0; i < chosen->reserved_count; i++)
		cli_line(i ? "" : "reserved", CLI_PLAIN, "0x%" PRIx64 " to 0x%" PRIx64 ", %s", chosen->reserved[i].first, chosen->reserved[i].last,
			 chosen->reserved[i].type);
	if (chosen->kernel.tried)
		print_host(&chosen->kernel);
	print_host(&chosen->type1);
	print_host(&chosen->iommufd);
	print_smmuv3(&chosen->smmuv3);
}

static void print_advice(const struct probe *probe)
{
	for (uint32_t i = 0; i < probe->advice_count; i++) {
		const struct probe_advice *advice = &probe->advice[i];
		if (!i)
			putchar('\n');
		printf("%s%s%s ", cli_colour(stdout, advice->needed ? CLI_RED : CLI_YELLOW),
		       advice->needed ? "missing:" : "note:", cli_colour(stdout, CLI_PLAIN));
		cli_put_text(stdout, advice->what);
		for (uint32_t j = 0; j < advice->command_count; j++) {
			fputs("\n    # ", stdout);
			cli_put_text(stdout, advice->commands[j]);
		}
		putchar('\n');
	}
}

void probe_print(const struct probe *probe)
{
	const struct probe_machine *machine = &probe->machine;

	print_verdict(probe);
	cli_line("machine", CLI_PLAIN, "%s, Linux %s%s%s%s", *machine->architecture ? machine->architecture : "architecture not known",
		 *machine->kernel ? machine->kernel : "of a version not known", *machine->processor ? ", " : "", machine->processor,
		 machine->virtual ? ", a virtual machine" : "");
	for (uint32_t i = 0; i < machine->parameter_count; i++)
		cli_line(i ? "" : "parameters", CLI_PLAIN, "%s", machine->parameters[i]);
	print_iommus(machine);
	if (probe->module.usable)
		print_interface(&probe->module);
	print_interface(&probe->type1);
	print_interface(&probe->iommufd);
	print_limits(&probe->limits);
	if (probe->chosen.device)
		print_chosen(probe);
	else
		print_all(probe);
	print_advice(probe);
}
