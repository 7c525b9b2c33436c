/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* See guest_machine.h. */
#include "guest_machine.h"

#include <errno.h>

#include "port_wrap.h"

struct guest_seen guest_seen;

static void inject(struct guest_run *base, struct run *run)
{
	static const enum mock_call calls[] = { MOCK_MAP, MOCK_UNMAP, MOCK_FLUSH, MOCK_ATTACH, MOCK_DETACH, MOCK_CREATE, MOCK_REPLACE };
	static const int errors[] = { EIO, ENOMEM, ENOSPC, EINVAL };

	guest_seen.failures++;
	base->failing = true;
	if (below(run, 4) == 0)
		port_wrap.fail_at = 1 + below(run, 6);
	else
		mock_fail(base->host[below(run, GUEST_HOSTS)], calls[below(run, 7)], 1 + below(run, 3), below(run, 2), errors[below(run, 4)]);
}

static void check(const struct guest_run *base, struct run *run)
{
	guest_machine.check(run);
	for (unsigned int i = 0; i < GUEST_HOSTS; i++)
		if (base->host[i] && base->host[i]->breaches)
			fuzz_wrong("%s", base->host[i]->breach);
}

static void recover(struct guest_run *base, struct run *run)
{
	port_wrap.fail_at = 0;
	for (unsigned int i = 0; i < GUEST_HOSTS; i++)
		for (unsigned int call = 0; base->host[i] && call < MOCK_CALLS; call++)
			mock_fail(base->host[i], (enum mock_call)call, 0, false, 0);
	base->failing = false;
	guest_machine.recover(run);
	check(base, run);
}

void guest_machine_run(struct input *input)
{
	const struct mock_options options = { .last = 0 };
	struct guest_run *base = calloc(1, guest_machine.bytes);
	struct run *run = (struct run *)(void *)base;
	uint64_t kind = input_byte(input);
	bool failing = kind & 1;

	fuzz_must(base);
	base->input = input;
	for (unsigned int i = 0; i < GUEST_HOSTS && !(guest_machine.soft && kind % 4 == 2); i++)
		base->host[i] = mock_create(&options);
	base->random = (kind + 1) * UINT64_C(0x9e3779b97f4a7c15) | 1;
	base->sampling = true;
	guest_machine.up(run);
	base->sampling = false;
	recover(base, run);
	for (unsigned int i = 0; i < guest_machine.steps && input->left; i++) {
		if (failing && below(run, 10) == 0) {
			inject(base, run);
			if (guest_machine.failed)
				guest_machine.failed(run);
		}
		guest_machine.step(run);
		guest_seen.steps++;
		check(base, run);
		if (base->failing && below(run, 4) == 0)
			recover(base, run);
	}
	recover(base, run);
	guest_machine.down(run);
	fuzz_must(port_wrap.outstanding == 0);
	for (unsigned int i = 0; i < GUEST_HOSTS; i++)
		if (base->host[i])
			mock_destroy(base->host[i]);
	free(base);
}
