/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The rig's guest and device with iommufd in a container's place: the guest's memory is an IOAS,
 * beneath a nesting parent.
 */
#ifndef TESTS_MODULE_IOMMUFD_RIG_H
#define TESTS_MODULE_IOMMUFD_RIG_H

#include "host/iommufd_abi.h"
#include "host/iommufd_abi_smmuv3.h"
#include "rig.h"

/* Additions of linux/patches to the kernel's interface. */
enum {
	NEST_DATA_VTD = 1,
	NEST_DATA_ZPCI = 4,
	NEST_INVALIDATE_VTD = 0,
	NEST_INVALIDATE_ZPCI = 2,
	NEST_VIOMMU_ZPCI = 3,
	NEST_VEVENTQ_ZPCI = 3,
};

struct nest_data_zpci {
	uint64_t flags, iota, pba, pal;
};

struct nest_data_vtd {
	uint64_t flags, table;
	uint32_t address_width, zero;
};

enum { NEST_DONE, NEST_OUTSIDE, NEST_INSUFFICIENT, NEST_MALFORMED };

struct nest_invalidate_zpci {
	uint64_t first, bytes;
	uint32_t flags, status;
};

struct nest_invalidate_vtd {
	uint64_t first, pages;
	uint32_t flags, zero;
};

struct nest_event_zpci {
	uint64_t iova, entry_gpa, entry, id;
	uint32_t level, zero;
};

struct nest_rig {
	struct rig rig;
	int iommufd;
	uint32_t device; /* ids */
	uint32_t ioas;
	uint32_t parent;
};

/* Memory, all of it in the IOAS unless it is to be empty, and the parent. Failures end the test. */
void nest_open(struct nest_rig *nest, bool empty);
/* The same with another device than the first one. */
void nest_open_with(struct nest_rig *nest, const char *address, bool empty);
void nest_drive(struct nest_rig *nest); /* once the device reaches the rig's own page */
/* Closes everything, and checks that nothing is pinned. */
void nest_close(struct nest_rig *nest);

/* The calls: 0 or a negative errno. */
int nest_map(struct nest_rig *nest, uint64_t gpa, uint64_t bytes, bool written);
int nest_unmap(struct nest_rig *nest, uint64_t gpa, uint64_t bytes);
/* A HWPT of a parent, or of a vIOMMU. */
int nest_alloc(struct nest_rig *nest, uint32_t of, uint32_t type, const void *data, uint32_t bytes, uint32_t *hwpt);
int nest_attach(struct nest_rig *nest, uint32_t hwpt);
int nest_destroy(struct nest_rig *nest, uint32_t id);
int nest_invalidate(struct nest_rig *nest, uint32_t id, uint32_t type, void *entries, uint32_t bytes, uint32_t *number);
int nest_viommu(struct nest_rig *nest, uint32_t type, uint32_t *viommu);
int nest_vdevice(struct nest_rig *nest, uint32_t viommu, uint64_t id, uint32_t *vdevice);
int nest_events(struct nest_rig *nest, uint32_t viommu, uint32_t type, int *fd);
/* The next event of this size. False: there is none. */
bool nest_event(int fd, void *event, uint32_t bytes);

/* The rig's zPCI tables. */
int nest_zpci(struct nest_rig *nest, uint32_t of, uint32_t *hwpt);
/* Returns its status. */
uint32_t nest_refresh(struct nest_rig *nest, uint32_t hwpt, uint64_t iova, uint64_t pages);

#endif
