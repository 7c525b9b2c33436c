/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The ring of messages. The writer never waits: it overwrites the oldest line. So a reader takes a
 * copy, and then looks whether the line is still the one that it began with.
 *
 * The order that this needs is carried by the words of the text themselves. They are stored with
 * release: a reader that sees one of them also sees that the sequence number had been taken back
 * before. They are loaded with acquire: the second look at the sequence number comes after them.
 */
#include "board.h"

#include <string.h>

#define WORDS (LIVE_MESSAGE_BYTES / 8u)

void live_ring_write(struct live_ring *ring, enum live_message_kind kind, uint64_t time, const char *text)
{
	uint64_t sequence = live_get(&ring->written), words[WORDS] = { 0 };
	struct live_ring_line *line = &ring->lines[sequence % LIVE_RING_LINES];
	size_t length = strlen(text), i;

	if (length < sizeof(words)) {
		memcpy(words, text, length);
	} else {
		memcpy(words, text, sizeof(words) - 4);
		memcpy((char *)words + sizeof(words) - 4, "...", 4);
	}
	live_set(&line->sequence, 0);
	__atomic_store_n(&line->kind, kind, __ATOMIC_RELEASE);
	__atomic_store_n(&line->time, time, __ATOMIC_RELEASE);
	for (i = 0; i < WORDS; i++)
		__atomic_store_n(&line->text[i], words[i], __ATOMIC_RELEASE);
	__atomic_store_n(&line->sequence, sequence + 1, __ATOMIC_RELEASE);
	__atomic_store_n(&ring->written, sequence + 1, __ATOMIC_RELEASE);
}

/* Reads one message. false if it was overwritten. */
static bool read_line(const struct live_ring_line *line, uint64_t sequence, struct live_message *message)
{
	uint64_t words[WORDS];
	size_t i;

	if (__atomic_load_n(&line->sequence, __ATOMIC_ACQUIRE) != sequence + 1)
		return false;
	message->sequence = sequence;
	message->kind = (enum live_message_kind)__atomic_load_n(&line->kind, __ATOMIC_ACQUIRE);
	message->time = __atomic_load_n(&line->time, __ATOMIC_ACQUIRE);
	for (i = 0; i < WORDS; i++)
		words[i] = __atomic_load_n(&line->text[i], __ATOMIC_ACQUIRE);
	if (live_get(&line->sequence) != sequence + 1)
		return false;
	memcpy(message->text, words, sizeof(words));
	/* A file may have any contents. */
	message->text[LIVE_MESSAGE_BYTES - 1] = 0;
	return true;
}

bool live_ring_read(const struct live_ring *ring, uint64_t *next, struct live_message *message)
{
	uint64_t written = __atomic_load_n(&ring->written, __ATOMIC_ACQUIRE);

	if (*next < written && written - *next > LIVE_RING_LINES)
		*next = written - LIVE_RING_LINES;
	while (*next < written) {
		uint64_t sequence = (*next)++;

		if (read_line(&ring->lines[sequence % LIVE_RING_LINES], sequence, message))
			return true;
	}
	return false;
}
