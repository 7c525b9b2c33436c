/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The fake kernel's files: which ones exist, opening and closing them. Their ioctls are in
 * fake_type1.c and fake_iommufd.c.
 */
#define _GNU_SOURCE
#include "fake_objects.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <linux/vfio.h>

#define CDEV_MAJOR 511u

struct fake fake;

/* Serializes calls of several threads. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

int __real_open64(const char *path, int flags, ...);
int __real_close(int fd);
ssize_t __real_read(int fd, void *to, size_t bytes);
int __real_ioctl(int fd, unsigned long request, ...);
int __real_access(const char *path, int mode);
ssize_t __real_readlink(const char *path, char *to, size_t bytes);
DIR *__real_opendir(const char *path);
int __real_stat64(const char *path, struct stat64 *status);
int __real_fstat64(int fd, struct stat64 *status);
void *__real_calloc(size_t number, size_t bytes);
void *__real_realloc(void *memory, size_t bytes);
void *__wrap_calloc(size_t number, size_t bytes);
void *__wrap_realloc(void *memory, size_t bytes);
int __wrap_open64(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...);
int __wrap_close(int fd);
ssize_t __wrap_read(int fd, void *to, size_t bytes);
int __wrap_ioctl(int fd, unsigned long request, ...);
int __wrap_access(const char *path, int mode);
ssize_t __wrap_readlink(const char *path, char *to, size_t bytes);
DIR *__wrap_opendir(const char *path);
int __wrap_stat64(const char *path, struct stat64 *status);
int __wrap_fstat64(int fd, struct stat64 *status);
int __wrap_stat(const char *path, struct stat64 *status);
int __wrap_fstat(int fd, struct stat64 *status);

/* Whether this call was set to fail. */
static bool ordered_to_fail(void)
{
	uint64_t call = ++fake.calls;

	if (call < fake.fail_from || call > fake.fail_until)
		return false;
	errno = fake.fail_with;
	return true;
}

static int fail(int error)
{
	errno = error;
	return -1;
}

struct fake_file *fake_file(int fd)
{
	for (unsigned int i = 0; i < FAKE_FILES; i++)
		if (fake.files[i].kind && fake.files[i].fd == fd)
			return &fake.files[i];
	return NULL;
}

int fake_new_file(enum fake_kind kind, unsigned int number, struct fake_file **out)
{
	unsigned int i = 0;

	while (fake.files[i].kind)
		if (++i == FAKE_FILES)
			abort();
	memset(&fake.files[i], 0, sizeof(fake.files[i]));
	fake.files[i].fd = __real_open64("/dev/null", O_RDWR | O_CLOEXEC);
	fake.files[i].kind = kind;
	fake.files[i].number = number;
	if (out)
		*out = &fake.files[i];
	return fake.files[i].fd;
}

static bool is_open(enum fake_kind kind, unsigned int number)
{
	for (unsigned int i = 0; i < FAKE_FILES; i++)
		if (fake.files[i].kind == kind && fake.files[i].number == number)
			return true;
	return false;
}

static int open_fake(const char *path)
{
	unsigned int number;
	char end;

	if (ordered_to_fail())
		return -1;
	if (!strcmp(path, "/dev/vfio/vfio"))
		return fake.options.no_vfio ? fail(ENOENT) : fake_new_file(FAKE_CONTAINER, 0, NULL);
	if (!strcmp(path, "/dev/iommu"))
		return fake.options.no_iommu ? fail(ENOENT) : fake_new_file(FAKE_IOMMUFD, 0, NULL);
	if (sscanf(path, "/dev/vfio/devices/vfio%u%c", &number, &end) == 1 && number < FAKE_DEVICES)
		return is_open(FAKE_CDEV, number) ? fail(EBUSY) : fake_new_file(FAKE_CDEV, number, NULL);
	if (sscanf(path, "/dev/vfio/%u%c", &number, &end) == 1 && (number == 7 || number == 9))
		return is_open(FAKE_GROUP, number) ? fail(EBUSY) : fake_new_file(FAKE_GROUP, number, NULL);
	return fail(ENOENT);
}

static bool is_ours(const char *path)
{
	return fake.root[0] && (!strncmp(path, "/dev/vfio/", 10) || !strcmp(path, "/dev/iommu"));
}

int __wrap_open64(const char *path, int flags, ...)
{
	va_list arguments;
	mode_t mode = 0;

	if (is_ours(path)) {
		int fd;

		if (!(flags & O_CLOEXEC))
			abort();
		pthread_mutex_lock(&lock);
		fd = open_fake(path);
		pthread_mutex_unlock(&lock);
		return fd;
	}
	if (flags & (O_CREAT | O_TMPFILE)) {
		va_start(arguments, flags);
		mode = va_arg(arguments, mode_t);
		va_end(arguments);
	}
	return __real_open64(path, flags, mode);
}

int __wrap_open(const char *path, int flags, ...)
{
	return __wrap_open64(path, flags, 0600);
}

