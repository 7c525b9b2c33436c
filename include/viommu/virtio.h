/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * virtio-iommu: the guest IOMMU of a paravirtual guest (virtio 1.3, section 5.13). There are no
 * tables: the guest sends requests, which name a domain, IOVAs and GPAs.
 *
 * The VMM keeps the transport and both virtqueues. It passes each request as bytes, offers the
 * feature bits and the configuration space of this header to the driver, and puts the fault reports
 * that come back into buffers of the event queue. It adds an endpoint for each device that the
 * virtio-iommu manages. An endpoint's accesses go through a reader of its device (reader.h).
 *
 * Domains of the guest are mapped domains (mapped.h): memory that a MAP names is pinned and charged
 * while the mapping exists, and is reached when the request returns. A request that does not fit
 * the budget or a limit is answered with VIRTIO_IOMMU_S_NOMEM and has no effect. An endpoint in
 * bypass mode reaches all of the VM's slots at IOVA = GPA.
 *
 * Threads: every function may be called from any thread at any time, but for the destruction of
 * what is in use. Callbacks are called without locks. A request may wait for another one, for slots
 * that come and go, and for accesses of devices that are in flight. Between viommu_reader_enter()
 * and viommu_reader_leave() only viommu_virtio_config_read(), viommu_virtio_info(),
 * viommu_virtio_find() and viommu_virtio_endpoint_device() may be called.
 */
#ifndef VIOMMU_VIRTIO_H
#define VIOMMU_VIRTIO_H

#include <viommu/types.h>
#include <viommu/domain.h>
#include <viommu/hosts.h>

