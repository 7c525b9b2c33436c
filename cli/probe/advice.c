// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Missing parts of the machine, and remedies: an IOMMU that the kernel drives, the interfaces,
 * rights, the limit of locked memory. Commands are for an administrator. Where distributions differ
 * (the kernel's command line), they are Debian's.
 */
#include "probe.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

struct probe_advice *probe_advice_add(struct probe *probe, const char *id, bool needed, const char *format, ...)
{
	uint32_t at = probe->advice_count < PROBE_ADVICE ? probe->advice_count++ : PROBE_ADVICE - 1;
	struct probe_advice *advice = &probe->advice[at];
	va_list args;

	*advice = (struct probe_advice){ .id = id, .needed = needed };
	va_start(args, format);
	vsnprintf(advice->what, sizeof(advice->what), format, args);
	va_end(args);
	return advice;
}

void probe_command(struct probe_advice *advice, const char *format, ...)
{
	va_list args;

	if (advice->command_count == PROBE_COMMANDS)
		return;
	va_start(args, format);
	vsnprintf(advice->commands[advice->command_count++], sizeof(advice->commands[0]), format, args);
	va_end(args);
}

static const char *find_parameter(const struct probe_machine *machine, const char *wanted)
{
	for (uint32_t i = 0; i < machine->parameter_count; i++) {
		const char *parameter = machine->parameters[i];
		size_t length = strlen(wanted);
		if (!strncmp(parameter, wanted, length) && (!parameter[length] || parameter[length] == ','))
			return parameter;
	}
	return NULL;
}

static void advise_parameter(struct probe *probe, const char *parameter)
{
	struct probe_advice *advice =
		probe_advice_add(probe, "kernel-parameter", true, "The kernel does not drive the IOMMU until %s is on its command line.", parameter);

	probe_command(advice, "sed -i 's/^GRUB_CMDLINE_LINUX=\"/&%s /' /etc/default/grub", parameter);
	probe_command(advice, "update-grub");
	probe_command(advice, "reboot");
}

/* A parameter that disables the IOMMU. */
static bool advise_off(struct probe *probe)
{
	static const char *const off[] = { "intel_iommu=off", "amd_iommu=off", "iommu=off" };
	bool found = false;

	for (size_t i = 0; i < sizeof(off) / sizeof(off[0]); i++) {
		if (!find_parameter(&probe->machine, off[i]))
			continue;
		struct probe_advice *advice =
			probe_advice_add(probe, "kernel-parameter", true, "%s on the kernel's command line switches the IOMMU off: take it away.", off[i]);
		probe_command(advice, "sed -i 's/%s//' /etc/default/grub", off[i]);
		probe_command(advice, "update-grub");
		probe_command(advice, "reboot");
		found = true;
	}
	return found;
}

static void advise_x86_iommu(struct probe *probe)
{
	const struct probe_machine *machine = &probe->machine;
	bool dmar = !strcmp(machine->acpi_table, "DMAR");
	bool amd = !strcmp(machine->acpi_table, "IVRS") || (!*machine->acpi_table && strstr(machine->processor, "AMD"));
	const char *option = amd ? "AMD_IOMMU" : "INTEL_IOMMU";

	if (machine->acpi_known && !*machine->acpi_table && machine->virtual)
		probe_advice_add(probe, "virtual-machine", true,
				 "This virtual machine has no IOMMU. Its host can give it one; with QEMU: -machine q35,kernel-irqchip=split -device "
				 "intel-iommu,intremap=on");
	else if (machine->acpi_known && !*machine->acpi_table)
		probe_advice_add(probe, "firmware", true, "Firmware describes no IOMMU (there is no ACPI table %s): switch on %s in its setup.",
				 amd ? "IVRS" : "DMAR", amd ? "\"IOMMU\"" : "\"VT-d\"");
	if (probe_option_is_off(probe_option(&probe->kernel, option)))
		probe_advice_add(probe, "kernel-option", true, "The kernel was built without CONFIG_%s, and cannot drive %s.", option,
				 machine->acpi_known && !*machine->acpi_table ? "one" : "this machine's IOMMU");
	else if (!advise_off(probe) && !amd && (dmar || !machine->acpi_known) && !find_parameter(machine, "intel_iommu=on"))
		advise_parameter(probe, "intel_iommu=on");
}

static void advise_iommu(struct probe *probe)
{
	const char *architecture = probe->machine.architecture;
	uint32_t before = probe->advice_count;

	if (probe->machine.iommu_count || probe->devices.group_count)
		return;
	if (!strcmp(architecture, "x86_64") || !strcmp(architecture, "i686")) {
		advise_x86_iommu(probe);
	} else if (!strcmp(architecture, "s390x")) {
		struct probe_advice *advice =
			probe_advice_add(probe, "no-function", true,
					 "No PCI function is configured. On s390 each has an IOMMU of its own. Those that could be are in "
					 "/sys/bus/pci/slots, by function ID.");
		probe_command(advice, "echo 1 > /sys/bus/pci/slots/FID/power");
	} else if (!strcmp(architecture, "aarch64") && probe_option_is_off(probe_option(&probe->kernel, "ARM_SMMU_V3"))) {
		probe_advice_add(probe, "kernel-option", true, "The kernel was built without CONFIG_ARM_SMMU_V3, and cannot drive an SMMUv3.");
	} else if (probe_option_is_off(probe_option(&probe->kernel, "IOMMU_SUPPORT"))) {
		probe_advice_add(probe, "kernel-option", true, "The kernel was built without CONFIG_IOMMU_SUPPORT.");
	}
	if (probe->advice_count == before)
		probe_command(probe_advice_add(probe, "no-iommu", true, "The kernel drives no IOMMU here. Its log may say why."),
			      "dmesg | grep -i -e iommu -e DMAR -e AMD-Vi -e SMMU");
}

/*
 * The options that an interface needs and the kernel lacks. If the configuration mentions none of
 * them, only the first counts, on which the others depend: kernels older than these options have
 * their function without them.
 */
static void list_options(const struct probe_interface *interface, char *text, size_t bytes)
{
	size_t used = 0;

	*text = '\0';
	for (unsigned int i = 0; i < PROBE_INTERFACE_PARTS && interface->options[i].name && used < bytes; i++) {
		char value = interface->options[i].value;
		/* It replaces type1. iommufd does not need it. */
		if (!strcmp(interface->options[i].name, "IOMMUFD_VFIO_CONTAINER"))
			continue;
		if (value == 'n' || (value == '-' && !i))
			used += (size_t)snprintf(text + used, bytes - used, "%sCONFIG_%s", used ? ", " : "", interface->options[i].name);
	}
}

static const struct probe_module_state *module_that_is(const struct probe_interface *interface, enum probe_module state)
{
	for (unsigned int i = 0; i < PROBE_INTERFACE_PARTS && interface->modules[i].name; i++) {
		if (interface->modules[i].state == state)
			return &interface->modules[i];
	}
	return NULL;
}

static bool takes_kernel(const struct probe_interface *interface)
{
	char options[200];

	list_options(interface, options, sizeof(options));
	return interface->rights != PROBE_NO && *options;
}

static void advise_rights(struct probe *probe, const char *node, bool needed)
{
	struct probe_advice *advice = probe_advice_add(probe, "rights", needed, "You may not read and write %s.", node);

	probe_command(advice, "setfacl -m u:%" PRIu64 ":rw %s", probe->tree.uid, node);
}

/* The reason why an interface is unusable. It is needed if the other one is unusable, too. */
static void advise_interface(struct probe *probe, const struct probe_interface *interface, bool needed)
{
	const struct probe_module_state *loadable = module_that_is(interface, PROBE_MODULE_LOADABLE);
	char options[200];

	list_options(interface, options, sizeof(options));
	if (interface->rights == PROBE_NO) {
		advise_rights(probe, interface->node, needed);
	} else if (*options) {
		probe_advice_add(probe, "kernel-option", needed, "%s: the kernel was built without %s. It takes another kernel%s.", interface->name, options,
				 strstr(options, "CONFIG_IOMMUFD") ? " (Debian's own have iommufd off)" : "");
	} else if (loadable) {
		struct probe_advice *advice =
			probe_advice_add(probe, "module", needed, "%s: the kernel's module %s is not loaded.", interface->name, loadable->name);
		for (unsigned int i = 0; i < PROBE_INTERFACE_PARTS && interface->modules[i].name; i++) {
			if (interface->modules[i].state == PROBE_MODULE_LOADABLE)
				probe_command(advice, "modprobe %s", interface->modules[i].name);
		}
	} else if (module_that_is(interface, PROBE_MODULE_ABSENT) && !interface->present) {
		probe_advice_add(probe, "module", needed, "%s: the kernel's module %s is not installed.", interface->name,
				 module_that_is(interface, PROBE_MODULE_ABSENT)->name);
	} else {
		struct probe_advice *advice = probe_advice_add(probe, "module", needed, "%s: %s %s.", interface->name,
							       interface->present ? "nothing serves" : "there is no", interface->node);
		probe_command(advice, "modprobe %s", interface == &probe->type1 ? "vfio_iommu_type1" : "iommufd");
	}
}

/* The module, where its way would be open: it makes refreshes faster, and nothing needs it. */
static void advise_module(struct probe *probe)
{
	const struct probe_module_state *loadable = module_that_is(&probe->module, PROBE_MODULE_LOADABLE);
	struct probe_advice *advice;

	if (probe->module.usable || !probe->type1.usable)
		return;
	if (loadable) {
		advice = probe_advice_add(probe, "module", false, "kernel: the module viommu, which refreshes guests' tables in the kernel, is not loaded.");
		probe_command(advice, "modprobe viommu");
	} else if (module_that_is(&probe->module, PROBE_MODULE_ABSENT)) {
		advice = probe_advice_add(probe, "module", false, "kernel: the module viommu, which refreshes guests' tables in the kernel, is not installed.");
		probe_command(advice, "./run module");
	}
}

/* A guest's own SMMUv3, which needs iommufd. Everything else works without. */
static void advise_smmuv3(struct probe *probe)
{
	const struct probe_smmuv3 *smmu = &probe->chosen.smmuv3;

	if (probe_has_smmuv3(&probe->machine) && probe->iommufd.usable && probe_option_is_off(probe_option(&probe->kernel, "ARM_SMMU_V3_IOMMUFD")))
		probe_advice_add(probe, "nesting", false,
				 "The kernel was built without CONFIG_ARM_SMMU_V3_IOMMUFD, which there is from Linux 6.13 on, and gives no guest an SMMUv3.");
	/* arm_smmu_get_viommu_size() in drivers/iommu/arm/arm-smmu-v3/arm-smmu-v3-iommufd.c. */
	if (smmu->known && smmu->error == -EOPNOTSUPP)
		probe_advice_add(
			probe, "nesting", false,
			"The kernel gives no guest this SMMUv3. It takes both stages, and that no guest can have a device miss the processors' caches: "
			"the SMMU has FWB, or firmware says that the PCI root complex is coherent whatever tables say (in its table IORT, flag CANWBS).");
}

/*
 * A guest's memory must be pinned before devices reach it, so a limit below the machine's memory
 * may be reached.
 */
static void advise_memlock(struct probe *probe)
{
	const struct probe_limits *limits = &probe->limits;

	if (!limits->known || limits->cap_ipc_lock == PROBE_YES || limits->soft == VIOMMU_NO_LIMIT ||
	    (limits->memory_bytes && limits->soft >= limits->memory_bytes))
		return;
	struct probe_advice *advice = probe_advice_add(probe, "memlock", false,
						       "You may lock %s, and what devices reach counts against that: a guest whose driver maps more gets the "
						       "answer that resources are insufficient.",
						       cli_bytes(limits->soft));
	if (limits->hard > limits->soft)
		probe_command(advice, "ulimit -l %s", limits->hard == VIOMMU_NO_LIMIT ? "unlimited" : "hard");
	else
		probe_command(advice, "prlimit --memlock=unlimited --pid PID-OF-THE-SHELL");
	probe_command(advice, "printf '#%" PRIu64 " - memlock unlimited\\n' > /etc/security/limits.d/viommu.conf", probe->tree.uid);
}

void probe_advise(struct probe *probe)
{
	/*
	 * Either interface is enough. Advises on the one that does not need another kernel, on
	 * type1 if neither or both do.
	 */
	bool none = !probe->module.usable && !probe->type1.usable && !probe->iommufd.usable;
	bool take_iommufd = takes_kernel(&probe->type1) && !takes_kernel(&probe->iommufd);

	advise_iommu(probe);
	if (!probe->type1.usable)
		advise_interface(probe, &probe->type1, none && !take_iommufd);
	if (!probe->iommufd.usable)
		advise_interface(probe, &probe->iommufd, none && take_iommufd);
	advise_module(probe);
	if (probe->chosen.device)
		probe_advise_device(probe);
	advise_smmuv3(probe);
	advise_memlock(probe);
}