int __wrap_close(int fd)
{
	struct fake_file *file;

	pthread_mutex_lock(&lock);
	file = fake_file(fd);
	if (file) {
		if (file->kind == FAKE_CONTAINER || file->kind == FAKE_GROUP || file->kind == FAKE_DEVICE)
			fake_type1_close(file);
		else
			fake_iommufd_close(file);
		file->kind = FAKE_NONE;
	}
	pthread_mutex_unlock(&lock);
	return __real_close(fd);
}

/* Event queues: their records are in a pipe. */
ssize_t __wrap_read(int fd, void *to, size_t bytes)
{
	bool fails;

	pthread_mutex_lock(&lock);
	fails = fake_file(fd) && ordered_to_fail();
	pthread_mutex_unlock(&lock);
	return fails ? -1 : __real_read(fd, to, bytes);
}

static int ioctl_of(struct fake_file *file, unsigned long request, void *argument)
{
	int result;

	if (ordered_to_fail()) {
		fake.failed = request;
		return -1;
	}
	if (file->kind == FAKE_CONTAINER || file->kind == FAKE_GROUP || file->kind == FAKE_DEVICE)
		result = fake_type1_ioctl(file, request, argument);
	else
		result = fake_iommufd_ioctl(file, request, argument);
	return result < 0 ? fail(-result) : result;
}

static void (*watcher)(void *ctx, unsigned long request);
static void *watcher_ctx;

void fake_watch(void (*watch)(void *ctx, unsigned long request), void *ctx)
{
	watcher = watch;
	watcher_ctx = ctx;
}

int __wrap_ioctl(int fd, unsigned long request, ...)
{
	struct fake_file *file;
	va_list arguments;
	void *argument;
	int result;

	va_start(arguments, request);
	argument = va_arg(arguments, void *);
	va_end(arguments);
	if (watcher)
		watcher(watcher_ctx, request);
	pthread_mutex_lock(&lock);
	file = fake_file(fd);
	result = file ? ioctl_of(file, request, argument) : __real_ioctl(fd, request, argument);
	pthread_mutex_unlock(&lock);
	return result;
}

static bool allocation_fails(void)
{
	return fake.root[0] && __atomic_add_fetch(&fake.allocations, 1, __ATOMIC_RELAXED) == fake.fail_allocation;
}

void *__wrap_calloc(size_t number, size_t bytes)
{
	return allocation_fails() ? NULL : __real_calloc(number, bytes);
}

void *__wrap_realloc(void *memory, size_t bytes)
{
	return allocation_fails() ? NULL : __real_realloc(memory, bytes);
}

/* "/sys/..." is redirected to a temporary folder. */
static const char *in_tree(const char *path, char to[512])
{
	if (!fake.root[0] || strncmp(path, "/sys/", 5))
		return path;
	snprintf(to, 512, "%.64s%.400s", fake.root, path);
	return to;
}

int __wrap_access(const char *path, int mode)
{
	char to[512];

	return __real_access(in_tree(path, to), mode);
}

ssize_t __wrap_readlink(const char *path, char *to, size_t bytes)
{
	char there[512];

	return __real_readlink(in_tree(path, there), to, bytes);
}

DIR *__wrap_opendir(const char *path)
{
	char to[512];

	return __real_opendir(in_tree(path, to));
}

int __wrap_stat64(const char *path, struct stat64 *status)
{
	unsigned int number;

	if (!is_ours(path))
		return __real_stat64(path, status);
	if (sscanf(path, "/dev/vfio/%u", &number) != 1)
		return fail(ENOENT);
	memset(status, 0, sizeof(*status));
	status->st_rdev = 1000 + number;
	return 0;
}

int __wrap_fstat64(int fd, struct stat64 *status)
{
	struct fake_file *file = fake_file(fd);

	if (!file || (file->kind != FAKE_GROUP && (file->kind != FAKE_CDEV || fake.options.hidden_groups)))
		return __real_fstat64(fd, status);
	memset(status, 0, sizeof(*status));
	status->st_mode = S_IFCHR | 0600;
	status->st_rdev = file->kind == FAKE_CDEV ? makedev(CDEV_MAJOR, file->number) : 1000 + file->number;
	return 0;
}

int __wrap_stat(const char *path, struct stat64 *status)
{
	return __wrap_stat64(path, status);
}

int __wrap_fstat(int fd, struct stat64 *status)
{
	return __wrap_fstat64(fd, status);
}

/* Creates a folder with its parents, or a link. */
static void make(const char *folder, const char *name, const char *target)
{
	char path[512];

	snprintf(path, sizeof(path), "%s%s/%s", fake.root, folder, name);
	if (target) {
		if (symlink(target, path))
			abort();
		return;
	}
	for (char *slash = path + strlen(fake.root) + 1; (slash = strchr(slash, '/')); slash++) {
		*slash = 0;
		if (mkdir(path, 0700) && errno != EEXIST)
			abort();
		*slash = '/';
	}
	if (mkdir(path, 0700) && errno != EEXIST)
		abort();
}