#ifdef __cplusplus
extern "C" {
#endif

struct viommu_virtio;	       /* one virtio-iommu of a VM */
struct viommu_virtio_endpoint; /* one of the devices behind it */

/* Feature bits that are offered (section 5.13.3). MAP requests with the MMIO flag are refused. */
#define VIOMMU_VIRTIO_F_INPUT_RANGE   (UINT64_C(1) << 0)
#define VIOMMU_VIRTIO_F_DOMAIN_RANGE  (UINT64_C(1) << 1)
#define VIOMMU_VIRTIO_F_MAP_UNMAP     (UINT64_C(1) << 2)
#define VIOMMU_VIRTIO_F_PROBE	      (UINT64_C(1) << 4)
#define VIOMMU_VIRTIO_F_BYPASS_CONFIG (UINT64_C(1) << 6)

/*
 * Bytes of the configuration space (section 5.13.4), of a fault report (section 5.13.6.8), and of
 * the properties of an endpoint (section 5.13.6.6).
 */
#define VIOMMU_VIRTIO_CONFIG_BYTES 40u
#define VIOMMU_VIRTIO_FAULT_BYTES  24u
#define VIOMMU_VIRTIO_PROBE_BYTES  512u

/* The field `bypass` of the configuration space is 1 after creation and after a reset of the VM. */
#define VIOMMU_VIRTIO_BOOT_BYPASS 0x1u

/* 0 takes the default in parentheses. */
struct viommu_virtio_config {
	uint32_t size;	/* sizeof(struct viommu_virtio_config) */
	uint32_t flags; /* VIOMMU_VIRTIO_BOOT_BYPASS */
	/*
	 * The highest IOVA (2^48 - 1), the last of a page: input_range.end. input_range.start is 0.
	 */
	uint64_t last;
	/*
	 * mappings are multiples of 2^page_bits bytes, 12 to 30 (12): the lowest bit of
	 * page_size_mask
	 */
	uint32_t page_bits;
	/* The highest domain ID (2^32 - 1): domain_range.end. domain_range.start is 0. */
	uint32_t domain_max;
	/*
	 * Called for each fault report, which is VIOMMU_VIRTIO_FAULT_BYTES of bytes for a buffer of
	 * the event queue. If there is no buffer, the VMM drops it (section 5.13.6.8). May be NULL.
	 */
	void (*fault)(void *ctx, const void *report);
	void *ctx;
};
#define VIOMMU_VIRTIO_CONFIG_SIZE_V0 VIOMMU_SIZE_TO(struct viommu_virtio_config, ctx)
#define VIOMMU_VIRTIO_CONFIG_INIT                                           \
	{                                                                   \
		sizeof(struct viommu_virtio_config), 0, 0, 0, 0, NULL, NULL \
	}

/*
 * 0; -EINVAL (a member is out of range) or -ENOMEM. The caller owns it, and destroys it before its
 * VM. No feature is negotiated yet.
 */
VIOMMU_API int viommu_virtio_create(struct viommu_vm *vm, const struct viommu_virtio_config *config, struct viommu_virtio **out);

/* Destroys it with its endpoints and their domains, in any state. Never fails. NULL is allowed. */
VIOMMU_API void viommu_virtio_destroy(struct viommu_virtio *virtio);

/* The feature bits that are offered, without those of the transport. */
VIOMMU_API uint64_t viommu_virtio_features(const struct viommu_virtio *virtio);

/*
 * The driver has accepted these, without those of the transport (FEATURES_OK). 0, or -EINVAL: some
 * are not offered, and nothing has changed. MAP and UNMAP are not served without
 * VIOMMU_VIRTIO_F_MAP_UNMAP, `bypass` is read-only without VIOMMU_VIRTIO_F_BYPASS_CONFIG.
 */
VIOMMU_API int viommu_virtio_set_features(struct viommu_virtio *virtio, uint64_t accepted);

/*
 * Loads and stores of the configuration space: `bytes` bytes at `offset`, little-endian as the
 * driver sees them. Bytes beyond the space read as 0. All fields but `bypass` are read-only; stores
 * to them, and of other values than 0 and 1 to `bypass`, are ignored. A store to `bypass` has its
 * effect on all endpoints without a domain when the call returns.
 */
VIOMMU_API void viommu_virtio_config_read(struct viommu_virtio *virtio, uint64_t offset, void *to, size_t bytes);
VIOMMU_API void viommu_virtio_config_write(struct viommu_virtio *virtio, uint64_t offset, const void *from, size_t bytes);

/*
 * The device's reset (status 0), or with `system` that of the VM: endpoints leave their domains,
 * all mappings are removed, no feature is negotiated. `bypass` stays, or gets its first value again
 * (section 5.13.4.2).
 */
VIOMMU_API void viommu_virtio_reset(struct viommu_virtio *virtio, bool system);

/*
 * Serves one request. `in` is the device-readable part of its buffer, gathered by the caller into
 * memory that the guest does not write; `out` has room for the device-writable part. Returns how
 * many bytes of `out` were written, from its first on, which is the used length. 0 for a request
 * that is too short or whose type is not known: the buffer is returned as it is (section 5.13.6).
 * Whatever a request asks for is done when this returns, unless its status is an error: then it had
 * no effect, but that an ATTACH that met a limit may leave its endpoint without a domain.
 */
VIOMMU_API size_t viommu_virtio_request(struct viommu_virtio *virtio, const void *in, size_t in_bytes, void *out, size_t out_bytes);

/* IOVAs that an endpoint cannot be given translations for. Frozen. */
struct viommu_virtio_reserved {
	uint64_t first;
	uint64_t last;
	/*
	 * 1: the doorbell of message-signalled interrupts, at most one an endpoint; 0: something
	 * else
	 */
	uint32_t msi;
	uint32_t reserved; /* 0 */
};

struct viommu_virtio_endpoint_config {
	uint32_t size;		  /* sizeof(struct viommu_virtio_endpoint_config) */
	uint32_t endpoint;	  /* its ID */
	struct viommu_host *host; /* where its translations land */
	const void *device;	  /* which device it is there: viommu_device_create()'s data */
	/*
	 * Ascending, disjoint ranges that the guest finds by a PROBE. What the host itself reserves
	 * (viommu_host_ranges()) is added by the library. Copied.
	 */
	const struct viommu_virtio_reserved *reserved;
	uint32_t reserved_number;
	uint32_t flags; /* 0 */
};
#define VIOMMU_VIRTIO_ENDPOINT_CONFIG_SIZE_V0 VIOMMU_SIZE_TO(struct viommu_virtio_endpoint_config, flags)
/* endpoint and host are for the caller to set. */
#define VIOMMU_VIRTIO_ENDPOINT_CONFIG_INIT                                              \
	{                                                                               \
		sizeof(struct viommu_virtio_endpoint_config), 0, NULL, NULL, NULL, 0, 0 \
	}

/*
 * Adds an endpoint (plugs it), which has no domain. 0; -EINVAL (a member is out of range, reserved
 * ranges are not ascending); -EEXIST (an endpoint has that ID, or the host has made a device of it
 * already); -ERANGE (the host cannot translate all IOVAs up to `last`, or pages of 2^page_bits
 * bytes); -ENOSPC (more reserved ranges than VIOMMU_VIRTIO_PROBE_BYTES have room for); -ENOMEM; and
 * what else viommu_device_create() answers. It belongs to virtio.
 */
VIOMMU_API int viommu_virtio_endpoint_add(struct viommu_virtio *virtio, const struct viommu_virtio_endpoint_config *config,
					  struct viommu_virtio_endpoint **out);

/*
 * Removes it (unplugs it): never fails. The caller sees to it that no other call for it is under
 * way.
 */
VIOMMU_API void viommu_virtio_endpoint_remove(struct viommu_virtio_endpoint *endpoint);

/* The endpoint with this ID, NULL if there is none. */
VIOMMU_API struct viommu_virtio_endpoint *viommu_virtio_find(struct viommu_virtio *virtio, uint32_t endpoint);

/* Its device, for viommu_reader_create(). It stays the virtio-iommu's. */
VIOMMU_API struct viommu_device *viommu_virtio_endpoint_device(struct viommu_virtio_endpoint *endpoint);

/*
 * An access of an endpoint failed with this fault of viommu_translate(). 0: there is a translation
 * now, so translate again; -EFAULT: the access ends in an error, and the fault was reported;
 * -EINVAL: fault is NULL, or its reason is VIOMMU_FAULT_NONE.
 */
VIOMMU_API int viommu_virtio_endpoint_fault(struct viommu_virtio_endpoint *endpoint, const struct viommu_fault *fault);

struct viommu_virtio_info {
	uint32_t size;	   /* sizeof(struct viommu_virtio_info) */
	uint32_t bypass;   /* the field of the configuration space */
	uint64_t accepted; /* feature bits */
	uint32_t endpoints;
	uint32_t domains;   /* of the guest */
	uint64_t mappings;  /* of all domains, now */
	uint64_t requests;  /* served */
	uint64_t refused;   /* of them: with another status than VIRTIO_IOMMU_S_OK */
	uint64_t discarded; /* that were too short, or of no known type */
	uint64_t faults;    /* calls of viommu_virtio_endpoint_fault() */
	uint64_t reports;   /* of them: reported */
	/*
	 * Domains of a host that were destroyed and made anew, since the host failed to remove
	 * something
	 */
	uint64_t rebuilt;
};
#define VIOMMU_VIRTIO_INFO_SIZE_V0 VIOMMU_SIZE_TO(struct viommu_virtio_info, rebuilt)
/* Fills in info, whose size member the caller has set. 0 or -EINVAL (info is of no known size). */
VIOMMU_API int viommu_virtio_info(struct viommu_virtio *virtio, struct viommu_virtio_info *info);

/*
 * The statistics and the established runs of what the endpoint is attached to, as
 * viommu_domain_stats() and viommu_domain_each_run() give them.
 */
VIOMMU_API int viommu_virtio_endpoint_stats(struct viommu_virtio_endpoint *endpoint, struct viommu_domain_stats *stats);
VIOMMU_API int viommu_virtio_endpoint_each_run(struct viommu_virtio_endpoint *endpoint, uint64_t first, uint64_t last,
					       int (*fn)(void *ctx, const struct viommu_run *run), void *ctx);

#ifdef __cplusplus
}
#endif
#endif
