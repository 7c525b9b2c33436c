/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Common to the parts of the fake kernel. */
#ifndef FAKE_OBJECTS_H
#define FAKE_OBJECTS_H

#include "fake_kernel.h"

enum {
	FAKE_FILES = 32,
	FAKE_DEVICES = 2,
	FAKE_OBJECTS = 64,
	FAKE_MAPPINGS = 4096,
	FAKE_COMMANDS = 256,
	FAKE_PASIDS = 4,
};

#define FAKE_FIRST	  UINT64_C(0x1000)
#define FAKE_WINDOW_FIRST UINT64_C(0xfee00000)
#define FAKE_WINDOW_LAST  UINT64_C(0xfeefffff)

enum fake_kind { FAKE_NONE, FAKE_CONTAINER, FAKE_GROUP, FAKE_DEVICE, FAKE_CDEV, FAKE_IOMMUFD, FAKE_QUEUE };

struct fake_file {
	enum fake_kind kind;
	int fd;
	unsigned int number; /* number of the group, or of the device */
	/* group: the container that it is in, by its file descriptor; 0: none */
	int container;
	bool type1;	      /* container: its IOMMU driver is set */
	unsigned long module; /* container: its type of the module's; 0: none */
	int iommufd;	      /* cdev: its iommufd, 0: none */
	/*
	 * cdev: the object it is attached to; group: the module's domain it is attached to; 0: none
	 */
	uint32_t attached;
	struct {
		uint32_t pasid;
		uint32_t attached; /* 0: the entry is free */
	} pasids[FAKE_PASIDS];	   /* cdev */
};

/* A translation, in a container or in an IOAS. */
struct fake_mapping {
	int container; /* file descriptor; 0: none */
	uint32_t ioas; /* 0: none */
	uint64_t first, last;
	unsigned char *hva;
	uint32_t prot;
	uint32_t slot_prot; /* rights with which its pages were first mapped */
};

struct fake_object {
	enum { FAKE_FREE, FAKE_IOAS, FAKE_HWPT, FAKE_BOUND, FAKE_VIOMMU, FAKE_VDEVICE, FAKE_NESTED, FAKE_EVENTS } kind;
	uint32_t ioas;	  /* hwpt: the IOAS that fills it */
	uint32_t above;	  /* viommu: the hwpt beneath it; vdevice, nested, events: the viommu */
	uint64_t stream;  /* vdevice */
	bool stops;	  /* nested: blocks all accesses */
	bool nest_parent; /* hwpt */
	bool for_pasids;  /* hwpt */
	int read_end;	  /* events: both ends of the pipe behind its file */
	int write_end;
	/* hwpt, viommu, vdevice: the device it was created for; bound: the device */
	unsigned int device;
	bool automatic; /* hwpt: created by attaching an IOAS */
	bool narrow;	/* ioas: a device's aperture limits it */
	bool told;	/* ioas: a device was attached */
};

struct fake {
	struct fake_options options;
	char root[64];
	struct fake_file files[FAKE_FILES];
	struct fake_mapping mappings[FAKE_MAPPINGS];
	size_t mapping_number;
	struct fake_object objects[FAKE_OBJECTS];
	uint64_t calls, fail_from, fail_until;
	int fail_with;
	unsigned long failed; /* the ioctl that was ordered to fail last */
	uint64_t allocations, fail_allocation;
	uint64_t commands[FAKE_COMMANDS][2];
	size_t command_number;
};
extern struct fake fake;

struct fake_file *fake_file(int fd);
int fake_new_file(enum fake_kind kind, unsigned int number, struct fake_file **out);
unsigned int fake_group_of(unsigned int device);
uint64_t fake_last(unsigned int device);
bool fake_is_reserved(unsigned int device, uint64_t first, uint64_t last);

/* 0 or -EEXIST. The container or IOAS is a member of the mapping. */
int fake_insert(const struct fake_mapping *mapping);
/*
 * Removes the mappings in the range. -EINVAL if it would split a mapping. *bytes is the number of
 * removed bytes.
 */
int fake_remove(int container, uint32_t ioas, uint64_t first, uint64_t last, uint64_t *bytes);
const struct fake_mapping *fake_at(int container, uint32_t ioas, uint64_t iova);

int fake_type1_ioctl(struct fake_file *file, unsigned long request, void *argument);
void fake_type1_close(struct fake_file *file);
int fake_type1_dma(struct fake_file *file, uint64_t iova, unsigned char **hva, uint32_t *prot);
uint64_t fake_type1_pinned(void);
size_t fake_type1_mappings(void);

/* fake_module.c */
int fake_module_ioctl(struct fake_file *container, unsigned long request, void *argument);
void fake_module_begin(void);
void fake_module_end(int fd);
int fake_module_dma(const struct fake_file *group, uint64_t iova, unsigned char **hva, uint32_t *prot);
uint64_t fake_module_pinned(const struct fake_file *container);
size_t fake_module_domains(void);

/* Objects of the iommufd. NULL if none has this number and kind. */
struct fake_object *fake_object(uint32_t id, unsigned int kind);
uint32_t fake_new_object(unsigned int kind);

/* fake_nest.c: ioctls for nesting; -ENOTTY for any other. */
int fake_nest_ioctl(unsigned long request, void *argument);
int fake_nest_hwpt(void *argument);
bool fake_is_above(uint32_t id); /* a reference keeps it alive */
bool fake_has_vdevice(uint32_t viommu, unsigned int device);
void fake_queue_close(const struct fake_file *file);

int fake_iommufd_ioctl(struct fake_file *file, unsigned long request, void *argument);
void fake_iommufd_close(struct fake_file *file);
int fake_iommufd_dma(uint32_t attached, uint64_t iova, unsigned char **hva, uint32_t *prot);
uint32_t *fake_pasid(struct fake_file *file, uint32_t pasid); /* what it is attached to, or NULL */
uint64_t fake_iommufd_pinned(void);
size_t fake_iommufd_mappings(void);

#endif