static void make_device(const char *address, const char *driver, const char *group, unsigned int number)
{
	char folder[64], path[64];

	snprintf(folder, sizeof(folder), "/sys/bus/pci/devices/%s", address);
	snprintf(path, sizeof(path), "vfio-dev/vfio%u%s", number, fake.options.no_cdev ? "" : "/dev");
	make(folder, strstr(driver, "vfio") ? path : "vfio-dev", NULL);
	make(folder, "driver", driver);
	make(folder, "iommu_group", group);
	snprintf(folder, sizeof(folder), "/sys/dev/char/%u:%u", CDEV_MAJOR, number);
	make(folder, "device", NULL);
	make(folder, "device/iommu_group", group);
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *where)
{
	(void)status, (void)type, (void)where;
	return remove(path);
}

/* The tree of the last fake_begin(). The next one uses it again if its options are alike. */
static struct {
	char root[64];
	bool one_group, no_cdev, unbound;
} tree;

static void remove_tree(void)
{
	fake.root[0] = 0;
	if (tree.root[0] && nftw(tree.root, remove_one, 8, FTW_DEPTH | FTW_PHYS))
		perror(tree.root);
	tree.root[0] = 0;
}

static void make_tree(const struct fake_options *options)
{
	static bool registered;

	if (!registered && atexit(remove_tree))
		abort();
	registered = true;
	remove_tree();
	strcpy(tree.root, "/tmp/fake-kernel-XXXXXX");
	if (!mkdtemp(tree.root))
		abort();
	tree.one_group = options->one_group;
	tree.no_cdev = options->no_cdev;
	tree.unbound = options->unbound;
	strcpy(fake.root, tree.root);
	make_device(FAKE_ONE, options->unbound ? "../../../bus/pci/drivers/nvme" : "../../../bus/pci/drivers/vfio-pci", "../../../kernel/iommu_groups/7", 0);
	make_device(FAKE_TWO, "../../../bus/pci/drivers/vfio-pci", options->one_group ? "../../../kernel/iommu_groups/7" : "../../../kernel/iommu_groups/9", 1);
}

void fake_begin(const struct fake_options *options)
{
	memset(&fake, 0, sizeof(fake));
	fake.options = *options;
	fake_module_begin();
	if (!tree.root[0] || tree.one_group != options->one_group || tree.no_cdev != options->no_cdev || tree.unbound != options->unbound)
		make_tree(options);
	strcpy(fake.root, tree.root);
	/* Calls that create the tree do not count. */
	fake.allocations = 0;
}

bool fake_end(void)
{
	bool clean = !fake_mappings() && !fake_objects() && !fake_module_domains();

	for (unsigned int i = 0; i < FAKE_FILES; i++)
		clean &= !fake.files[i].kind;
	fake.root[0] = 0;
	return clean;
}

uint64_t fake_calls(void)
{
	return fake.calls;
}

void fake_fail(uint64_t from, uint64_t until, int error)
{
	fake.fail_from = from;
	fake.fail_until = until;
	fake.fail_with = error;
}

uint64_t fake_allocations(void)
{
	return fake.allocations;
}

void fake_fail_allocation(uint64_t number)
{
	fake.fail_allocation = number;
}

int fake_open(const char *path)
{
	return open_fake(path);
}

int fake_ioctl(int fd, unsigned long request, void *argument)
{
	return __wrap_ioctl(fd, request, argument);
}

void fake_close(int fd)
{
	__wrap_close(fd);
}

unsigned int fake_group_of(unsigned int device)
{
	return device == 0 || fake.options.one_group ? 7 : 9;
}

/*
 * The upper end of a device's aperture. The window of x86's interrupts below it is reserved, and so
 * is the first page.
 */
uint64_t fake_last(unsigned int device)
{
	return device && fake.options.narrow_two ? (UINT64_C(1) << 39) - 1 : (UINT64_C(1) << 48) - 1;
}

bool fake_is_reserved(unsigned int device, uint64_t first, uint64_t last)
{
	return first < FAKE_FIRST || last > fake_last(device) || (first <= FAKE_WINDOW_LAST && last >= FAKE_WINDOW_FIRST);
}

int fake_dma(int fd, uint64_t iova, unsigned char **hva, uint32_t *prot)
{
	struct fake_file *file = fake_file(fd);

	return file->kind == FAKE_DEVICE ? fake_type1_dma(file, iova, hva, prot) : fake_iommufd_dma(file->attached, iova, hva, prot);
}

int fake_dma_pasid(int fd, uint32_t pasid, uint64_t iova, unsigned char **hva, uint32_t *prot)
{
	const uint32_t *attached = fake_pasid(fake_file(fd), pasid);

	return attached ? fake_iommufd_dma(*attached, iova, hva, prot) : -ENOENT;
}

uint64_t fake_pinned(void)
{
	return fake_type1_pinned() + fake_iommufd_pinned();
}

size_t fake_mappings(void)
{
	return fake_type1_mappings() + fake_iommufd_mappings();
}
