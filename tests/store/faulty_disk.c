/* A disk that fails on demand, for the processes it is preloaded into: the n-th call of a kind on a file whose path
 * holds "bgo.db" ends in errno `error` instead of doing its work. The log of calls serves the power-cut test: with
 * BGO_DISK_LOG set, every write, truncation, sync and removal of such a file is appended there, data included. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

enum { SYNC = 1, WRITE = 2, TRUNCATE = 3, UNLINK = 4 };

static int armed_kind, armed_error;
static long countdown, calls, fired;
static int log_fd = -2;

/* Fail the n-th call of this kind from now on, once. n = 0 disarms. */
void disk_fail(int kind, long n, int error) { armed_kind = kind; countdown = n; armed_error = error; fired = 0; }
long disk_fired(void) { return fired; }
long disk_calls(void) { return calls; }

static int is_ours(int fd, char *path, size_t size) {
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, size - 1);
    if (length <= 0) return 0;
    path[length] = 0;
    return strstr(path, "bgo.db") != NULL && strstr(path, ".lock") == NULL;
}

static int fails(int kind) {
    if (kind == SYNC) calls++;
    if (kind != armed_kind || countdown <= 0 || --countdown > 0) return 0;
    fired++;
    errno = armed_error;
    return 1;
}

/* One record: kind, offset, length of the data, length of the path, path, data. */
static void record(int32_t kind, const char *path, int64_t offset, const void *data, int64_t size) {
    if (log_fd == -2) {
        const char *name = getenv("BGO_DISK_LOG");
        log_fd = name ? open(name, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600) : -1;
    }
    if (log_fd < 0) return;
    int32_t name_size = (int32_t)strlen(path);
    struct iovec parts[] = {
        {&kind, sizeof kind}, {&name_size, sizeof name_size}, {&offset, sizeof offset}, {&size, sizeof size},
        {(void *)path, (size_t)name_size}, {(void *)data, data ? (size_t)size : 0},
    };
    if (writev(log_fd, parts, 6) < 0) abort();
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

#define SYNC_CALL(name)                                                   \
    int name(int fd) {                                                    \
        char path[4096];                                                  \
        if (is_ours(fd, path, sizeof path)) {                             \
            if (fails(SYNC)) return -1;                                   \
            int result = REAL(name)(fd);                                  \
            if (result == 0) record(SYNC, path, 0, NULL, 0);              \
            return result;                                                \
        }                                                                 \
        return REAL(name)(fd);                                            \
    }

#define WRITE_CALL(name, offset_type)                                     \
    ssize_t name(int fd, const void *data, size_t size, offset_type at) { \
        char path[4096];                                                  \
        if (is_ours(fd, path, sizeof path)) {                             \
            if (fails(WRITE)) return -1;                                  \
            ssize_t done = REAL(name)(fd, data, size, at);                \
            if (done > 0) record(WRITE, path, at, data, done);            \
            return done;                                                  \
        }                                                                 \
        return REAL(name)(fd, data, size, at);                            \
    }

#define TRUNCATE_CALL(name, offset_type)                                  \
    int name(int fd, offset_type size) {                                  \
        char path[4096];                                                  \
        if (is_ours(fd, path, sizeof path)) {                             \
            if (fails(TRUNCATE)) return -1;                               \
            int result = REAL(name)(fd, size);                            \
            if (result == 0) record(TRUNCATE, path, size, NULL, 0);       \
            return result;                                                \
        }                                                                 \
        return REAL(name)(fd, size);                                      \
    }

int unlink(const char *path) {
    int result = REAL(unlink)(path);
    if (result == 0 && strstr(path, "bgo.db") != NULL) record(UNLINK, path, 0, NULL, 0);
    return result;
}

SYNC_CALL(fsync)
SYNC_CALL(fdatasync)
WRITE_CALL(pwrite, off_t)
WRITE_CALL(pwrite64, off64_t)
TRUNCATE_CALL(ftruncate, off_t)
TRUNCATE_CALL(ftruncate64, off64_t)
