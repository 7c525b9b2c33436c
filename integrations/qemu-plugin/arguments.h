/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The plugin's arguments, NAME=VALUE each: docs/recording.md and docs/live.md have the list.
 */
#ifndef VIOMMU_WATCH_ARGUMENTS_H
#define VIOMMU_WATCH_ARGUMENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ARGUMENTS_NOTES	  64u
#define ARGUMENTS_DEVICES 64u

struct arguments {
	const char *out; /* the file to record into; NULL: none */
	int level;	 /* of compression */
	const char *notes[ARGUMENTS_NOTES];
	size_t note_count;
	bool check;	   /* run the library as well */
	const char *board; /* where to put results; NULL: stderr */
	/* Assignment of QEMU's devices to functions, by handle or FID. */
	struct arguments_device {
		uint32_t number;
		const char *id;
	} devices[ARGUMENTS_DEVICES];
	size_t device_count;
	/* The guest reads these numbered blocks of its disk in order. None if the count is 0. */
	uint64_t numbered_first;
	uint64_t numbered_count;
};

/* 0, or -1 after an error message. Called once. */
int arguments_parse(struct arguments *arguments, int argc, char **argv);

/* Prints an error message on stderr. Returns -1. */
int arguments_complain(const char *text, const char *what);

#endif
