/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A device is unplugged while it is in use. The kernel requests it (Linux,
 * drivers/vfio/pci/vfio_pci_core.c, vfio_pci_core_request()), and waits for its release. The VMM
 * stops using it, may report to the guest that the function has failed, and removes it. Then the
 * removal ends, nothing is pinned for the device, the guest's other device is not affected, and the
 * first one can be plugged again.
 */
#include <inttypes.h>
#include <linux/vfio.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cases.h"
#include "kernel.h"

#define AT(rig)	   ((rig)->lowest + 16 * MIB)
#define RELEASE_MS 30000 /* how long the removal may take after the VMM has released the device */
#define MAPPED	   16u

/*
 * A process that requests the removal of a device sleeps until the removal is done, and no signal
 * wakes it. So a process without any file of the device does this. It is created before there is a
 * device, reads numbers of devices from a pipe, and answers each when the device is removed.
 */
struct puller {
	int ask;
	int answer;
};

static struct puller make_puller(struct rig *rig, const struct rig_config *config)
{
	int ask[2], answer[2];
	unsigned char number;
	pid_t child;

	fflush(stdout);
	if (pipe(ask) || pipe(answer) || (child = fork()) < 0)
		rig_fail(rig, "no process");
	if (child) {
		close(ask[0]);
		close(answer[1]);
		return (struct puller){ .ask = ask[1], .answer = answer[0] };
	}
	close(ask[1]);
	close(answer[0]);
	while (read(ask[0], &number, 1) == 1) {
		const bool ok = kernel_device_remove(config->address[number]);

		if (write(answer[1], &ok, sizeof(ok)) != sizeof(ok))
			break;
	}
	_exit(0);
}

static bool is_readable(int fd, int milliseconds)
{
	struct pollfd one = { .fd = fd, .events = POLLIN };

	return poll(&one, 1, milliseconds) > 0;
}

static void use(struct rig *rig, struct rig_unit *unit)
{
	for (unsigned int i = 0; i < MAPPED; i++) {
		rig_check_write(rig, unit, AT(rig) + i * PAGE);
		rig_check_read(rig, unit, AT(rig) + i * PAGE);
	}
	rig_check_memory(rig);
}

static void map_some(struct rig *rig, struct rig_unit *unit)
{
	rig_map(unit, AT(rig), MAPPED, rig_gpa(rig, AREA_FILE, 20 * unit->number), VIOMMU_RW);
	rig_refresh(rig, unit, AT(rig), AT(rig) + MAPPED * PAGE - 1);
}

static void unplug(struct rig *rig, const struct puller *puller, struct rig_unit *unit, bool failed_first)
{
	const unsigned char number = (unsigned char)unit->number;
	/* The kernel's signal for a request. */
	const int request = dma_event(viommu_device_vfio_fd(unit->device), VFIO_PCI_REQ_IRQ_INDEX);
	bool ok = false;

	rig_doing(rig, "%s is pulled", unit->address);
	if (request < 0)
		rig_fail(rig, "the kernel will not say when it wants it back: %s", strerror(-request));
	if (write(puller->ask, &number, 1) != 1)
		rig_fail(rig, "there is no process to remove it");
	/* It is used until the request, and works until it is released. */
	do
		use(rig, unit);
	while (!is_readable(request, 0));
	use(rig, unit);
	if (is_readable(puller->answer, 0))
		rig_fail(rig, "the kernel did not wait for the device");
	if (failed_first) {
		viommu_zpci_device_failed(unit->function);
		model_list_free(&unit->space->model);
		unit->attached = false;
		rig_check_pins(rig);
	}
	rig_unplug(rig, unit);
	close(request);
	if (!is_readable(puller->answer, RELEASE_MS))
		rig_fail(rig, "the kernel still waits for the device: something of it is open");
	if (read(puller->answer, &ok, sizeof(ok)) != sizeof(ok) || !ok)
		rig_fail(rig, "the kernel could not remove it");
	rig_check_pins(rig);
}

static void pulled(struct rig_config config, uint64_t seed, uint64_t operations)
{
	struct rig rig = { .config = &config };
	const struct puller puller = make_puller(&rig, &config);

	rig_up(&rig, &config, seed);
	for (unsigned int u = 0; u < rig.units; u++)
		map_some(&rig, &rig.unit[u]);
	for (uint64_t round = 0; round < operations; round++) {
		struct rig_unit *unit = &rig.unit[round % rig.units];
		struct rig_unit *other = &rig.unit[(round + 1) % rig.units];

		unplug(&rig, &puller, unit, round / rig.units % 2);
		use(&rig, other);
		rig_doing(&rig, "%s is plugged again", unit->address);
		if (!kernel_device_return(unit->address))
			rig_fail(&rig, "the kernel does not find it again");
		rig_plug(&rig, unit);
		map_some(&rig, unit);
		use(&rig, unit);
		rig_check_pins(&rig);
	}
	rig_down(&rig);
	close(puller.ask);
	close(puller.answer);
}

static const struct dma_case cases[] = {
	{ .name = "pulled", .run = pulled, .nvmes = 2, .operations = 4 },
};

int main(int argc, char **argv)
{
	return cases_main(argc, argv, cases, sizeof(cases) / sizeof(cases[0]));
}
