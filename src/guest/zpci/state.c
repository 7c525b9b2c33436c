/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The effects of SCLP and CLP on a function, and on its handle:
 *
 *   RESERVED, STANDBY           --configure-->            DISABLED
 *   DISABLED                    --enable-->               ENABLED, (errors) BLOCKED, ERROR
 *   ENABLED, BLOCKED, ERROR     --disable, or a reset-->  DISABLED
 *   any state                   --deconfigure-->          STANDBY
 *   any state                   --the device failed-->    PERMANENT ERROR
 *
 * The transitions between ENABLED, BLOCKED and ERROR are the guest's (mpcifc.c), and those of
 * errors (answer.c).
 *
 * A function outside of ENABLED, BLOCKED and ERROR has no registration. An ordinary handle names
 * one enabling: each enabling increments the handle's instance, so that an old handle never names a
 * new enabling.
 */
#include "ioat.h"

#define INSTANCE_ONE (VIOMMU_ZPCI_FH_INSTANCE & -VIOMMU_ZPCI_FH_INSTANCE)

static uint32_t handle_after_enabling(uint32_t fh)
{
	uint32_t instance = (fh + INSTANCE_ONE) & VIOMMU_ZPCI_FH_INSTANCE;

	return (fh & ~VIOMMU_ZPCI_FH_INSTANCE) | instance | VIOMMU_ZPCI_FH_ENABLED;
}

static uint32_t handle_after_disabling(uint32_t fh)
{
	return fh & ~VIOMMU_ZPCI_FH_ENABLED;
}

/* With change held: resets a function, and gives it this state and handle. */
static int bring_down(struct viommu_zpci_function *function, enum viommu_zpci_state state, uint32_t fh)
{
	int ret = zpci_function_move(function, fh);

	if (ret)
		return ret;
	zpci_function_set_state(function, state);
	zpci_function_drop_ioat(function);
	return 0;
}

int viommu_zpci_configure(struct viommu_zpci_function *function)
{
	int ret = -PORT_EINVAL;

	port_lock(&function->change);
	if (function->state == VIOMMU_ZPCI_RESERVED || function->state == VIOMMU_ZPCI_STANDBY) {
		zpci_function_set_state(function, VIOMMU_ZPCI_DISABLED);
		ret = 0;
	}
	port_unlock(&function->change);
	return ret;
}

int viommu_zpci_deconfigure(struct viommu_zpci_function *function)
{
	int ret;

	port_lock(&function->change);
	ret = bring_down(function, VIOMMU_ZPCI_STANDBY, handle_after_disabling(function->fh));
	port_unlock(&function->change);
	return ret;
}

void viommu_zpci_function_reset(struct viommu_zpci_function *function)
{
	port_lock(&function->change);
	/* The index stays, so that the handle is free. */
	if (zpci_state_is_operational(function->state))
		(void)bring_down(function, VIOMMU_ZPCI_DISABLED, handle_after_disabling(function->fh));
	port_unlock(&function->change);
}

void viommu_zpci_reset(struct viommu_zpci *zpci)
{
	struct viommu_zpci_function *function = zpci_function_get_next(zpci, NULL);

	while (function) {
		struct viommu_zpci_function *next;

		viommu_zpci_function_reset(function);
		next = zpci_function_get_next(zpci, function);
		zpci_function_put(function);
		function = next;
	}
}

void viommu_zpci_device_failed(struct viommu_zpci_function *function)
{
	port_lock(&function->change);
	zpci_function_set_state(function, VIOMMU_ZPCI_PERMANENT_ERROR);
	zpci_function_drop_ioat(function);
	port_unlock(&function->change);
}

/* With change held. */
static int enable(struct viommu_zpci_function *function, uint32_t fh)
{
	int ret;

	if (function->state != VIOMMU_ZPCI_DISABLED || !(fh & VIOMMU_ZPCI_FH_ENABLED))
		return -PORT_EINVAL;
	ret = zpci_function_move(function, fh);
	if (!ret)
		zpci_function_set_state(function, VIOMMU_ZPCI_ENABLED);
	return ret;
}

/* With change held. */
static int disable(struct viommu_zpci_function *function, uint32_t fh)
{
	if (!zpci_state_is_operational(function->state) || fh & VIOMMU_ZPCI_FH_ENABLED)
		return -PORT_EINVAL;
	return bring_down(function, VIOMMU_ZPCI_DISABLED, fh);
}

int viommu_zpci_enable(struct viommu_zpci_function *function, uint32_t *fh)
{
	int ret;

	port_lock(&function->change);
	ret = enable(function, handle_after_enabling(function->fh));
	if (!ret)
		*fh = function->fh;
	port_unlock(&function->change);
	return ret;
}

int viommu_zpci_disable(struct viommu_zpci_function *function, uint32_t *fh)
{
	int ret;

	port_lock(&function->change);
	ret = disable(function, handle_after_disabling(function->fh));
	if (!ret)
		*fh = function->fh;
	port_unlock(&function->change);
	return ret;
}

int viommu_zpci_enable_as(struct viommu_zpci_function *function, uint32_t fh)
{
	int ret;

	port_lock(&function->change);
	ret = enable(function, fh);
	port_unlock(&function->change);
	return ret;
}

int viommu_zpci_disable_as(struct viommu_zpci_function *function, uint32_t fh)
{
	int ret;

	port_lock(&function->change);
	ret = disable(function, fh);
	port_unlock(&function->change);
	return ret;
}
