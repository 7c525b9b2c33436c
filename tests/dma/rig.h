/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A virtual machine without a processor: the test is the guest, and real devices of the machine it
 * runs on are the guest's devices. It writes translation tables into the VM's memory, executes
 * MPCIFC and RPCIT through the library, and has the devices read and write through IOVAs. Only
 * tests/reference decides what an IOVA leads to; bytes in memory decide whether it does.
 *
 * Memory. The first area is the system's: tables, the devices' queues, one page a device through
 * which patterns come and go ("staging"). All other areas hold data: unique patterns, of which the
 * rig keeps a copy, so that a stray byte is found wherever it lands. Some areas are files, some are
 * not; two are neighbours; one is read-only; two come and go.
 *
 * IOVAs. Each device has a few pages at the beginning of the aperture for its driver. The rest is
 * for the tests.
 *
 * Each test runs in a process of its own (cases.h), and ends it at the first error. So nothing is
 * left for the next one, and pages that the kernel still has pinned after its end are found.
 */
#ifndef TESTS_DMA_RIG_H
#define TESTS_DMA_RIG_H

#include <viommu/viommu.h>
#include <viommu/vfio.h>
#include <viommu/zpci.h>

#include "core/guest.h"
#include "dma/dma.h"
#include "reference/model.h"

#define RIG_UNITS 3

#define RIG_ZONE_BYTES MIB /* for one set of tables */

/*
 * The pages of a unit's driver, by number: those that the driver wants, and the one for patterns.
 */
#define RIG_STAGING DMA_PAGES
static inline uint64_t rig_driver_gpa(unsigned int unit, unsigned int page)
{
	return 7 * MIB + (16 * unit + page) * PAGE;
}

/* Areas of guest memory, in the order in which they are made. */
enum { AREA_SYSTEM, AREA_FILE, AREA_NEIGHBOUR, AREA_READ_ONLY, AREA_VISITING_FILE, AREA_VISITING, RIG_AREAS };

/* Which host, which policy, which limits. */
struct rig_config {
	const char *host; /* "type1" or "iommufd" */
	enum viommu_pin_policy pin;
	uint64_t pin_budget;		/* 0: none */
	unsigned int entry_limit;	/* type1's for all devices but the first, which is the one that the host knows of; 0: as it is */
	bool shared;			/* all devices in one domain of the core's, instead of a zPCI function each */
	uint64_t lowest, highest;	/* the guest's aperture; 0: what the host has, from 4 GiB on */
	unsigned int units;		/* devices to use of those that there are */
	const char *address[RIG_UNITS]; /* of the devices */
};

/*
 * A set of tables, and the pages that devices behind it must reach. In zPCI each device has its
 * own, in a shared domain all have unit 0's.
 */
struct rig_space {
	struct tables tables;
	struct naive_tables naive; /* as they are registered */
	struct model_list model;
	uint64_t zone[2];	 /* where tables are made: two places, by turns, each time that all of them are replaced */
	unsigned int generation; /* counts such replacements */
	uint64_t table_next;
	struct viommu_domain *domain; /* of a shared one */
	bool registered;
};

struct rig_unit {
	unsigned int number;
	const char *address;
	struct rig_space *space;
	bool attached;
	struct viommu_zpci_function *function;
	struct viommu_device *device;
	uint32_t fh;
	struct dma_device *dma;
	struct dma_page pages[DMA_PAGES];
	uint64_t staging_iova;
	unsigned char *staging;
	uint64_t block; /* counts transfers, and so blocks to use */
};

struct rig {
	const struct rig_config *config;
	struct guest guest;
	unsigned char *expected[RIG_AREAS];
	struct viommu_host *host;
	struct viommu_host_caps caps;
	struct viommu_zpci *zpci;
	unsigned int events;
	uint64_t lowest, highest; /* IOVAs that are registered */
	unsigned int units;
	struct rig_unit unit[RIG_UNITS];
	struct rig_space space[RIG_UNITS];
	uint64_t draws; /* state of the random numbers */
	char doing[200];
};

