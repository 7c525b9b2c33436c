// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * `viommu probe`: its options, and the steps from files to text. docs/probe.md explains each
 * answer.
 */
#include "probe.h"

#include <argp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "host/vfio.h"

static const char doc[] =
	"Reports whether this machine's IOMMU can translate devices' DMA for a guest, and advises on missing parts: for the whole machine, or for the "
	"device with a PCI address. Changes nothing.\v"
	"A device that is bound to a VFIO driver and not in use is opened, to query its capabilities.\n"
	"\n"
	"Exit status: 0 usable, 1 something is missing, 2 bad usage, or no such device.";

enum { KEY_JSON = 256, KEY_ROOT };

static const struct argp_option options[] = {
	{ "json", KEY_JSON, NULL, 0, "Print the result as JSON", 0 },
	{ "root", KEY_ROOT, "DIR", 0, "Read a copy of another machine's /sys, /proc and /dev, which is in DIR", 0 },
	{ 0 },
};

struct arguments {
	bool json;
	const char *root;
	char address[VFIO_ADDRESS_BYTES]; /* empty: none */
};

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct arguments *arguments = state->input;
	struct stat info;

	switch (key) {
	case KEY_JSON:
		arguments->json = true;
		return 0;
	case KEY_ROOT:
		if (stat(arg, &info) || !S_ISDIR(info.st_mode))
			argp_failure(state, CLI_BAD_INPUT, 0, "--root: there is no folder '%s'", arg);
		arguments->root = arg;
		return 0;
	case ARGP_KEY_ARG:
		if (*arguments->address)
			argp_failure(state, CLI_BAD_INPUT, 0, "one device at a time");
		if (vfio_address(arg, arguments->address))
			argp_failure(state, CLI_BAD_INPUT, 0, "'%s' is not a PCI address; 0000:00:05.0 is one", arg);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* Without a device: usable means devices behind an IOMMU and one of the two interfaces. */
static bool machine_is_ready(const struct probe *probe)
{
	for (uint32_t i = 0; i < probe->devices.group_count; i++) {
		if (!probe->devices.groups[i].no_iommu)
			return probe->module.usable || probe->type1.usable || probe->iommufd.usable;
	}
	return false;
}

static int run(struct probe *probe, const struct arguments *arguments)
{
	probe->tree.root = arguments->root;
	probe_read_limits(probe);
	if (probe_read_machine(probe) || probe_read_devices(probe)) {
		cli_complain("out of memory");
		return CLI_BAD_INPUT;
	}
	probe_read_interfaces(probe);
	probe->ready = machine_is_ready(probe);
	if (*arguments->address) {
		if (!probe_choose(probe, arguments->address)) {
			cli_complain("there is no PCI device %s%s%s", arguments->address, arguments->root ? " in " : "",
				     arguments->root ? arguments->root : "");
			return CLI_BAD_INPUT;
		}
		probe_open(probe);
		probe->ready = probe->chosen.ready;
	}
	probe_advise(probe);
	if (arguments->json)
		probe_json(probe);
	else
		probe_print(probe);
	return probe->ready ? CLI_OK : CLI_DISAGREES;
}

int cli_probe(int argc, char **argv)
{
	static const struct argp argp = { options, parse_option, "[BDF]", doc, NULL, NULL, NULL };
	struct arguments arguments = { 0 };

	argp_parse(&argp, argc, argv, 0, NULL, &arguments);
	struct probe *probe = calloc(1, sizeof(*probe));
	if (!probe) {
		cli_complain("out of memory");
		return CLI_BAD_INPUT;
	}
	int status = run(probe, &arguments);
	probe_kernel_free(&probe->kernel);
	free(probe->machine.iommus);
	free(probe->devices.groups);
	free(probe->devices.devices);
	free(probe);
	return status;
}
