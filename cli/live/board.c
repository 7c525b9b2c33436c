/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Creating and mapping boards. Truncating a mapped file would kill the process (SIGBUS), so a memfd
 * is sealed, and a file is mapped only if it has its full length.
 */
#include "board.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

_Static_assert(sizeof(struct live_board) % 8 == 0 && sizeof(struct live_numbers) % 8 == 0, "a board is made of words");
_Static_assert(LIVE_FUNCTION_NAME % 8 == 0 && LIVE_MESSAGE_BYTES % 8 == 0, "a board is made of words");

/* NULL, with errno set, if mapping fails. */
static struct live_board *map(int fd)
{
	void *memory = mmap(NULL, sizeof(struct live_board), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	return memory == MAP_FAILED ? NULL : memory;
}

/* Turns an empty file into a board. */
static int make(int fd, struct live_board **board)
{
	struct live_board *made;

	if (ftruncate(fd, sizeof(*made)))
		return -errno;
	made = map(fd);
	if (!made)
		return -errno;
	live_set(&made->version, LIVE_BOARD_VERSION);
	live_set(&made->size, sizeof(*made));
	__atomic_store_n(&made->magic, LIVE_BOARD_MAGIC, __ATOMIC_RELEASE);
	*board = made;
	return 0;
}

int live_board_memfd(int *fd, struct live_board **board)
{
	int made = memfd_create("viommu-board", MFD_ALLOW_SEALING), ret;

	if (made < 0)
		return -errno;
	ret = make(made, board);
	if (ret) {
		close(made);
		return ret;
	}
	/* Without seals, no process does what they forbid. */
	(void)fcntl(made, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW);
	*fd = made;
	return 0;
}

/* The fault of a board, NULL if it has none. */
static const char *judge(const struct live_board *board)
{
	if (__atomic_load_n(&board->magic, __ATOMIC_ACQUIRE) != LIVE_BOARD_MAGIC)
		return "this is not a board";
	if (live_get(&board->version) != LIVE_BOARD_VERSION)
		return "this board is of another version: plugin and command do not belong together";
	if (live_get(&board->size) != sizeof(*board))
		return "this board is of another size: plugin and command do not belong together";
	return NULL;
}

/*
 * Maps a file that should hold a board. The header is the same in all versions, which distinguishes
 * a board of another length from other files.
 */
static int open_made(int fd, off_t length, struct live_board **board, const char **why)
{
	struct live_board *mapped;

	if ((uint64_t)length < sizeof(*mapped)) {
		uint64_t magic = 0;

		*why = "this file is too short for a board";
		if (pread(fd, &magic, sizeof(magic), 0) == (ssize_t)sizeof(magic) && magic == LIVE_BOARD_MAGIC)
			*why = "this board is cut short, or of another version";
		return -EINVAL;
	}
	mapped = map(fd);
	if (!mapped)
		return -errno;
	*why = judge(mapped);
	if (*why) {
		live_board_close(mapped);
		return -EINVAL;
	}
	*board = mapped;
	return 0;
}

int live_board_open(const char *path, bool create, struct live_board **board, const char **why)
{
	const char *unwanted;
	struct stat status;
	int fd, ret;

	if (!why)
		why = &unwanted;
	*why = NULL;
	fd = open(path, O_RDWR | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | (create ? O_CREAT : 0), 0600);
	if (fd < 0)
		ret = -errno;
	else if (fstat(fd, &status))
		ret = -errno;
	else if (!S_ISREG(status.st_mode)) {
		*why = "this is not a file";
		ret = -EINVAL;
	} else if (create && !status.st_size)
		ret = make(fd, board);
	else
		ret = open_made(fd, status.st_size, board, why);
	if (ret && !*why)
		*why = strerror(-ret);
	if (fd >= 0)
		close(fd);
	return ret;
}

void live_board_close(struct live_board *board)
{
	if (board)
		munmap(board, sizeof(*board));
}

void live_board_snapshot(const struct live_board *board, struct live_numbers *numbers)
{
	const uint64_t *from = (const uint64_t *)(const void *)&board->numbers;
	uint64_t *to = (uint64_t *)(void *)numbers;
	size_t i;

	for (i = 0; i < sizeof(*numbers) / sizeof(*to); i++)
		to[i] = live_get(&from[i]);
}