/* Ends the process, with the current operation and the error. */
__attribute__((noreturn, format(printf, 2, 3))) void rig_fail(struct rig *rig, const char *format, ...);
/* The current operation, for rig_fail(). */
__attribute__((format(printf, 2, 3))) void rig_doing(struct rig *rig, const char *format, ...);
/* And more of that. */
__attribute__((format(printf, 2, 3))) void rig_and(struct rig *rig, const char *format, ...);

/* Random numbers: any seed will do. */
uint64_t rig_draw(struct rig *rig);
unsigned int rig_below(struct rig *rig, unsigned int bound);

/*
 * Sets up everything: memory, host, devices, tables that lead to the drivers' pages, registrations,
 * drivers.
 */
void rig_up(struct rig *rig, const struct rig_config *config, uint64_t seed);

/*
 * Tears down everything, and checks that nothing is charged and that memory has the expected
 * contents.
 */
void rig_down(struct rig *rig);

/* Tables of a unit's space: pages contiguous in both spaces; nothing is refreshed. */
void rig_map(struct rig_unit *unit, uint64_t iova, uint64_t pages, uint64_t gpa, uint32_t prot);
void rig_unmap(struct rig_unit *unit, uint64_t iova, uint64_t pages);
/* Sets an entry of a level as it is. */
void rig_set(struct rig_unit *unit, uint64_t iova, unsigned int level, uint64_t entry);

/*
 * New tables in the place of the old ones, which lead to the drivers' pages and to nothing else.
 * Not registered yet.
 */
void rig_new_tables(struct rig *rig, struct rig_space *space);

/* Takes note that a space's tables are now registered, or not. */
void rig_space_known(struct rig *rig, struct rig_space *space, bool registered);

/* The result of an instruction. */
enum rig_answer {
	RIG_DONE,
	RIG_SHORT, /* "insufficient resources": the model is not what it was */
};

/* RPCIT of first..last, or a refresh of the shared domain. The model follows where it is done. */
enum rig_answer rig_refresh_any(struct rig *rig, struct rig_unit *unit, uint64_t first, uint64_t last);
/* The same, which must succeed. */
void rig_refresh(struct rig *rig, struct rig_unit *unit, uint64_t first, uint64_t last);

/*
 * MPCIFC: registers, ends the registration, or registers anew. In a shared domain: creates and
 * attaches, detaches and destroys, or both.
 */
enum rig_answer rig_register_any(struct rig *rig, struct rig_unit *unit);
void rig_register(struct rig *rig, struct rig_unit *unit);
void rig_deregister(struct rig *rig, struct rig_unit *unit);
void rig_reregister(struct rig *rig, struct rig_unit *unit);

/*
 * Takes a unit's function away, and gives it again with tables that lead to the driver's pages
 * alone. Not of a shared domain.
 */
void rig_unplug(struct rig *rig, struct rig_unit *unit);
void rig_plug(struct rig *rig, struct rig_unit *unit);

/* Starts the unit's driver, or starts it anew where its pages were unreachable for a while. */
void rig_start(struct rig *rig, struct rig_unit *unit);

/* Areas: shown to the VM, and hidden from it. The model follows. */
void rig_show(struct rig *rig, unsigned int area);
void rig_hide(struct rig *rig, unsigned int area);

/*
 * The device writes to, or reads from, an IOVA, and must do as the model says. If nothing may
 * arrive, the first ends with a comparison of all memory.
 */
void rig_check_write(struct rig *rig, struct rig_unit *unit, uint64_t iova);
void rig_check_read(struct rig *rig, struct rig_unit *unit, uint64_t iova);

/* Compares all data. */
void rig_check_memory(struct rig *rig);

/*
 * The charge matches the reference, and the kernel's pins match the charge in the way of the host.
 */
void rig_check_pins(struct rig *rig);

/* Pages that the kernel must have pinned now. */
uint64_t rig_kernel_pages(struct rig *rig);

/* Bytes charged to the VM. */
uint64_t rig_pinned(struct rig *rig);

/* The statistics of a unit's domain. */
struct viommu_domain_stats rig_stats(struct rig_unit *unit);

/* GPA of a data area's page. */
uint64_t rig_gpa(struct rig *rig, unsigned int area, uint64_t page);

#endif
